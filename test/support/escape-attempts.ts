/** One attempt of a tool to do what its sandbox forbids. The body of `f` returns True, or raises nothing, if it got away. */
export interface EscapeAttempt {
  readonly what: string;
  readonly body: string;
  /** Only root can do it even without a sandbox. */
  readonly needsRoot?: boolean;
  /** There is nothing to get away from without a sandbox. */
  readonly isOfSandbox?: boolean;
  /** Tried by a tool that has a network. */
  readonly network?: boolean;
}

// System calls by number, x86_64 and aarch64.
export const PRELUDE = `
import ctypes, errno, mmap, os, platform, resource, signal, socket, struct, subprocess, sys, threading, time
ARM = platform.machine() == 'aarch64'
def syscall(x86, arm, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(arm if ARM else x86, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def permitted(call, *allowed):
    """Whether the kernel looked at the call, even if it then found the arguments wanting."""
    try:
        call()
    except OSError as error:
        return error.errno in allowed
    return True
def allocate(size):
    """Memory that is the process's by its limits, and that nobody waits for because nobody touches it."""
    return len(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
def reached(address, family=socket.AF_INET):
    s = socket.socket(family)
    s.settimeout(2)
    try:
        s.connect(address)
    except PermissionError:
        raise
    except OSError:
        return True  # The network said no, not the sandbox.
    return True
`;

const line = (what: string, body: string, facts: Partial<EscapeAttempt> = {}): EscapeAttempt => ({
  what,
  body,
  ...facts,
});

