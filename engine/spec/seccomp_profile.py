"""Seccomp profiles in Docker's JSON format: reading, checking, and what one means for a container on this machine.

The format is the OCI's `linux.seccomp` with more: `archMap` in the place of `architectures`, and rules that apply only
to some architectures, kernels or capabilities (`includes`, `excludes`). Imports msgspec, the structs and the errors.
Sources: moby/profiles `seccomp/seccomp.go` and `seccomp_linux.go`; OCI runtime-spec config-linux.md, "Seccomp".
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.structs import Seccomp, SeccompArgument, SeccompRule

ACTIONS = ("KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG")
WITH_ERRNO = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
OPERATORS = ("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ")
ARCHITECTURES = """
X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC
PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB
""".split()
FLAGS = ("TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")
GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}  # of machines, as includes and excludes have them
OCI_NAMES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
ARGUMENTS = 6  # that a system call takes
ERRNO_MAXIMUM = 4095  # MAX_ERRNO, linux/err.h
Faults = Iterator[tuple[str, str]]  # JSON paths, and a clause without a full stop on each
Quantifier = Callable[[Iterable[bool]], bool]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all parts of a profile share. Go writes null for what is empty; fields that nobody knows are tolerated."""


class Architecture(Part, frozen=True):
    """`archMap[]`: on a machine of `architecture`, calls by its own convention and by the others are looked at."""

    architecture: str
    sub_architectures: list[str] | None = None


class Condition(Part, frozen=True):
    """`includes`, `excludes`: GOARCH names, CAP_ names, and "4.8"."""

    caps: list[str] | None = None
    arches: list[str] | None = None
    min_kernel: str | None = None


class Rule(Part, frozen=True):
    """`syscalls[]`. `name` is an older spelling of `names`."""

    action: str
    names: list[str] | None = None
    name: str = ""
    errno_ret: int | None = None
    args: list[Argument] | None = None
    comment: str = ""
    includes: Condition | None = None
    excludes: Condition | None = None


class Argument(Part, frozen=True):
    """`syscalls[].args[]`."""

    index: Annotated[int, msgspec.Meta(ge=0, lt=ARGUMENTS)]
    op: str
    value: Annotated[int, msgspec.Meta(ge=0)] = 0
    value_two: Annotated[int, msgspec.Meta(ge=0)] = 0


class Profile(Part, frozen=True):
    """The whole file."""

    default_action: str
    default_errno_ret: int | None = None
    arch_map: list[Architecture] | None = None
    architectures: list[str] | None = None
    flags: list[str] | None = None
    syscalls: list[Rule] | None = None


@dataclass(frozen=True)
class Host:
    """What of this machine decides which rules apply: `machine` as uname(2) has it."""

    machine: str
    kernel: tuple[int, int]

    @classmethod
    def here(cls) -> Host:
        return cls(platform.machine(), version(os.uname().release) or (0, 0))


def read(text: str) -> Profile:
    """A profile that is sound in itself. EngineError(INVALID) names the JSON path of the first fault."""
    try:
        profile = msgspec.json.decode(text, type=Profile)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise _refusal(path.strip("`") or "$", what[:1].lower() + what[1:]) from None
    except msgspec.DecodeError as error:
        raise EngineError(
            ErrorCode.INVALID, f"The seccomp profile is no JSON ({error}): give one in Docker's format, or unconfined."
        ) from None
    _refuse(_faults_of_docker(profile))
    _refuse(faults(_with_rules(profile, list(profile.syscalls or ()), list(profile.architectures or ())), "$"))
    return profile


def resolve(profile: Profile, capabilities: Collection[str], host: Host) -> Seccomp:
    """What a profile means for a container with these capabilities (its bounding set) on this machine.

    EngineError(INVALID) when rules that apply here contradict each other.
    """
    applying = [(at, rule) for at, rule in enumerate(profile.syscalls or ()) if _applies(rule, capabilities, host)]
    _refuse(_contradictions(applying))
    architectures = list(profile.architectures or ())
    for entry in profile.arch_map or ():
        if entry.architecture == OCI_NAMES.get(host.machine):
            architectures = [entry.architecture, *(entry.sub_architectures or ())]
    return _with_rules(profile, [rule for _, rule in applying], architectures)


def faults(seccomp: Seccomp, path: str) -> Faults:
    """What no filter can be made of; `path`: where `seccomp` stands in what a person wrote."""
    yield from _of_action(seccomp.default_action, f"{path}.defaultAction")
    yield from _of_errno(seccomp.default_action, seccomp.default_errno_ret, f"{path}.defaultErrnoRet")
    yield from _of_architectures(seccomp.architectures, f"{path}.architectures")
    for index, flag in enumerate(seccomp.flags):
        name = flag.removeprefix("SECCOMP_FILTER_FLAG_")
        if name not in FLAGS:
            yield f"{path}.flags[{index}]", f"{json.dumps(flag)} is no flag of seccomp(2)"
        if name == "WAIT_KILLABLE_RECV":
            yield f"{path}.flags[{index}]", f"{flag} goes with SCMP_ACT_NOTIFY only, and that can't be had"
    for number, rule in enumerate(seccomp.syscalls):
        here = f"{path}.syscalls[{number}]"
        if not rule.names:
            yield f"{here}.names", "there is no call in it"
        yield from _of_action(rule.action, f"{here}.action")
        yield from _of_errno(rule.action, rule.errno_ret, f"{here}.errnoRet")
        for index, argument in enumerate(rule.args):
            yield from _of_argument(argument, f"{here}.args[{index}]")


def version(release: str) -> tuple[int, int] | None:
    """(6, 1) of "6.1.0-18-amd64"; None of what is no version."""
    found = re.match(r"(\d{1,3})\.(\d{1,3})(?!\d)", release)
    return (int(found[1]), int(found[2])) if found else None


