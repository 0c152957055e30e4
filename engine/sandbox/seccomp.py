"""`linux.seccomp` → a BPF program (seccomp(2), config-linux.md "Seccomp").

The kernel runs the filter at system calls, so it is made short to walk: numbers are merged into ranges that share an
outcome, and a binary search finds the range (about seven comparisons for some four hundred calls). Newer kernels run it
in advance for each number and remember what is always allowed.

Rules mean what libseccomp makes of them, with which other runtimes build their filters:

- One that says what the default says is passed over.
- One without conditions goes before all with conditions for the same call; else the first one that holds decides.
- All conditions of a rule must hold; but when two of them are about the same argument, any (as runc and crun do it).

A call that is newer than our tables is answered with ENOSYS where the default is an errno, which makes a C library fall
back to an older call. A call by a convention that the profile does not name kills the process.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox.compat_syscalls import X32_BIT
from engine.sandbox.conventions import Convention, in_force
from engine.sandbox.syscalls import MACHINE
from engine.spec.structs import Seccomp, SeccompArgument

ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
WITH_DATA = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")  # an errno goes with them
PERMISSIVE = (0x7FFC0000, 0x7FFF0000)
FLAGS = {"LOG": 2, "SPEC_ALLOW": 4}  # SECCOMP_FILTER_FLAG_…; TSYNC is left out: there is one thread, before its execve
NR, ARCH, ARGS = 0, 4, 16  # offsets in struct seccomp_data
LOAD, JUMP, JEQ, JGT, JGE, AND, RETURN = 0x20, 0x05, 0x15, 0x25, 0x35, 0x54, 0x06  # linux/bpf_common.h
LIMIT = 4096  # BPF_MAXINSNS
ERRNO = 0xFFFF  # SECCOMP_RET_DATA
FAR = 255  # instructions: as far as a conditional jump goes
WORD, WHOLE = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF


class Instruction(NamedTuple):
    """struct sock_filter (linux/filter.h)."""

    code: int
    if_true: int
    if_false: int
    k: int


Code = list[Instruction]
Conditions = tuple[SeccompArgument, ...]
Outcome = tuple[tuple[int, Conditions], ...]  # actions with their conditions; the first that holds; else the default
Leaf = tuple[int, Outcome]  # with the width of an argument in bits


def compile_filter(profile: Seccomp) -> bytes:
    """The filter as an array of struct sock_filter. EngineError(INVALID) when it is too long."""
    return _compile(msgspec.json.encode(profile))


@lru_cache(maxsize=64)
def _compile(profile: bytes) -> bytes:
    code = instructions(msgspec.json.decode(profile, type=Seccomp))
    return b"".join(struct.pack("=HBBI", *i) for i in code)


def filter_flags(profile: Seccomp) -> int:
    """The flags of seccomp(2) to install it with."""
    names = {flag.removeprefix("SECCOMP_FILTER_FLAG_") for flag in profile.flags}
    return sum(value for name, value in FLAGS.items() if name in names)


def instructions(profile: Seccomp, machine: str = MACHINE) -> Code:
    """The filter, one instruction a row. EngineError(INVALID) when it is too long."""
    known, default = outcomes(profile), default_action(profile)
    conventions = in_force(profile.architectures, machine)
    code = [Instruction(LOAD, 0, 0, ARCH)]
    for audit in dict.fromkeys(convention.audit for convention in conventions):
        theirs = [convention for convention in conventions if convention.audit == audit]
        block = [Instruction(LOAD, 0, 0, NR), *_search(_ranges(theirs, known, default), default)]
        code += [Instruction(JEQ, 1, 0, audit), Instruction(JUMP, 0, 0, len(block)), *block]
    code.append(Instruction(RETURN, 0, 0, ACTIONS["SCMP_ACT_KILL_PROCESS"]))
    if len(code) > LIMIT:
        raise EngineError(
            ErrorCode.INVALID,
            f"The seccomp profile makes a filter of {len(code)} instructions, and the kernel takes {LIMIT}: give it "
            "fewer rules with arguments, or fewer architectures.",
        )
    return code


def default_action(profile: Seccomp) -> int:
    """What the kernel is told of calls without a rule."""
    return _action(profile.default_action, profile.default_errno_ret)


def outcomes(profile: Seccomp) -> dict[str, Outcome]:
    """What the rules say of each call that they name, where it differs from the default."""
    default = default_action(profile)
    table: dict[str, Outcome] = {}
    for rule in profile.syscalls:
        action = _action(rule.action, rule.errno_ret)
        if action == default:
            continue
        for name in rule.names:
            table[name] = _joined(table.get(name, ()), action, tuple(rule.args))
    return table


def _action(name: str, number: int | None) -> int:
    value = ACTIONS[name]
    return value | (errno.EPERM if number is None else number) if name in WITH_DATA else value


def _joined(so_far: Outcome, action: int, conditions: Conditions) -> Outcome:
    if so_far and not so_far[0][1]:
        return so_far
    if not conditions:
        return ((action, ()),)
    if len({condition.index for condition in conditions}) < len(conditions):
        return (*so_far, *((action, (condition,)) for condition in conditions))
    return (*so_far, (action, conditions))


# Which number has which outcome


def _ranges(conventions: list[Convention], known: Mapping[str, Outcome], default: int) -> list[tuple[int, Leaf]]:
    """(first number, leaf) of every range, ascending; each ends where the next begins."""
    leaves: dict[int, Leaf] = {}
    if conventions[0].name == "SCMP_ARCH_X86_64":
        leaves[X32_BIT] = (64, ((ACTIONS["SCMP_ACT_KILL_PROCESS"], ()),))
        leaves[WORD] = (64, ())  # -1: what a tracer writes there so that nothing is called
    for convention in conventions:
        for number, outcome in _starts(convention, known, default).items():
            leaves[number] = (convention.bits if outcome and outcome[0][1] else 64, outcome)
    ranges: list[tuple[int, Leaf]] = []
    for number, leaf in sorted(leaves.items()):
        if not ranges or ranges[-1][1] != leaf:
            ranges.append((number, leaf))
    return ranges


def _starts(convention: Convention, known: Mapping[str, Outcome], default: int) -> dict[int, Outcome]:
    """The outcome from each number on, up to the next one."""
    unknown: Outcome = ()
    if default & ~ERRNO == ACTIONS["SCMP_ACT_ERRNO"]:
        unknown = ((ACTIONS["SCMP_ACT_ERRNO"] | errno.ENOSYS, ()),)
    table = {
        convention.numbers[name]: outcome
        for name, outcome in _with_gates(known, convention.gates).items()
        if name in convention.numbers
    }
    blocks = [(convention.first, convention.newest), *convention.private]
    edges = {edge: outcome for first, last in blocks for edge, outcome in ((first, ()), (last + 1, unknown))}
    behind = {number + 1: edges.get(number + 1, ()) for number in table}
    return {**edges, **behind, **table}


def _with_gates(known: Mapping[str, Outcome], gates: Mapping[str, tuple[str, int]]) -> dict[str, Outcome]:
    """What is allowed or refused as a call is so through its gate, too. Conditions can't be looked at there: a refusal
    with some refuses the call in all cases, a permission with some gives none (libseccomp would give it in all)."""
    table = dict(known)
    for name, (gate, number) in gates.items():
        mask = 0xFFFF if gate == "ipc" else WORD  # what is above is a version that the kernel strips off, ipc(2)
        this = SeccompArgument(index=0, op="SCMP_CMP_MASKED_EQ", value=mask, value_two=number)
        for action, conditions in known.get(name, ()):
            if not conditions or action not in PERMISSIVE:
                table[gate] = _joined(table.get(gate, ()), action, (this,))
    return table


def _search(ranges: list[tuple[int, Leaf]], default: int) -> Code:
    """Binary search for the range that the accumulator is in."""
    if len(ranges) == 1:
        return _decide(*ranges[0][1], default)
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle], default), _search(ranges[middle:], default)
    first = ranges[middle][0]
    if len(below) <= FAR:
        return [Instruction(JGE, len(below), 0, first), *below, *above]
    return [Instruction(JGE, 0, 1, first), Instruction(JUMP, 0, 0, len(below)), *below, *above]


# What a call's arguments decide

HIT, MISS = -1, -2  # jumps to be aimed: at what follows a test, and at the next rule


def _decide(bits: int, outcome: Outcome, default: int) -> Code:
    code: Code = []
    for action, conditions in outcome:
        block: Code = [Instruction(RETURN, 0, 0, action)]
        for condition in reversed(conditions):
            block = [*_aimed(_test(condition, bits), len(block)), *block]
        code += block
        if not conditions:
            return code
    return [*code, Instruction(RETURN, 0, 0, default)]


def _aimed(test: Code, rest: int) -> Code:
    """`rest`: instructions between the end of the test and the next rule."""

    def aim(at: int, jump: int) -> int:
        return {HIT: len(test) - at - 1, MISS: len(test) - at - 1 + rest}.get(jump, jump)

    return [i._replace(if_true=aim(at, i.if_true), if_false=aim(at, i.if_false)) for at, i in enumerate(test)]


def _test(condition: SeccompArgument, bits: int) -> Code:
    """Compare one unsigned argument, the upper half first (all our machines are little-endian)."""
    operator = condition.op.removeprefix("SCMP_CMP_")
    mask = condition.value if operator == "MASKED_EQ" else WHOLE
    wanted = condition.value_two & mask if operator == "MASKED_EQ" else condition.value
    low = ARGS + 8 * condition.index
    words = [(low + 4, wanted >> 32, mask >> 32)] if bits == 64 else []
    words.append((low, wanted & WORD, mask & WORD))
    hit, miss = (HIT, MISS) if operator in ("EQ", "MASKED_EQ", "GT", "GE") else (MISS, HIT)
    code: Code = []
    for offset, value, of_it in words:
        last = offset == low
        if of_it == 0:
            continue
        code.append(Instruction(LOAD, 0, 0, offset))
        if of_it != WORD:
            code.append(Instruction(AND, 0, 0, of_it))
        if operator in ("EQ", "NE", "MASKED_EQ"):
            code.append(Instruction(JEQ, hit if last else 0, miss, value))
        elif last:
            code.append(Instruction(JGT if operator in ("GT", "LE") else JGE, hit, miss, value))
        else:
            code += [Instruction(JGT, hit, 0, value), Instruction(JEQ, 0, miss, value)]
    return code
