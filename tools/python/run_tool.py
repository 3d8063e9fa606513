"""
Runs one call of a tool in a process of its own. Reads a request (JSON) from stdin; writes one answer, a nonce and JSON, to
descriptor 3. What the tool prints goes to stdout and stderr and is never read as an answer.
"""

import fcntl
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import sandbox  # noqa: E402
import tool_code  # noqa: E402



def take_channel():
    """Moves the way to the server to a descriptor that can't be guessed by counting."""
    channel = fcntl.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 200 + int.from_bytes(os.urandom(2), 'big') % 700)
    os.close(3)
    return channel


def answer(channel, nonce, body):
    data = f'\n{nonce} {json.dumps(body)}\n'.encode()
    while data:
        data = data[os.write(channel, data) :]
    os._exit(0)


def confine(policy, parent, channel):
    """Puts this process into the sandbox; with a network, another one stays outside to serve it."""
    if policy['mode'] == 'none':
        sandbox.die_with_parent(parent)
        return
    sandbox.check(policy)
    readable = [*sandbox.python_folders(), *policy['readable']]
    sandbox.drop_root(policy['work'], readable)
    sandbox.die_with_parent(parent)
    if not policy['network']:
        sandbox.enter(policy, {channel})
        return
    connect_through_supervisor(policy, channel)


def connect_through_supervisor(policy, channel):
    import socket

    import network

    if not network.is_possible():
        raise sandbox.Refused('a tool with a network needs Linux 5.6 or newer')
    (ours, theirs), (answers, names) = socket.socketpair(), socket.socketpair()
    supervisor = os.getpid()
    tool = os.fork()
    if tool:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(channel)
        theirs.close()
        names.close()
        network.supervise(tool, ours, answers)
    sandbox.die_with_parent(supervisor)
    listener = sandbox.enter(policy, {channel, theirs.fileno(), names.fileno()})
    network.hand_over(listener, theirs)
    network.ask_for_names(names)


def main():
    channel = take_channel()
    request = json.loads(sys.stdin.buffer.read())
    nonce = request['nonce']
    os.umask(0o077)
    os.chdir(request['policy']['work'])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        confine(request['policy'], request['parent'], channel)
    except (sandbox.Refused, OSError) as error:
        answer(channel, nonce, {'refused': str(error)})
    sys.path.pop(0)
    # A tool's packages may have these names.
    for name in ('agent_memory', 'argument_models', 'landlock', 'network', 'sandbox', 'seccomp', 'tool_code'):
        sys.modules.pop(name, None)
    body = tool_code.run(request)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass  # The tool closed or replaced it.
    answer(channel, nonce, body)


main()
