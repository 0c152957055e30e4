"""A small machine for the BPF of seccomp filters, in the place of the kernel's (linux/filter.h)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Program = Sequence[tuple[int, int, int, int]]


def decode(program: bytes) -> list[tuple[int, int, int, int]]:
    """An array of struct sock_filter as rows of code, jump if true, jump if false, k."""
    return list(struct.iter_unpack("=HBBI", program))


def run(program: Program, number: int, arguments: Sequence[int], arch: int) -> int:
    """What the filter returns for a call (seccomp(2), struct seccomp_data)."""
    return program[path(program, number, arguments, arch)[-1]][3]


def path(program: Program, number: int, arguments: Sequence[int], arch: int) -> list[int]:
    """The instructions that are walked, the last one returns."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, *padded)
    accumulator, at = 0, 0
    walked: list[int] = []
    while at < len(program):
        walked.append(at)
        code, if_true, if_false, k = program[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, k)
            case 0x54:
                accumulator &= k
            case 0x05:
                at += k
            case 0x15:
                at += if_true if accumulator == k else if_false
            case 0x25:
                at += if_true if accumulator > k else if_false
            case 0x35:
                at += if_true if accumulator >= k else if_false
            case 0x45:
                at += if_true if accumulator & k else if_false
            case 0x06:
                return walked
            case _:
                raise AssertionError(f"no instruction that seccomp(2) takes: {code:#x}")
    raise AssertionError("the filter does not end")
