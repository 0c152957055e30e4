"""Filters as libseccomp makes them of a profile, used as runc uses it (libcontainer/seccomp): what ours are held to."""

from __future__ import annotations

import ctypes
import os
from ctypes.util import find_library

from engine.sandbox import seccomp
from engine.sandbox.conventions import Convention
from engine.spec.structs import Seccomp, SeccompRule
from tests.engine.sandbox.bpf import decode

OPERATORS = {name: 1 + i for i, name in enumerate("NE LT LE EQ GE GT MASKED_EQ".split())}
TOKENS = {
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
}
ACT_BADARCH = 2  # enum scmp_filter_attr
NO_SUCH_NAME = -1  # __NR_SCMP_ERROR
KILL_PROCESS = 0x80000000


class Comparison(ctypes.Structure):
    """struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def load() -> ctypes.CDLL | None:
    """The library, where it is there."""
    path = find_library("seccomp")
    if path is None:
        return None
    library = ctypes.CDLL(path)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_arch_add.argtypes = library.seccomp_arch_remove.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(Comparison),
    ]
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


def number(library: ctypes.CDLL, convention: Convention, name: str) -> int | None:
    """The number of a call by a convention; None where there is none, or this version of the library knows none."""
    found = library.seccomp_syscall_resolve_name_arch(TOKENS[convention.name], name.encode())
    return int(found) if found >= 0 else None


def compiled(library: ctypes.CDLL, profile: Seccomp, native: str) -> list[tuple[int, int, int, int]]:
    """The filter of `profile` on a machine whose own convention is `native`."""
    default = seccomp.default_action(profile)
    context = library.seccomp_init(default)
    try:
        if native != "SCMP_ARCH_X86_64":
            library.seccomp_arch_add(context, TOKENS[native])
            library.seccomp_arch_remove(context, TOKENS["SCMP_ARCH_X86_64"])
        for name in profile.architectures:
            library.seccomp_arch_add(context, TOKENS[name])
        _done(library.seccomp_attr_set(context, ACT_BADARCH, KILL_PROCESS))
        for rule in profile.syscalls:
            _add(library, context, rule, default)
        with os.fdopen(os.memfd_create("filter"), "r+b") as file:
            _done(library.seccomp_export_bpf(context, file.fileno()))
            file.seek(0)
            return decode(file.read())
    finally:
        library.seccomp_release(context)


def _add(library: ctypes.CDLL, context: int, rule: SeccompRule, default: int) -> None:
    action = seccomp.default_action(Seccomp(default_action=rule.action, default_errno_ret=rule.errno_ret))
    if action == default:
        return
    conditions = [Comparison(a.index, OPERATORS[a.op[9:]], a.value, a.value_two) for a in rule.args]
    several = len({a.index for a in rule.args}) < len(rule.args)
    for group in [[condition] for condition in conditions] if several else [conditions]:
        array = (Comparison * len(group))(*group)
        for name in rule.names:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number != NO_SUCH_NAME:
                _done(library.seccomp_rule_add_array(context, action, number, len(group), array))


def _done(result: int) -> None:
    assert result == 0, f"libseccomp says {os.strerror(-result)}"
