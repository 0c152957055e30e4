"""A filter for people: the rule table, and its BPF with a word on each instruction. Imports the compiler."""

from __future__ import annotations

import errno
from bisect import bisect_left
from dataclasses import dataclass, replace

from engine.protocol.isolation import SeccompRow
from engine.sandbox.conventions import Convention, in_force
from engine.sandbox.seccomp import (
    ACTIONS,
    AND,
    ARCH,
    ARGS,
    ERRNO,
    JEQ,
    JGE,
    JGT,
    JUMP,
    LOAD,
    NR,
    RETURN,
    WORD,
    Conditions,
    Instruction,
    Outcome,
    instructions,
    outcomes,
)
from engine.sandbox.syscalls import MACHINE
from engine.spec.structs import Seccomp, SeccompArgument

SIGNS = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
JUMPS = {JEQ: ("jeq", "=="), JGT: ("jgt", ">"), JGE: ("jge", ">=")}
FEW = 4  # calls that are all named


def action_words(action: int) -> str:
    """SECCOMP_RET_… with its data: "allow", "errno EPERM", "kill process" …"""
    for name in ("ALLOW", "LOG", "KILL_PROCESS", "KILL_THREAD", "TRAP"):
        if action == ACTIONS[f"SCMP_ACT_{name}"]:
            return name.lower().replace("_", " ")
    kind = "trace" if action & ~ERRNO == ACTIONS["SCMP_ACT_TRACE"] else "errno"
    return f"{kind} {errno.errorcode.get(action & ERRNO, action & ERRNO)}"


# The rule table


def rows(profile: Seccomp, machine: str = MACHINE) -> list[SeccompRow]:
    """One row for all calls that share an action and its condition, in the order of the profile.

    What has no row has the default. Calls that this machine does not have are left out.
    """
    conventions = in_force(profile.architectures, machine)
    sharing: dict[Outcome, list[str]] = {}
    for name, outcome in outcomes(profile).items():
        if any(name in convention.numbers or name in convention.gates for convention in conventions):
            sharing.setdefault(outcome, []).append(name)
    return [
        SeccompRow(calls=sorted(calls), action=action_words(action), condition=_condition(alternatives))
        for outcome, calls in sharing.items()
        for action, alternatives in _by_action(outcome)
    ]


def _by_action(outcome: Outcome) -> list[tuple[int, list[Conditions]]]:
    """Neighbours with the same action are alternatives."""
    found: list[tuple[int, list[Conditions]]] = []
    for action, conditions in outcome:
        if not found or found[-1][0] != action:
            found.append((action, []))
        found[-1][1].append(conditions)
    return found


def _condition(alternatives: list[Conditions]) -> str:
    """ "if arg0 & 0x7e020000 == 0"; empty: always."""
    if alternatives == [()]:
        return ""
    equal: dict[int, list[int]] = {}
    words: list[str] = []
    for conditions in alternatives:
        if len(conditions) == 1 and conditions[0].op == "SCMP_CMP_EQ":
            equal.setdefault(conditions[0].index, []).append(conditions[0].value)
        else:
            words.append(" and ".join(_comparison(condition) for condition in conditions))
    for index, values in equal.items():
        several = len(values) > 1
        words.append(f"arg{index} {'is one of' if several else '=='} {', '.join(map(_number, values))}")
    return "if " + " or ".join(words)


def _comparison(condition: SeccompArgument) -> str:
    operator = condition.op.removeprefix("SCMP_CMP_")
    if operator == "MASKED_EQ":
        return f"arg{condition.index} & {_number(condition.value)} == {_number(condition.value_two & condition.value)}"
    return f"arg{condition.index} {SIGNS[operator]} {_number(condition.value)}"


def _number(value: int) -> str:
    return str(value) if value < 100 else hex(value)


# The program


@dataclass(frozen=True)
class At:
    """What is known when an instruction is reached: `held` by the accumulator, which convention, which numbers."""

    held: str = ""
    audit: int = 0
    lowest: int = 0
    highest: int = WORD


