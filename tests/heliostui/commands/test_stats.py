"""Promises of what `stats` shows: each number with its unit, and a table that fits."""

from __future__ import annotations

import pytest

from engine.protocol.metrics import Sample
from heliostui.commandline.figures import digits, figure, percent
from heliostui.commands.stats import text

VALUES = {
    "cpu": 1.5,
    "memory": 3.0 * (1 << 20),
    "memory.working_set": 2.0 * (1 << 20),
    "memory.limit": 64.0 * (1 << 20),
    "network.in": 2048.0,
    "network.out": 0.0,
    "io.read": 0.0,
    "io.write": 1.0,
    "pids": 3.0,
    "pids.limit": 100.0,
}


def sample(**values: float) -> Sample:
    return Sample(container="0123456789ab", name="web", time=0.0, values=values)


def test_a_row_has_every_number_with_its_unit() -> None:
    (row,) = text([sample(**VALUES)]).splitlines()[1:]
    cells = [cell.strip() for cell in row.split("   ") if cell.strip()]
    assert cells == [
        "0123456789ab",
        "web",
        "150.00%",
        "2.00 MiB / 64.0 MiB",
        "3.12%",
        "2.00 KiB/s / 0 B/s",
        "0 B/s / 1 B/s",
        "3 / 100",
    ]


def test_what_can_not_be_had_is_a_dash() -> None:
    (row,) = text([sample(memory=1024.0)]).splitlines()[1:]
    assert row.split() == ["0123456789ab", "web", "-", "1.00", "KiB", "/", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize("width", range(20, 120, 5))
def test_a_narrow_table_loses_what_matters_least_first(width: int) -> None:
    lines = text([sample(**VALUES)], width=width).splitlines()
    assert "CPU %" in lines[0]
    assert "NAME" in lines[0]
    if max(map(len, lines)) > width:
        assert lines[0].split() == ["NAME", "CPU", "%", "MEMORY", "/", "LIMIT", "PIDS"]
    if "CONTAINER ID" in lines[0]:
        assert "DISK READ / WRITE" in lines[0]


def test_without_containers_there_is_only_the_heading() -> None:
    assert len(text([]).splitlines()) == 1
    assert len(text([], width=10).splitlines()) == 1


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("cpu", 0.0123, "0.012 cores"),
        ("memory", 1536.0, "1.50 KiB"),
        ("io.read", 1536.0, "1.50 KiB/s"),
        ("switches", 12.34, "12.3/s"),
        ("pids", 7.0, "7"),
        ("pressure.cpu", 4.0, "4 %"),
        ("memory.limit", None, "-"),
    ],
)
def test_a_figure_has_the_unit_of_its_metric(metric: str, value: float | None, shown: str) -> None:
    assert figure(metric, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (1234.5, "1234"), (100.0, "100"), (10.0, "10"), (0.5, "0.5"), (0.0001, "0")]
)
def test_three_digits_are_enough(value: float, shown: str) -> None:
    assert digits(value) == shown


def test_a_share_of_nothing_is_none() -> None:
    assert percent(1.0, None) == percent(None) == percent(1.0, 0.0) == "-"
    assert percent(0.5) == "50.00%"
