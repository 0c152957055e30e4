"""The device cgroup where there is no v1 controller for it: an eBPF program that says yes or no to every open and
mknod of a device node (bpf(2); Documentation/admin-guide/cgroup-v2.rst, "Device controller"). Needs CAP_BPF or root.

The kernel calls it with {access << 16 | type, major, minor} (linux/bpf.h, struct bpf_cgroup_dev_ctx). The rules are
tried from the last to the first, and for each letter of rwm the first that matches decides: as the lists of v1 would.
Imports the structs.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache

from engine.spec.structs import DeviceCgroup

_BPF = {"x86_64": 321}.get(platform.machine(), 280)  # the call's number; 280 is the generic table's
_PROG_LOAD, _PROG_ATTACH = 5, 8
_CGROUP_DEVICE_PROGRAM, _CGROUP_DEVICE = 15, 6
_ALLOW_MULTI = 2  # cgroups below may have programs as well, and all must agree
_ACCESS = {"m": 1, "r": 2, "w": 4}
_TYPES = {"b": 1, "c": 2}
ALL = 7

# Opcodes (Documentation/bpf/standardization/instruction-set.rst).
_LOAD, _AND, _SHIFT, _MOVE, _EXIT = 0x61, 0x54, 0x74, 0xB4, 0x95  # 32 bit
_JUMP, _IF_EQUAL, _IF_UNEQUAL, _IF_ANY_BIT = 0x05, 0x16, 0x56, 0x46
_RESULT, _CONTEXT, _WANTED, _TYPE, _MAJOR, _MINOR = 0, 1, 2, 3, 4, 5  # registers

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def attach(directory: int, rules: Sequence[DeviceCgroup]) -> None:
    """Let `rules` hold for the cgroup2 whose directory this is a descriptor of. Raises OSError."""
    loaded = _load(tuple(rules))
    _bpf(_PROG_ATTACH, struct.pack("=IIIII", directory, loaded.descriptor, _CGROUP_DEVICE, _ALLOW_MULTI, 0))


def available() -> bool:
    """Can this process load such programs?"""
    try:
        _load(())
    except OSError:
        return False
    return True


def program(rules: Sequence[DeviceCgroup]) -> bytes:
    """The instructions, eight bytes each. What no rule speaks of is refused."""
    code = [
        _instruction(_LOAD, _WANTED, _CONTEXT),
        _instruction(_LOAD, _TYPE, _CONTEXT),
        _instruction(_AND, _TYPE, value=0xFFFF),
        _instruction(_SHIFT, _WANTED, value=16),
        _instruction(_LOAD, _MAJOR, _CONTEXT, 4),
        _instruction(_LOAD, _MINOR, _CONTEXT, 8),
    ]
    for rule in reversed(rules):
        access = _bits(rule.access)
        tests = [] if rule.type in ("a", "") else list(_tests(rule))
        verdict = _verdict(rule.allow, access, final=not tests and access == ALL)
        for left, (register, value) in enumerate(tests):
            skipped = len(tests) - left - 1 + len(verdict)
            code.append(_instruction(_IF_UNEQUAL, register, offset=skipped, value=value))
        code += verdict
        if not tests and access == ALL:
            return b"".join(code)  # nothing behind it would ever be reached, which the kernel refuses
    return b"".join([*code, *_answer(False)])


def _tests(rule: DeviceCgroup) -> Iterable[tuple[int, int]]:
    yield _TYPE, _TYPES[rule.type]
    if rule.major is not None and rule.major >= 0:
        yield _MAJOR, rule.major
    if rule.minor is not None and rule.minor >= 0:
        yield _MINOR, rule.minor


def _verdict(allow: bool, access: int, *, final: bool) -> list[bytes]:
    if final:
        return _answer(allow)
    if allow:  # these letters are settled; yes, when none is left
        return [
            _instruction(_AND, _WANTED, value=~access & ALL),
            _instruction(_IF_UNEQUAL, _WANTED, offset=2, value=0),
            *_answer(True),
        ]
    return [
        _instruction(_IF_ANY_BIT, _WANTED, offset=1, value=access),
        _instruction(_JUMP, offset=2),
        *_answer(False),
    ]


def _answer(allow: bool) -> list[bytes]:
    return [_instruction(_MOVE, _RESULT, value=int(allow)), _instruction(_EXIT)]


def _bits(access: str) -> int:
    return sum({_ACCESS[letter] for letter in access or "rwm"})


def _instruction(opcode: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhI", opcode, source << 4 | target, offset, value & 0xFFFFFFFF)


class _Loaded:
    """A program in the kernel, for as long as we may need it again."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


@lru_cache(maxsize=32)
def _load(rules: tuple[DeviceCgroup, ...]) -> _Loaded:
    code = program(rules)
    instructions = ctypes.create_string_buffer(code, len(code))
    terms = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "=IIQQIIQII16s",
        _CGROUP_DEVICE_PROGRAM,
        len(code) // 8,
        ctypes.addressof(instructions),
        ctypes.addressof(terms),
        *(0, 0, 0),  # no log
        *(0, 0),  # kernel version, flags
        b"heliostui_dev",
    )
    return _Loaded(_bpf(_PROG_LOAD, attributes))


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result: int = _libc.syscall(_BPF, command, buffer, len(attributes))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"bpf: {os.strerror(error)}")
    return result
