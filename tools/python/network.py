"""A network of public web servers: a process outside of the sandbox makes the tool's connections for it."""

import array
import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import platform
import socket
import struct
import threading

NOTIF_RECEIVE, NOTIF_SEND, NOTIF_VALID = 0xC0502100, 0xC0182101, 0x40082102
PIDFD_OPEN, PIDFD_GETFD = 434, 438
PORTS = (80, 443)
RESERVED = [
    ipaddress.ip_network(network)
    for network in (
        '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16',
        '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15',
        '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
        '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20',
    )
]  # fmt: skip
GLOBAL_IPV6 = ipaddress.ip_network('2000::/3')


def is_public(text):
    address = ipaddress.ip_address(text)
    if address.version == 6 and address not in GLOBAL_IPV6:
        return False
    return not any(address in network for network in RESERVED if network.version == address.version)


def syscall(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


# Outside of the sandbox.


def supervise(tool, channel, names):
    """Serves the tool's process until it ends, and ends as it did."""
    listener = receive_descriptor(channel)
    if listener is not None:
        channel.sendall(b'.')
        pidfd = syscall(PIDFD_OPEN, tool, 0)
        serve(answer_connects, listener, pidfd)
        serve(answer_names, names)
    _, status = os.waitpid(tool, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def serve(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()


def receive_descriptor(channel):
    descriptors = array.array('i')
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_LEN(descriptors.itemsize))
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: descriptors.itemsize])
            return descriptors[0]
    return None


def answer_connects(listener, pidfd):
    while True:
        note = bytearray(80)
        try:
            fcntl.ioctl(listener, NOTIF_RECEIVE, note)
        except OSError as error:
            if error.errno in (errno.EINTR, errno.ENOENT):
                continue
            return
        # A connection may take long; others go on meanwhile.
        serve(answer_connect, listener, pidfd, bytes(note))


def answer_connect(listener, pidfd, note):
    identity, thread = struct.unpack_from('=QI', note)
    descriptor, address, length = struct.unpack_from('=QQQ', note, 32)
    try:
        code = connect(listener, pidfd, identity, (thread, descriptor & 0xFFFFFFFF, address, length))
    except OSError as error:
        code = error.errno or errno.EIO
    try:
        fcntl.ioctl(listener, NOTIF_SEND, struct.pack('=QqiI', identity, 0, -code, 0))
    except OSError:
        pass  # The thread that asked is gone.


def connect(listener, pidfd, identity, call):
    """Connects the tool's socket to a copy of the address it gave, which the tool can't change meanwhile."""
    thread, descriptor, pointer, length = call
    memory = os.open(f'/proc/{thread}/mem', os.O_RDONLY | os.O_CLOEXEC)
    try:
        address = os.pread(memory, min(length, 128), pointer)
    finally:
        os.close(memory)
    # Whether the memory still was that of the thread that asked.
    fcntl.ioctl(listener, NOTIF_VALID, struct.pack('=Q', identity))
    if not may_connect(address):
        return errno.EACCES
    copy = syscall(PIDFD_GETFD, pidfd, descriptor, 0)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return 0 if libc.connect(copy, address, len(address)) == 0 else ctypes.get_errno()
    finally:
        os.close(copy)


def may_connect(address):
    if len(address) < 8:
        return False
    (family,) = struct.unpack_from('=H', address)
    (port,) = struct.unpack_from('>H', address, 2)
    if family == socket.AF_INET and len(address) >= 16:
        host = socket.inet_ntop(family, address[4:8])
    elif family == socket.AF_INET6 and len(address) >= 28:
        host = socket.inet_ntop(family, address[8:24])
    else:
        return False
    return port in PORTS and is_public(host)


def answer_names(channel):
    questions = channel.makefile('rb')
    # A name is short: whoever asks more has no answer.
    while (line := questions.readline(2_000)).endswith(b'\n'):
        try:
            answer = {'addresses': public_addresses(str(json.loads(line))[:255])}
        except socket.gaierror as error:
            answer = {'error': [error.errno, error.strerror]}
        except (OSError, ValueError) as error:
            answer = {'error': [socket.EAI_FAIL, str(error)]}
        channel.sendall(json.dumps(answer).encode() + b'\n')


def public_addresses(host):
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    addresses = [[family, address[0]] for family, _, _, _, address in found if is_public(address[0].split('%')[0])]
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, f'{host} has no public address')
    return addresses


# Inside of the sandbox.


def hand_over(listener, channel):
    """Gives the right to answer connects away: whoever keeps it could answer its own."""
    rights = array.array('i', [listener])
    channel.sendmsg([b'.'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    os.close(listener)
    channel.recv(1)
    channel.close()


def ask_for_names(channel):
    """Replaces Python's lookups of names, which would need sockets of their own, by questions to the supervisor."""
    lock = threading.Lock()
    answers = channel.makefile('rb')
    numeric = socket.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        host = host.decode() if isinstance(host, bytes) else host
        port = {'http': 80, 'https': 443}.get(port, port)
        try:
            return numeric(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            pass
        with lock:
            channel.sendall(json.dumps(host).encode() + b'\n')
            answer = json.loads(answers.readline() or b'{"error": [-4, "no answer"]}')
        if 'error' in answer:
            raise socket.gaierror(*answer['error'])
        return [
            found
            for each, address in answer['addresses']
            if family in (0, each)
            for found in numeric(address, port, each, type, proto, socket.AI_NUMERICHOST)
        ]

    socket.getaddrinfo = getaddrinfo
    socket.gethostbyname = lambda host: getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]


def is_possible():
    """Whether the kernel can ask a supervisor about system calls (Linux 5.6)."""
    release = platform.release().split('.')
    try:
        return (int(release[0]), int(release[1])) >= (5, 6)
    except (IndexError, ValueError):
        return False
