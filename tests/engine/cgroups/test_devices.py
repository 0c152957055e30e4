"""Devices are fenced off: by real opens in a real cgroup, and rule by rule in an interpreter of the program."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cgroups import Cgroup
from engine.cgroups.controllers import devices
from engine.cgroups.device_filter import program
from engine.spec.devices import allowed
from engine.spec.structs import DeviceCgroup

from .conftest import python_in

PROBE = """
import os, sys
for path in sys.stdin.readline().split():
    try:
        os.close(os.open(path, os.O_RDONLY))
        print("yes")
    except PermissionError:
        print("no")
try:
    os.mknod(sys.stdin.readline().strip(), 0o600 | 0o060000, os.makedev(7, 200))
    print("made", flush=True)
except PermissionError:
    print("not made", flush=True)
"""


def probe(cgroup: Cgroup, paths: list[str], node: Path) -> list[str]:
    with python_in(cgroup, PROBE) as process:
        out, error = process.communicate(f"{' '.join(paths)}\n{node}\n".encode(), 30)
    assert not error, error
    return out.decode().split("\n")[:-1]


@pytest.mark.cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes, and programs for them")
def test_only_what_is_allowed_is_opened(limited: Cgroup, tmp_path: Path) -> None:
    devices.restrict(limited, allowed([], [], privileged=False))
    answers = probe(limited, ["/dev/null", "/dev/zero", "/dev/kmsg"], tmp_path / "node")
    assert answers == ["yes", "yes", "no", "made"]  # mknod is allowed: what can't be opened does no harm


@pytest.mark.cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes, and programs for them")
def test_a_later_rule_counts(limited: Cgroup, tmp_path: Path) -> None:
    rules = [DeviceCgroup(allow=True, type="a", access="rwm"), DeviceCgroup(allow=False, type="a", access="rwm")]
    devices.restrict(limited, [*rules, DeviceCgroup(allow=True, type="c", major=1, minor=3, access="r")])
    assert probe(limited, ["/dev/null", "/dev/zero"], tmp_path / "node") == ["yes", "no", "not made"]


@pytest.mark.cgroup2
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes, and programs for them")
def test_nothing_is_fenced_off_where_everything_is_allowed(limited: Cgroup, tmp_path: Path) -> None:
    devices.restrict(limited, allowed([], [], privileged=True))
    assert probe(limited, ["/dev/null", "/dev/kmsg"], tmp_path / "node") == ["yes", "yes", "made"]


NUMBERS = st.none() | st.integers(0, 3)
RULES = st.builds(
    DeviceCgroup,
    allow=st.booleans(),
    type=st.sampled_from(["a", "b", "c", ""]),
    major=NUMBERS,
    minor=NUMBERS,
    access=st.sampled_from(["", "r", "w", "m", "rw", "rwm", "mr"]),
)


@given(
    st.lists(RULES, max_size=8),
    st.sampled_from(["b", "c"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["r", "w", "m", "rw"]),
)
def test_for_every_letter_the_last_rule_that_matches_decides(
    rules: list[DeviceCgroup], type: str, major: int, minor: int, access: str
) -> None:
    def expected(letter: str) -> bool:
        for rule in reversed(rules):
            everything = rule.type in ("a", "")
            if (
                letter in (rule.access or "rwm")
                and (everything or rule.type == type)
                and (everything or rule.major in (None, major))
                and (everything or rule.minor in (None, minor))
            ):
                return rule.allow
        return False

    assert run(program(rules), type, major, minor, access) == all(map(expected, access))


def run(code: bytes, type: str, major: int, minor: int, access: str) -> bool:
    """Interpret the program (Documentation/bpf/standardization/instruction-set.rst)."""
    wanted = sum({"m": 1, "r": 2, "w": 4}[letter] for letter in access)
    context = struct.pack("=III", wanted << 16 | {"b": 1, "c": 2}[type], major, minor)
    registers, at = [0] * 11, 0
    while True:
        opcode, both, offset, value = struct.unpack_from("=BBhI", code, at * 8)
        target, at = both & 15, at + 1
        match opcode:
            case 0x61:  # w = *(u32 *)(r1 + offset)
                (registers[target],) = struct.unpack_from("=I", context, offset)
            case 0x54:
                registers[target] &= value
            case 0x74:
                registers[target] >>= value
            case 0xB4:
                registers[target] = value
            case 0x05:
                at += offset
            case 0x56:
                at += offset if registers[target] != value else 0
            case 0x46:
                at += offset if registers[target] & value else 0
            case 0x95:
                return bool(registers[0])
            case _:
                raise AssertionError(hex(opcode))
