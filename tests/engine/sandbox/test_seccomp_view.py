"""What is shown of a filter is what it does."""

from __future__ import annotations

import re

import pytest

from engine.protocol.isolation import SeccompRow
from engine.sandbox import seccomp, seccomp_view
from engine.sandbox.conventions import OF_MACHINE, Convention, in_force
from engine.spec import seccomp as spec
from engine.spec.structs import Seccomp, SeccompArgument, SeccompRule
from tests.engine.sandbox.bpf import Program, path

ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
DEFAULT = spec.default(["CAP_CHOWN"])
X86_64, X86, _ = OF_MACHINE["x86_64"]


def rows(*rules: SeccompRule, default: str = ERRNO) -> list[SeccompRow]:
    return seccomp_view.rows(Seccomp(default_action=default, syscalls=list(rules)), "x86_64")


def argument(index: int, op: str, value: int, value_two: int = 0) -> SeccompArgument:
    return SeccompArgument(index=index, op=f"SCMP_CMP_{op}", value=value, value_two=value_two)


@pytest.mark.parametrize(
    ("action", "number", "words"),
    [
        ("ALLOW", None, "allow"),
        ("LOG", None, "log"),
        ("ERRNO", None, "errno EPERM"),
        ("ERRNO", 38, "errno ENOSYS"),
        ("ERRNO", 4000, "errno 4000"),
        ("ERRNO", 0, "errno 0"),
        ("TRACE", 5, "trace EIO"),
        ("TRAP", None, "trap"),
        ("KILL", None, "kill thread"),
        ("KILL_PROCESS", None, "kill process"),
    ],
)
def test_an_action_in_words(action: str, number: int | None, words: str) -> None:
    profile = Seccomp(default_action=f"SCMP_ACT_{action}", default_errno_ret=number)
    assert seccomp_view.action_words(seccomp.default_action(profile)) == words


def test_calls_that_share_an_outcome_share_a_row() -> None:
    assert rows(
        SeccompRule(names=["write", "read"], action=ALLOW),
        SeccompRule(names=["mount"], action=ERRNO, errno_ret=38),
        SeccompRule(names=["close"], action=ALLOW),
    ) == [
        SeccompRow(calls=["close", "read", "write"], action="allow"),
        SeccompRow(calls=["mount"], action="errno ENOSYS"),
    ]


def test_calls_that_this_machine_has_not_are_left_out() -> None:
    assert rows(SeccompRule(names=["s390_pci_mmio_read", "no_such_call"], action=ALLOW)) == []


def test_what_says_the_same_as_the_default_is_left_out() -> None:
    assert rows(SeccompRule(names=["read"], action=ERRNO)) == []


def test_conditions_in_words() -> None:
    masked, low = argument(0, "MASKED_EQ", 0x7E020000), argument(1, "LT", 12)
    (row,) = rows(SeccompRule(names=["clone"], action=ALLOW, args=[masked, low]))
    assert row.condition == "if arg0 & 0x7e020000 == 0 and arg1 < 12"


def test_alternatives_stand_in_one_row() -> None:
    (row,) = rows(
        *(SeccompRule(names=["personality"], action=ALLOW, args=[argument(0, "EQ", value)]) for value in (0, 0x20000)),
        SeccompRule(names=["personality"], action=ALLOW, args=[argument(1, "GE", 7)]),
    )
    assert row.condition == "if arg1 >= 7 or arg0 is one of 0, 0x20000"


def test_a_program_is_listed_as_it_is() -> None:
    """tcpdump -d's notation, read back."""
    patterns = {
        "ld": (0x20, r"ld   \[(?P<k>\d+)\]"),
        "and": (0x54, r"and  #(?P<k>0x[0-9a-f]+)"),
        "ja": (0x05, r"ja   (?P<to>\d+)"),
        "ret": (0x06, r"ret  #(?P<k>0x[0-9a-f]+)"),
        "jeq": (0x15, r"jeq  #(?P<k>0x[0-9a-f]+)  jt (?P<t>\d+)  jf (?P<f>\d+)"),
        "jgt": (0x25, r"jgt  #(?P<k>0x[0-9a-f]+)  jt (?P<t>\d+)  jf (?P<f>\d+)"),
        "jge": (0x35, r"jge  #(?P<k>0x[0-9a-f]+)  jt (?P<t>\d+)  jf (?P<f>\d+)"),
    }
    found = []
    for index, line in enumerate(seccomp_view.program(DEFAULT, "x86_64")):
        number, mnemonic = re.match(r"\((\d+)\) (\w+)", line).groups()  # type: ignore[union-attr]
        assert int(number) == index
        code, pattern = patterns[mnemonic]
        parts = re.search(pattern, line).groupdict()  # type: ignore[union-attr]
        k = int(parts["k"], 0) if "k" in parts else int(parts["to"]) - index - 1
        found.append((code, *(int(parts.get(jump, index + 1)) - index - 1 for jump in "tf"), k))
    assert found == [tuple(instruction) for instruction in seccomp.instructions(DEFAULT, "x86_64")]


def said_of(convention: Convention, name: str, code: Program, lines: list[str]) -> str:
    return lines[path(code, convention.numbers[name], (), convention.audit)[-1]]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_where_a_call_ends_its_name_or_its_neighbours_are_written(machine: str) -> None:
    code, lines = seccomp.instructions(DEFAULT, machine), seccomp_view.program(DEFAULT, machine)
    for convention in in_force(DEFAULT.architectures, machine):
        by_number = sorted(convention.numbers, key=lambda name: convention.numbers[name])
        for name in convention.numbers:
            calls = said_of(convention, name, code, lines).partition(": ")[2]
            if "…" in calls:
                first, last = re.match(r"(\w+) … (\w+), \d+ calls", calls).groups()  # type: ignore[union-attr]
                assert by_number.index(first) <= by_number.index(name) <= by_number.index(last)
            else:
                assert name in calls.split()


def test_every_instruction_has_its_words() -> None:
    lines = seccomp_view.program(DEFAULT, "x86_64")
    assert lines[0].endswith("look at the architecture")
    assert lines[1].endswith("jump to 3 if it is x86_64")
    assert any(re.search(r"jump to \d+ if it is mount or later", line) for line in lines)
    assert any(line.endswith("allow: socket") for line in lines)
    assert lines[-1].endswith("kill process: any other architecture")
    assert all(line[42:].strip() for line in lines)