def _refuse(found: Faults) -> None:
    for path, why in found:
        raise _refusal(path, why)


def _refusal(path: str, why: str) -> EngineError:
    return EngineError(ErrorCode.INVALID, f"The seccomp profile can't be used: {path}: {why}.")


def _with_rules(profile: Profile, rules: list[Rule], architectures: list[str]) -> Seccomp:
    return Seccomp(
        default_action=profile.default_action,
        default_errno_ret=profile.default_errno_ret,
        architectures=architectures,
        flags=list(profile.flags or ()),
        syscalls=[_plain(rule) for rule in rules],
    )


def _plain(rule: Rule) -> SeccompRule:
    return SeccompRule(
        names=list(rule.names or [rule.name]),
        action=rule.action,
        errno_ret=rule.errno_ret,
        args=[
            SeccompArgument(index=given.index, value=given.value, value_two=given.value_two, op=given.op)
            for given in rule.args or ()
        ],
    )


def _applies(rule: Rule, capabilities: Collection[str], host: Host) -> bool:
    """All of the includes, and none of the excludes."""
    if rule.excludes is not None and any(_met(rule.excludes, capabilities, host, any)):
        return False
    return rule.includes is None or all(_met(rule.includes, capabilities, host, all))


def _met(condition: Condition, capabilities: Collection[str], host: Host, of_them: Quantifier) -> Iterator[bool]:
    """For each kind of condition that is given, whether it is met; `of_them`: how many of the capabilities it takes."""
    if condition.arches:
        yield GO_NAMES.get(host.machine, host.machine) in condition.arches
    if condition.caps:
        yield of_them(name in capabilities for name in condition.caps)
    if condition.min_kernel:
        yield host.kernel >= (version(condition.min_kernel) or (0, 0))


def _faults_of_docker(profile: Profile) -> Faults:
    """Of what Docker's profiles have beyond the OCI's."""
    if profile.arch_map and profile.architectures:
        yield "$.archMap", "it and $.architectures exclude each other"
    for index, rule in enumerate(profile.syscalls or ()):
        yield from _of_docker_rule(rule, f"$.syscalls[{index}]")
    seen = set()
    for index, entry in enumerate(profile.arch_map or ()):
        yield from _of_architectures([entry.architecture, *(entry.sub_architectures or ())], f"$.archMap[{index}]")
        if entry.architecture in seen:
            yield f"$.archMap[{index}].architecture", f"{entry.architecture} has an entry already"
        seen.add(entry.architecture)


def _of_docker_rule(rule: Rule, path: str) -> Faults:
    if rule.name and rule.names:
        yield f"{path}.name", "it and names exclude each other"
    if not rule.name and not rule.names:
        yield f"{path}.names", "there is no call in it"
    for kind, condition in (("includes", rule.includes), ("excludes", rule.excludes)):
        wanted = condition.min_kernel if condition is not None else None
        if wanted and not re.fullmatch(r"\d{1,3}\.\d{1,3}", wanted):
            yield f"{path}.{kind}.minKernel", f'{json.dumps(wanted)} is no version such as "4.8"'


def _contradictions(rules: list[tuple[int, Rule]]) -> Faults:
    """One call can't have two actions without a condition."""
    settled: dict[str, tuple[int, tuple[str, int | None]]] = {}
    for at, rule in rules:
        outcome = (rule.action, rule.errno_ret)
        for index, name in enumerate(rule.names or [rule.name]):
            if rule.args:
                continue
            first, known = settled.setdefault(name, (at, outcome))
            if known != outcome:
                yield (
                    f"$.syscalls[{at}].{f'names[{index}]' if rule.names else 'name'}",
                    f"{json.dumps(name)} is to be {outcome[0]}, and {known[0]} by $.syscalls[{first}]; say one of them",
                )


def _of_action(action: str, path: str) -> Faults:
    if action == "SCMP_ACT_NOTIFY":
        why = "SCMP_ACT_NOTIFY hands calls to an agent, and there is none; SCMP_ACT_LOG lets them through and tells"
        yield path, why
    elif action.removeprefix("SCMP_ACT_") not in ACTIONS or not action.startswith("SCMP_ACT_"):
        yield path, f"{json.dumps(action)} is no seccomp action: there are SCMP_ACT_ {_list(ACTIONS)}"


def _of_errno(action: str, number: int | None, path: str) -> Faults:
    if number is None:
        return
    if action not in WITH_ERRNO:
        yield path, f"{action} gives no errno"
    if not 0 <= number <= ERRNO_MAXIMUM:
        yield path, f"{number} is no errno, they go up to {ERRNO_MAXIMUM}"


def _of_architectures(names: list[str], path: str) -> Faults:
    for name in names:
        if not name.startswith("SCMP_ARCH_") or name.removeprefix("SCMP_ARCH_") not in ARCHITECTURES:
            yield path, f"{json.dumps(name)} is no architecture; they are named as SCMP_ARCH_X86_64 is"


def _of_argument(argument: SeccompArgument, path: str) -> Faults:
    if not 0 <= argument.index < ARGUMENTS:
        yield f"{path}.index", f"{argument.index} is too high, a call has arguments 0 to {ARGUMENTS - 1}"
    if not argument.op.startswith("SCMP_CMP_") or argument.op.removeprefix("SCMP_CMP_") not in OPERATORS:
        yield f"{path}.op", f"{json.dumps(argument.op)} is no comparison: there are SCMP_CMP_ {_list(OPERATORS)}"
    for name, value in (("value", argument.value), ("valueTwo", argument.value_two)):
        if not 0 <= value < 1 << 64:
            yield f"{path}.{name}", f"{value} does not fit 64 bits"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]
