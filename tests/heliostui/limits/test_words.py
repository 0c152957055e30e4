"""Limits as people read, type and step them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.limits import MAX, DeviceLimit, LimitInForce, Limits
from heliostui.limits.words import WORDS, LimitValue, asked_for, entry, limits, parsed, row, stepped, told

STEPPED = [name for name, words in WORDS.items() if words.kind != "text"]
MIB = 2**20


@pytest.mark.parametrize(
    ("name", "value", "read", "typed"),
    [
        ("memory", 512 * MIB, "512 MiB", "512m"),
        ("memory", 1536 * MIB, "1.5 GiB", "1.5g"),
        ("memory", 1000, "0.98 KiB", "1000"),
        ("memory", MAX, "max", "max"),
        ("cpus", 0.5, "0.5", "0.5"),
        ("cpus", 2.0, "2", "2"),
        ("pids", 64, "64", "64"),
        ("cpuset_cpus", "0-1", "0-1", "0-1"),
        ("cpu_weight", None, "–", ""),
        ("hugetlb.2MB", 64 * MIB, "64 MiB", "64m"),
        ("devices.8:0.read_bps", MIB, "1 MiB", "1m"),
        ("devices.8:0.read_iops", 100, "100", "100"),
    ],
)
def test_a_value_is_read_and_typed_as_people_do(name: str, value: Any, read: str, typed: str) -> None:
    assert told(name, value) == read
    assert entry(name, value) == typed


@given(st.sampled_from(STEPPED), st.integers(1, 2**44))
def test_what_one_would_type_is_the_value(name: str, value: int) -> None:
    if WORDS[name].kind == "weight":
        value = value % 10_000 + 1
    if WORDS[name].kind == "cpus":
        value = value % 99_999 + 1
    assert parsed(name, entry(name, value)) == value


@given(st.sampled_from(STEPPED), st.integers(2, 2**20))
def test_a_step_up_is_more_and_a_step_down_less(name: str, value: int) -> None:
    now = value * MIB if WORDS[name].kind == "size" else value % 9_000 + 2
    up, down = stepped(name, now, 1), stepped(name, now, -1)
    assert isinstance(up, float | int)
    assert isinstance(down, float | int)
    assert up == MAX or up > now or now >= 10_000
    assert 0 < down < now


@pytest.mark.parametrize(("name", "value"), [("memory", 512 * MIB), ("cpus", 0.5), ("pids", 64), ("cpu_weight", 100)])
def test_a_step_up_and_one_down_is_where_one_was(name: str, value: float) -> None:
    assert stepped(name, stepped(name, value, 1), -1) == value


def test_beyond_what_the_machine_has_there_is_no_limit_and_back() -> None:
    assert stepped("cpus", 10_000, 1) == MAX
    assert stepped("memory", 2**50, 1) == MAX
    assert stepped("memory", MAX, 1) == MAX
    first = stepped("memory", MAX, -1, usage=100 * MIB)
    assert first == 256 * MIB  # twice what is used


def test_a_text_has_no_steps() -> None:
    assert stepped("cpuset_cpus", "0-1", 1) is None


@pytest.mark.parametrize(
    ("name", "text"), [("memory", "9x"), ("cpus", "many"), ("pids", "-3"), ("cpu_weight", "10001"), ("pids", "1.5")]
)
def test_nonsense_is_refused_with_a_sentence(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is no"):
        parsed(name, text)


def test_values_become_a_change_of_limits() -> None:
    values: dict[str, LimitValue] = {
        "memory": 512.0 * MIB,
        "cpus": 0.5,
        "cpuset_cpus": "0",
        "hugetlb.2MB": 4.0 * MIB,
        "devices.8:0.read_bps": 1.0 * MIB,
        "devices.8:0.write_iops": 10,
    }
    assert limits(values) == Limits(
        memory=512 * MIB,
        cpus=0.5,
        cpuset_cpus="0",
        hugetlb={"2MB": 4 * MIB},
        devices=[DeviceLimit(device="8:0", read_bps=MIB, write_iops=10)],
    )


def test_what_is_asked_for_is_there_before_a_start() -> None:
    given = Limits(memory=MIB, hugetlb={"2MB": 5}, devices=[DeviceLimit(device="8:0", read_bps=7)])
    known = {limit.name: limit.value for limit in asked_for(given)}
    assert known["memory"] == MIB
    assert known["pids"] == MAX
    assert known["cpu_weight"] is None
    assert known["hugetlb.2MB"] == 5
    assert known["devices.8:0.read_bps"] == 7


def test_a_row_tells_the_file_and_how_much_is_used() -> None:
    limit = LimitInForce(name="cpus", value=0.5, text="50000 100000", path="/sys/fs/cgroup/a/cpu.max", usage=0.1)
    shown = row(limit, 0.25, None)
    assert (shown.written, shown.value, shown.usage, shown.share) == ("cpu.max: 50000 100000", "0.5", "0.25", 0.5)
    assert not shown.pending
    asked = row(limit, 0.25, 1.0)
    assert (asked.value, asked.pending) == ("1", True)
    unlimited = LimitInForce(name="memory", value=MAX, text="max", path="/sys/fs/cgroup/a/memory.max")
    assert row(unlimited, 5.0, None).share is None
