"""The system calls a tool may make: a filter for x86_64 and aarch64, installed through ctypes."""

import ctypes
import errno
import os
import struct

# Per name: the number on x86_64 and on aarch64 (None where the call does not exist there).
DENIED = {
    # Other processes: starting, watching, stopping, steering them.
    'fork': (57, None), 'vfork': (58, None), 'execve': (59, 221), 'execveat': (322, 281),
    'ptrace': (101, 117), 'process_vm_readv': (310, 270), 'process_vm_writev': (311, 271), 'kcmp': (312, 272),
    'pidfd_open': (434, 434), 'pidfd_getfd': (438, 438), 'pidfd_send_signal': (424, 424),
    'process_madvise': (440, 440), 'process_mrelease': (448, 448),
    'kill': (62, 129), 'tkill': (200, 130), 'tgkill': (234, 131),
    'rt_sigqueueinfo': (129, 138), 'rt_tgsigqueueinfo': (297, 240),
    'setsid': (112, 157), 'setpgid': (109, 154), 'setpriority': (141, 140), 'ioprio_set': (251, 30),
    'sched_setattr': (314, 274), 'sched_setscheduler': (144, 119), 'sched_setparam': (142, 118),
    # Identity.
    'setuid': (105, 146), 'setgid': (106, 144), 'setreuid': (113, 145), 'setregid': (114, 143),
    'setgroups': (116, 159), 'setresuid': (117, 147), 'setresgid': (119, 149),
    'setfsuid': (122, 151), 'setfsgid': (123, 152), 'capset': (126, 91),
    'setns': (308, 268), 'unshare': (272, 97), 'chroot': (161, 51), 'pivot_root': (155, 41),
    # File systems.
    'mount': (165, 40), 'umount2': (166, 39), 'open_tree': (428, 428), 'move_mount': (429, 429),
    'fsopen': (430, 430), 'fsconfig': (431, 431), 'fsmount': (432, 432), 'fspick': (433, 433),
    'mount_setattr': (442, 442), 'statmount': (457, 457), 'listmount': (458, 458),
    'name_to_handle_at': (303, 264), 'open_by_handle_at': (304, 265),
    'quotactl': (179, 60), 'quotactl_fd': (443, 443), 'swapon': (167, 224), 'swapoff': (168, 225),
    'fanotify_init': (300, 262), 'fanotify_mark': (301, 263), 'acct': (163, 89),
    # Landlock does not guard owners and attributes of files.
    'chown': (92, None), 'lchown': (94, None), 'fchown': (93, 55), 'fchownat': (260, 54),
    'setxattr': (188, 5), 'lsetxattr': (189, 6), 'fsetxattr': (190, 7),
    'removexattr': (197, 14), 'lremovexattr': (198, 15), 'fremovexattr': (199, 16),
    # Large parts of the kernel that no tool needs.
    'bpf': (321, 280), 'perf_event_open': (298, 241), 'userfaultfd': (323, 282),
    'io_uring_setup': (425, 425), 'io_uring_enter': (426, 426), 'io_uring_register': (427, 427),
    'io_setup': (206, 0), 'io_submit': (209, 2), 'vmsplice': (278, 75), 'seccomp': (317, 277),
    'add_key': (248, 217), 'request_key': (249, 218), 'keyctl': (250, 219),
    'init_module': (175, 105), 'finit_module': (313, 273), 'delete_module': (176, 106),
    'kexec_load': (246, 104), 'kexec_file_load': (320, 294), 'reboot': (169, 142), 'syslog': (103, 116),
    'settimeofday': (164, 170), 'clock_settime': (227, 112), 'adjtimex': (159, 171), 'clock_adjtime': (305, 266),
    'sethostname': (170, 161), 'setdomainname': (171, 162), 'iopl': (172, None), 'ioperm': (173, None),
    'modify_ldt': (154, None), 'vhangup': (153, 58), 'personality': (135, 92), 'lookup_dcookie': (212, 18),
    'move_pages': (279, 239), 'migrate_pages': (256, 238), 'mbind': (237, 235), 'set_mempolicy': (238, 237),
    # Memory that no limit counts, and memory shared with programs of the same user.
    'memfd_create': (319, 279), 'memfd_secret': (447, 447),
    'shmget': (29, 194), 'shmat': (30, 196), 'shmctl': (31, 195),
    'semget': (64, 190), 'semop': (65, 193), 'semctl': (66, 191), 'semtimedop': (220, 192),
    'msgget': (68, 186), 'msgsnd': (69, 189), 'msgrcv': (70, 188), 'msgctl': (71, 187),
    'mq_open': (240, 180), 'mq_unlink': (241, 181),
    # Serving, and sending to several addresses at once.
    'bind': (49, 200), 'listen': (50, 201), 'accept': (43, 202), 'accept4': (288, 242), 'sendmmsg': (307, 269),
}  # fmt: skip

# Modes and times of files: Landlock does not guard them either. They do nothing and say that they succeeded, so that
# copying and unpacking within the tool's folder work.
IGNORED = {
    'chmod': (90, None), 'fchmod': (91, 52), 'fchmodat': (268, 53), 'fchmodat2': (452, 452),
    'utime': (132, None), 'utimes': (235, None), 'futimesat': (261, None), 'utimensat': (280, 88),
}  # fmt: skip