export const ESCAPE_ATTEMPTS: readonly EscapeAttempt[] = [
  line('read the environment of the server', `return b'everturn-secret' in open(f'/proc/{os.getppid()}/environ', 'rb').read()`),
  line('read the environment of all processes', `
    for p in os.listdir('/proc'):
        try:
            if p.isdigit() and b'everturn-secret' in open(f'/proc/{p}/environ', 'rb').read(): return True
        except OSError:
            pass
    return False`),
  line('read a file of the project', `return open(t['project']).read() != ''`),
  line('list the folder of the project', `return os.listdir(os.path.dirname(t['project'])) != []`),
  line('write a file of the project', `open(t['project'], 'r+').close(); return True`, { needsRoot: true }),
  line("list the folder of another tool", `return os.listdir(t['other']) != []`),
  line("read a file of another tool", `return open(t['other'] + '/file').read() != ''`),
  line("write a file of another tool", `open(t['other'] + '/file', 'a').close(); return True`),
  line("move a file out of another tool's folder", `os.rename(t['other'] + '/spare', 'mine'); os.rename('mine', t['other'] + '/spare'); return True`),
  line('truncate a file of another tool', `os.truncate(t['other'] + '/file', 4); return True`),
  line('read a file of the home folder', `return open(t['home'] + '/.ssh/id').read() != ''`),
  line('read the list of users', `return open('/etc/passwd').read() != ''`),
  line('list the root of the file system', `return os.listdir('/') != []`),
  line('follow a symbolic link out of its folder', `os.symlink(t['project'], 'link'); return open('link').read() != ''`),
  line('make a hard link to a file outside', `os.link(t['other'] + '/file', 'hard'); return open('hard').read() != ''`),
  line('change the mode of a file outside', `
    before = os.stat(t['owned']).st_mode
    os.chmod(t['owned'], before ^ 0o4)
    return os.stat(t['owned']).st_mode != before`),
  line('change the times of a file outside', `
    os.utime(t['owned'], (1, 1))
    return os.stat(t['owned']).st_mtime == 1`),
  line('open a device', `return os.open('/dev/full', os.O_WRONLY) > 0`),
  line('read the memory map of the server', `return open(f'/proc/{os.getppid()}/maps').read() != ''`),
  line('reach Postgres', `socket.create_connection(('127.0.0.1', t['postgres']), 2); return True`),
  line('reach Temporal', `socket.create_connection(('127.0.0.1', t['temporal']), 2); return True`),
  line('reach a loopback server', `socket.create_connection(('127.0.0.1', t['server']), 2); return True`),
  line('reach the metadata address', `return reached(('169.254.169.254', 80))`),
  line('send over UDP', `socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)); return True`),
  line('look up a name', `return socket.getaddrinfo('localhost', 80, proto=socket.IPPROTO_TCP) != []`),
  line('open a raw socket', `socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); return True`, { needsRoot: true }),
  line('open a netlink socket', `socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); return True`),
  line('reach a socket in the file system', `socket.socket(socket.AF_UNIX).connect(t['unix']); return True`),
  line('write to a datagram socket in the file system', `
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return permitted(lambda: a.sendto(b'x', t['unix']), errno.EPROTOTYPE, errno.ECONNREFUSED)`),
  line('reach an abstract socket', `return permitted(lambda: socket.socket(socket.AF_UNIX).connect('\\0everturn-test'), errno.ECONNREFUSED)`),
  line('listen on a port', `s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return True`),
  line('fork', `
    child = os.fork()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)
    return True`),
  line('fork a hundred times', `
    children = []
    for _ in range(100):
        child = os.fork()
        if child == 0:
            time.sleep(5)
            os._exit(0)
        children.append(child)
    for child in children: os.kill(child, 9)
    return True`),
  line('leave a daemon behind', `
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        time.sleep(3)
        os._exit(0)
    os.waitpid(child, 0)
    return True`),
  line('start a program', `return subprocess.run(['/bin/true']).returncode == 0`),
  line('become a program', `return permitted(lambda: syscall(59, 221, b'/nowhere', None, None), errno.ENOENT, errno.EFAULT)`),
  line('allocate 3 GB', `return allocate(3 << 30) > 0`),
  line('write a file of 40 MB', `
    with open('big', 'wb') as file:
        for _ in range(40): file.write(bytes(1 << 20))
    return True`),
  line('keep memory that no limit counts', `return os.memfd_create('x') > 0`),
  line('share memory with programs of the user', `
    segment = syscall(29, 194, 0, ctypes.c_size_t(4096), 0o1600)
    syscall(31, 195, segment, 0, None)
    return True`),
  line('raise its own limits', `resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)); return allocate(3 << 30) > 0`),
  line('signal the server', `os.kill(os.getppid(), 0); return True`),
  line('signal its group', `os.killpg(0, 0); return True`),
  line('have signals sent to the server', `
    import fcntl
    a, b = socket.socketpair()
    fcntl.fcntl(a, fcntl.F_SETOWN, os.getppid())
    return True`),
  line('change the priority of the server', `os.setpriority(os.PRIO_PROCESS, os.getppid(), os.getpriority(os.PRIO_PROCESS, os.getppid())); return True`),
  line('read the limits of the server', `resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE); return True`),
  line('outlive the server', `return ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0`),
  line('trace the server', `
    syscall(101, 117, 0x4206, os.getppid(), None, None)
    return True`),
  line('read the memory of the server', `
    buffer = ctypes.create_string_buffer(8)
    local = struct.pack('QQ', ctypes.addressof(buffer), 8)
    remote = struct.pack('QQ', 0x10, 8)
    return permitted(lambda: syscall(310, 270, os.getppid(), local, ctypes.c_ulong(1), remote, ctypes.c_ulong(1), ctypes.c_ulong(0)), errno.EFAULT)`),
  line('take a descriptor of the server', `
    process = syscall(434, 434, os.getppid(), 0)
    return syscall(438, 438, process, 0, 0) > 0`),
  line('use io_uring', `return permitted(lambda: syscall(425, 425, 8, None), errno.EFAULT)`),
  line('use the key ring', `return syscall(248, 217, b'user', b'everturn', b'x', ctypes.c_size_t(1), -2) > 0`),
  line('load a program into the kernel', `return permitted(lambda: syscall(321, 280, 0, None, 0), errno.EFAULT, errno.EINVAL, errno.E2BIG)`, { needsRoot: true }),
  line('measure the kernel', `return permitted(lambda: syscall(298, 241, None, 0, -1, -1, ctypes.c_ulong(0)), errno.EFAULT, errno.E2BIG)`),
  line('handle page faults', `return permitted(lambda: syscall(323, 282, 1))`),
  line('restart the machine', `return permitted(lambda: syscall(169, 142, 0, 0, 0, None), errno.EINVAL)`, { needsRoot: true }),
  line('mount', `return permitted(lambda: syscall(165, 40, b'none', b'/nowhere', b'tmpfs', ctypes.c_ulong(0), None), errno.ENOENT)`, { needsRoot: true }),
  line('change its root', `os.chroot('.'); return True`, { needsRoot: true }),
  line('make a namespace', `syscall(272, 97, 0x10000000); return True`),
  line('become another user', `os.setuid(1234); return True`, { needsRoot: true }),
  line('give a file away', `open('mine', 'w').close(); os.chown('mine', 1234, 1234); return True`, { needsRoot: true }),
  line('make a device', `os.mknod('disk', 0o60600, os.makedev(8, 0)); return True`, { needsRoot: true }),
  line('set the clock', `return permitted(lambda: syscall(227, 112, 0, None), errno.EFAULT, errno.EINVAL)`, { needsRoot: true }),

  line('reach Postgres', `return reached(('127.0.0.1', t['postgres']))`, { network: true }),
  line('reach Temporal', `return reached(('127.0.0.1', t['temporal']))`, { network: true }),
  line('reach a loopback port of the web', `return reached(('127.0.0.1', 80))`, { network: true }),
  line('reach loopback over IPv6', `return reached(('::1', 443), socket.AF_INET6)`, { network: true }),
  line('reach loopback as a mapped address', `return reached(('::ffff:127.0.0.1', 80), socket.AF_INET6)`, { network: true }),
  line('reach the unspecified address', `return reached(('0.0.0.0', 80))`, { network: true }),
  line('reach a private address', `return reached(('10.1.2.3', 80))`, { network: true }),
  line('reach the metadata address', `return reached(('169.254.169.254', 80))`, { network: true }),
  line('connect with its first data', `
    s = socket.socket()
    return permitted(lambda: s.sendto(b'x', 0x20000000, ('127.0.0.1', t['server'])), errno.EINPROGRESS, errno.ECONNREFUSED, errno.EOPNOTSUPP)`, { network: true }),
  line('send over UDP', `socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)); return True`, { network: true }),
  line('connect over another protocol', `return permitted(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262), errno.EPROTONOSUPPORT)`, { network: true }),
  line('reach a socket in the file system', `socket.socket(socket.AF_UNIX).connect(t['unix']); return True`, { network: true }),
  line('listen on a port', `s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return True`, { network: true }),
  line('look up a private name', `return socket.getaddrinfo('localhost', 80, proto=socket.IPPROTO_TCP) != []`, { network: true }),
  line('signal its supervisor', `os.kill(os.getppid(), 0); return True`, { network: true }),
  line('trace its supervisor', `syscall(101, 117, 0x4206, os.getppid(), None, None); return True`, { network: true }),
  line('answer its own connections', `
    import fcntl
    for descriptor in range(3, 1000):
        try:
            fcntl.ioctl(descriptor, 0xC0502100, bytearray(80))
            return True
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP): return True
    raise PermissionError('no descriptor answers')`, { network: true, isOfSandbox: true }),
]; // prettier-ignore