def program(profile: Seccomp, machine: str = MACHINE) -> list[str]:
    """The filter, an instruction a line: index, instruction (as tcpdump -d writes them), and what it does."""
    conventions = in_force(profile.architectures, machine)
    code = instructions(profile, machine)
    known = {0: At()}
    lines = []
    for index, instruction in enumerate(code):
        here = known[index]
        lines.append(
            f"({index:03}) {_assembly(index, instruction):<36} {_words(index, instruction, here, conventions)}"
        )
        known |= dict(_onward(index, instruction, here))
    return lines


def _onward(index: int, instruction: Instruction, here: At) -> list[tuple[int, At]]:
    """The instructions that can come next, and what is known there."""
    code, if_true, if_false, k = instruction
    if code == RETURN:
        return []
    if code == JUMP:
        return [(index + 1 + k, here)]
    if code == LOAD:
        return [(index + 1, replace(here, held=_loaded(k)))]
    if code == AND:
        return [(index + 1, replace(here, held=f"{here.held} & {k:#x}"))]
    taken, passed = here, here
    if here.held == "call" and code == JGE:
        taken, passed = replace(here, lowest=k), replace(here, highest=k - 1)
    elif here.held == "architecture":
        taken = replace(here, audit=k)
    return [(index + 1 + if_true, taken), (index + 1 + if_false, passed)]


def _loaded(offset: int) -> str:
    if offset in (NR, ARCH):
        return "call" if offset == NR else "architecture"
    argument, upper = divmod(offset - ARGS, 8)
    return f"arg{argument}'s {'upper' if upper else 'lower'} half"


def _assembly(index: int, instruction: Instruction) -> str:
    code, if_true, if_false, k = instruction
    if code == LOAD:
        return f"ld   [{k}]"
    if code == AND:
        return f"and  #{k:#x}"
    if code == JUMP:
        return f"ja   {index + 1 + k}"
    if code == RETURN:
        return f"ret  #{k:#x}"
    return f"{JUMPS[code][0]}  #{k:#x}  jt {index + 1 + if_true}  jf {index + 1 + if_false}"


def _words(index: int, instruction: Instruction, here: At, conventions: list[Convention]) -> str:
    code, if_true, if_false, k = instruction
    if code == LOAD:
        return f"look at the {_loaded(k)}" if k in (NR, ARCH) else f"look at {_loaded(k)}"
    if code == AND:
        return "these bits of it only"
    if code == JUMP:
        return f"jump to {index + 1 + k}"
    if code == RETURN:
        calls = _calls(here, conventions) if here.audit else "any other architecture"
        return f"{action_words(k)}: {calls}"
    question = _question(code, k, here, conventions)
    yes, no = index + 1 + if_true, index + 1 + if_false
    if not if_true:
        return f"go on if {question}, else jump to {no}"
    return f"jump to {yes} if {question}" + (f", else to {no}" if if_false else "")


def _question(code: int, k: int, here: At, conventions: list[Convention]) -> str:
    if here.held == "architecture":
        return "it is " + " or ".join(convention.short for convention in conventions if convention.audit == k)
    if here.held == "call":
        names = _named(replace(here, lowest=k), conventions)
        return f"it is {names[0]} or later" if names else f"it is {k} or later"
    return f"{here.held} {JUMPS[code][1]} {_number(k)}"


def _calls(here: At, conventions: list[Convention]) -> str:
    names = _named(here, conventions)
    if len(names) <= FEW:
        return " ".join(names) or "calls that we don't know"
    return f"{names[0]} … {names[-1]}, {len(names)} calls"


def _named(here: At, conventions: list[Convention]) -> list[str]:
    """The calls in the range, by number."""
    table = sorted(
        (number, name)
        for convention in conventions
        if convention.audit == here.audit
        for name, number in convention.numbers.items()
    )
    first, end = bisect_left(table, (here.lowest, "")), bisect_left(table, (here.highest + 1, ""))
    return [name for _, name in table[first:end]]