FILTERED = {
    'clone': (56, 220), 'clone3': (435, 435), 'socket': (41, 198), 'socketpair': (53, 199), 'connect': (42, 203),
    'sendto': (44, 206), 'sendmsg': (46, 211), 'prctl': (157, 167), 'prlimit64': (302, 261), 'fcntl': (72, 25),
    'ioctl': (16, 29),
}  # fmt: skip

NEWEST_KNOWN = 462  # Calls that are younger than this table do not exist for a tool.
ARCHITECTURES = {'x86_64': (0, 0xC000003E), 'aarch64': (1, 0xC00000B7)}

ALLOW, NOTIFY, KILL, FAIL = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN, AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
AF_UNIX, AF_INET, AF_INET6, SOCK_STREAM, IPPROTO_TCP = 1, 2, 10, 1, 6
CLONE_THREAD, MSG_FASTOPEN = 0x10000, 0x20000000
# PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_SET_VMA
PRCTL_ALLOWED = (15, 16, 3, 23, 0x53564D41)
FCNTL_DENIED = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: signals to others
IOCTL_DENIED = (0x5412, 0x541C, 0x8901, 0x8902)  # TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP


def op(code, value, if_true=0, if_false=0):
    return struct.pack('=HBBI', code, if_true, if_false, value)


def low_half(argument):
    return op(LOAD, 16 + 8 * argument)


def high_half(argument):
    return op(LOAD, 20 + 8 * argument)


DENY = op(RETURN, FAIL | errno.EPERM)
PASS = op(RETURN, ALLOW)


def one_of(values, matching, other):
    """Ends with `matching` when the loaded value is one of these, and with `other` when not."""
    return [step for value in values for step in (op(EQUAL, value, 0, 1), matching)] + [other]


def argument_rules(has_network):
    tcp_only = [
        low_half(0), op(EQUAL, AF_INET, 2, 0), op(EQUAL, AF_INET6, 1, 0), DENY,
        low_half(1), op(AND, 0xF), op(EQUAL, SOCK_STREAM, 1, 0), DENY,
        low_half(2), *one_of((0, IPPROTO_TCP), PASS, DENY),
    ]  # fmt: skip
    return {
        'clone': [low_half(0), op(ANY_BIT, CLONE_THREAD, 0, 1), PASS, DENY],
        'clone3': [op(RETURN, FAIL | errno.ENOSYS)],
        'socket': tcp_only if has_network else [DENY],
        # Pairs of streams only: a datagram socket could write to any socket in the file system.
        'socketpair': [
            low_half(0), op(EQUAL, AF_UNIX, 1, 0), DENY,
            low_half(1), op(AND, 0xF), op(EQUAL, SOCK_STREAM, 1, 0), DENY, PASS,
        ],
        'connect': [op(RETURN, NOTIFY)] if has_network else [DENY],
        # With an address, or with fast open, these would connect.
        'sendto': [
            low_half(4), op(EQUAL, 0, 1, 0), DENY, high_half(4), op(EQUAL, 0, 1, 0), DENY,
            low_half(3), op(ANY_BIT, MSG_FASTOPEN, 1, 0), PASS, DENY,
        ],
        'sendmsg': [low_half(2), op(ANY_BIT, MSG_FASTOPEN, 1, 0), PASS, DENY],
        'prctl': [low_half(0), *one_of(PRCTL_ALLOWED, PASS, DENY)],
        'prlimit64': [low_half(0), op(EQUAL, 0, 0, 1), PASS, DENY],
        'fcntl': [low_half(1), *one_of(FCNTL_DENIED, DENY, PASS)],
        'ioctl': [low_half(1), *one_of(IOCTL_DENIED, DENY, PASS)],
    }  # fmt: skip


def program(has_network, machine=None):
    """The filter as bytes. OSError for a machine that the tables do not know."""
    machine = machine or os.uname().machine
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f'no table of system calls for {machine}')
    column, audit = ARCHITECTURES[machine]
    rules = {name: [DENY] for name in DENIED}
    rules.update({name: [op(RETURN, FAIL | 0)] for name in IGNORED})
    rules.update(argument_rules(has_network))
    numbers = {**DENIED, **IGNORED, **FILTERED}
    steps = [op(LOAD, 4), op(EQUAL, audit, 1, 0), op(RETURN, KILL), op(LOAD, 0)]
    steps += [op(AT_LEAST, NEWEST_KNOWN + 1, 0, 1), op(RETURN, FAIL | errno.ENOSYS)]
    for name, body in rules.items():
        number = numbers[name][column]
        if number is not None:
            steps += [op(EQUAL, number, 0, len(body)), *body]
    return b''.join([*steps, PASS])


def install(has_network):
    """Binds this process and all its threads to come. Returns the descriptor that hears of connects, or None."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = program(has_network)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack('=HxxxxxxQ', len(code) // 8, ctypes.addressof(buffer))
    number = {'x86_64': 317, 'aarch64': 277}[os.uname().machine]
    # SECCOMP_SET_MODE_FILTER; SECCOMP_FILTER_FLAG_NEW_LISTENER where connects are asked about.
    listener = libc.syscall(number, 1, 8 if has_network else 0, ctypes.create_string_buffer(header))
    if listener < 0:
        code = ctypes.get_errno()
        raise OSError(code, f'seccomp: {os.strerror(code)}')
    return listener if has_network else None
