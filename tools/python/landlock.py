"""Landlock through ctypes: which files a tool may read and write."""

import ctypes
import os
import stat
import struct

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

READ = EXECUTE | READ_FILE | READ_DIR
OWN = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE


def syscall(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def version():
    """The kernel's Landlock version; 0 without Landlock."""
    try:
        return syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    except OSError:
        return 0


def restrict(readable, writable):
    """Leaves this process these folders and files, no TCP, and no signals or abstract sockets outside of itself."""
    abi = version()
    handled = (1 << 13) - 1
    handled |= (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    fields = [handled] + ([3] if abi >= 4 else []) + ([3] if abi >= 6 else [])
    attributes = struct.pack(f'={len(fields)}Q', *fields)
    ruleset = syscall(
        CREATE_RULESET, ctypes.create_string_buffer(attributes), ctypes.c_size_t(len(attributes)), 0
    )
    try:
        for path, access in [*((path, READ) for path in readable), *((path, OWN) for path in writable)]:
            allow(ruleset, path, access & handled)
        syscall(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def allow(ruleset, path, access):
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # What is not there needs no permission.
    try:
        if not stat.S_ISDIR(os.fstat(beneath).st_mode):
            access &= OF_FILES
        rule = ctypes.create_string_buffer(struct.pack('=Qi', access, beneath))
        syscall(ADD_RULE, ruleset, 1, rule, 0)
    finally:
        os.close(beneath)
