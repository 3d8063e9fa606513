"""Everything a tool's process gives up before the tool's code is read."""

import ctypes
import errno
import os
import resource
import struct
import sys

import landlock
import seccomp

NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 1, 4, 38, 24
SIGKILL = 9
LIBRARIES = (
    '/usr/lib', '/usr/lib64', '/lib', '/lib64', '/usr/share/zoneinfo', '/etc/localtime', '/etc/ld.so.cache',
    '/etc/ssl/certs', '/etc/ssl/openssl.cnf', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates',
    '/etc/pki/tls/certs', '/etc/pki/ca-trust/extracted', '/etc/mime.types',
    '/dev/null', '/dev/zero', '/dev/urandom', '/dev/random',
)  # fmt: skip


class Refused(Exception):
    """The machine cannot hold the tool; the text says so to the operator."""


def prctl(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(*arguments, *([0] * (5 - len(arguments)))) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def die_with_parent(parent):
    """The kernel kills this process when its parent dies, whatever it was doing."""
    if sys.platform != 'linux':
        return
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def python_folders():
    """Where the interpreter and its packages are."""
    prefixes = [sys.base_prefix, sys.prefix]
    environment = os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))
    if os.path.exists(os.path.join(environment, 'pyvenv.cfg')):
        prefixes.append(environment)
    version = f'python{sys.version_info[0]}.{sys.version_info[1]}'
    folders = [os.path.join(prefix, 'lib', version) for prefix in prefixes]
    configuration = [os.path.join(environment, 'pyvenv.cfg')]
    return [os.path.dirname(os.__file__), *folders, *configuration]


def is_open_to_all(path):
    """Whether any user may reach the path: every folder above it can be searched by others."""
    path = os.path.realpath(path)
    while True:
        try:
            if not os.stat(path).st_mode & 0o001 and os.path.isdir(path):
                return False
        except OSError:
            return True  # What is not there keeps nobody out.
        if path == '/':
            return True
        path = os.path.dirname(path)


def drop_root(work, readable):
    """A root process becomes nobody where nobody can read what the tool needs; otherwise it loses all capabilities."""
    if os.geteuid() != 0:
        return
    if all(is_open_to_all(path) for path in readable) and is_open_to_all(os.path.dirname(work)):
        os.chown(work, NOBODY, NOBODY)
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        prctl(PR_SET_DUMPABLE, 1)
        return
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            break
    libc = ctypes.CDLL(None, use_errno=True)
    header = ctypes.create_string_buffer(struct.pack('=Ii', 0x20080522, 0))
    if libc.capset(header, ctypes.create_string_buffer(24)) != 0:
        raise OSError(ctypes.get_errno(), 'capset')


def running_tasks():
    """How many tasks the machine runs: no user has more."""
    try:
        with open('/proc/loadavg') as file:
            return int(file.read().split()[3].split('/')[1])
    except (OSError, ValueError, IndexError):
        return 4096


def limit(limits):
    fixed = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_NOFILE: 128,
        # Counted per user, so the tool gets its threads on top of what may run already.
        resource.RLIMIT_NPROC: running_tasks() + 64,
        resource.RLIMIT_AS: limits['memoryBytes'],
        resource.RLIMIT_FSIZE: limits['fileBytes'],
        resource.RLIMIT_CPU: limits['cpuSeconds'],
    }
    for name, value in fixed.items():
        _, hard = resource.getrlimit(name)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(name, (value, value))


def close_all_but(kept):
    start = 3
    for descriptor in [*sorted(fd for fd in kept if fd > 2), 1 << 16]:
        os.closerange(start, descriptor)
        start = descriptor + 1


def check(policy):
    """Refuses before anything is started when the kernel lacks what the policy needs."""
    if sys.platform != 'linux':
        raise Refused('the sandbox needs Linux; set TOOL_SANDBOX=none to run tools without one')
    try:
        seccomp.program(policy['network'])
    except OSError as error:
        raise Refused(f'{error.strerror}; set TOOL_SANDBOX=none to run tools without a sandbox') from error
    if policy['mode'] == 'landlock' and landlock.version() < 1:
        raise Refused(
            'the kernel of this machine has no Landlock (it needs Linux 5.13 with Landlock enabled), so it cannot hold '
            'a tool: set TOOL_SANDBOX=bwrap where bubblewrap works, or TOOL_SANDBOX=none to run tools without a sandbox'
        )


def enter(policy, kept):
    """Confines this process for good. Returns the descriptor that hears of connects, or None without a network."""
    readable = [*LIBRARIES, *python_folders(), *policy['readable']]
    limit(policy['limits'])
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    close_all_but(kept)
    if landlock.version() >= 1:
        landlock.restrict(readable, [policy['work']])
    return seccomp.install(policy['network'])
