"""`linux.seccomp` → a BPF program (seccomp(2), config-linux.md "Seccomp").

The kernel runs the filter at every system call, so it is made short to walk: the calls' numbers are merged into ranges
that share an outcome, and a binary search finds the range (about seven comparisons for some four hundred calls). A call
that is newer than our table is answered with ENOSYS, which makes a C library fall back to an older one. A call by
another architecture's convention kills the process.
"""

from __future__ import annotations

import errno
import struct
from functools import lru_cache
from typing import NamedTuple

import msgspec

from engine.sandbox.syscalls import MACHINE, NUMBERS
from engine.spec.structs import Seccomp, SeccompArgument

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
NR, ARCH, ARGS = 0, 4, 16  # offsets in struct seccomp_data
LOAD, JUMP, JEQ, JGE, AND, RETURN = 0x20, 0x05, 0x15, 0x35, 0x54, 0x06  # linux/bpf_common.h


class Instruction(NamedTuple):
    """struct sock_filter (linux/filter.h)."""

    code: int
    if_true: int
    if_false: int
    k: int


Code = list[Instruction]
Outcome = tuple[tuple[int, tuple[SeccompArgument, ...]], ...]  # actions with their conditions; the first that holds


def compile_filter(profile: Seccomp) -> bytes:
    """The filter as an array of struct sock_filter. Raises KeyError on an unknown action."""
    return _compile(msgspec.json.encode(profile))


@lru_cache(maxsize=64)
def _compile(profile: bytes) -> bytes:
    code = instructions(msgspec.json.decode(profile, type=Seccomp))
    return b"".join(struct.pack("=HBBI", *i) for i in code)


def instructions(profile: Seccomp) -> Code:
    """The filter, one instruction a row."""
    kill = Instruction(RETURN, 0, 0, ACTIONS["SCMP_ACT_KILL_PROCESS"])
    start = [Instruction(LOAD, 0, 0, ARCH), Instruction(JEQ, 1, 0, AUDIT_ARCH[MACHINE]), kill]
    default = _action(profile.default_action, profile.default_errno_ret)
    return [*start, Instruction(LOAD, 0, 0, NR), *_search(_ranges(profile, default), default)]


def _action(name: str, number: int | None) -> int:
    value = ACTIONS[name]
    return value | (errno.EPERM if number is None else number) if name == "SCMP_ACT_ERRNO" else value


def _ranges(profile: Seccomp, default: int) -> list[tuple[int, Outcome]]:
    """(first number, outcome) of every range, ascending; each ends where the next begins."""
    table: dict[int, Outcome] = {}
    for rule in profile.syscalls:
        action = _action(rule.action, rule.errno_ret)
        for name in rule.names:
            if (number := NUMBERS.get(name)) is not None:
                table[number] = (*table.get(number, ()), (action, tuple(rule.args)))
    newest = max(NUMBERS.values())
    unknown: Outcome = ((_action("SCMP_ACT_ERRNO", errno.ENOSYS), ()),)
    ranges: list[tuple[int, Outcome]] = []
    for number in range(newest + 2):
        outcome = unknown if number > newest else table.get(number, ((default, ()),))
        if not ranges or ranges[-1][1] != outcome:
            ranges.append((number, outcome))
    return ranges


def _search(ranges: list[tuple[int, Outcome]], default: int) -> Code:
    """Binary search for the range that the accumulator is in."""
    if len(ranges) == 1:
        return _decide(ranges[0][1], default)
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle], default), _search(ranges[middle:], default)
    first = ranges[middle][0]
    if len(below) <= 255:
        return [Instruction(JGE, len(below), 0, first), *below, *above]
    return [Instruction(JGE, 0, 1, first), Instruction(JUMP, 0, 0, len(below)), *below, *above]


def _decide(outcome: Outcome, default: int) -> Code:
    code: Code = []
    for action, conditions in outcome:
        leave = Instruction(RETURN, 0, 0, action)
        if not conditions:
            return [*code, leave]
        tests = [_test(c) for c in conditions]
        rest = 1  # instructions between the end of a test and the next rule
        block: Code = [leave]
        for test in reversed(tests):
            block = [_aim(i, len(test) - at - 1 + rest) for at, i in enumerate(test)] + block
            rest = len(block)
        code += block
    return [*code, Instruction(RETURN, 0, 0, default)]


MISS = 255  # a jump to be aimed at the next rule


def _aim(instruction: Instruction, miss: int) -> Instruction:
    return instruction._replace(
        if_true=miss if instruction.if_true == MISS else instruction.if_true,
        if_false=miss if instruction.if_false == MISS else instruction.if_false,
    )


def _test(condition: SeccompArgument) -> Code:
    """Compare one 64-bit argument, as two halves (low first, both machines are little-endian)."""
    mask = condition.value if condition.op == "SCMP_CMP_MASKED_EQ" else 0xFFFFFFFFFFFFFFFF
    wanted = condition.value_two if condition.op == "SCMP_CMP_MASKED_EQ" else condition.value
    at = ARGS + 8 * condition.index
    low, high = (wanted & 0xFFFFFFFF, mask & 0xFFFFFFFF), (wanted >> 32, mask >> 32)
    if condition.op == "SCMP_CMP_NE":
        return [
            Instruction(LOAD, 0, 0, at),
            Instruction(JEQ, 0, 2, low[0]),
            Instruction(LOAD, 0, 0, at + 4),
            Instruction(JEQ, MISS, 0, high[0]),
        ]
    code: Code = []
    for offset, (value, bits) in ((at, low), (at + 4, high)):
        code.append(Instruction(LOAD, 0, 0, offset))
        if bits != 0xFFFFFFFF:
            code.append(Instruction(AND, 0, 0, bits))
        code.append(Instruction(JEQ, 0, MISS, value))
    return code
