"""Promises of the arithmetic: what is computed is what is told, and nothing is ever negative or made up."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.metrics import cpu, io, machine, memory, network, pids, pressure, processes
from engine.metrics.formula import Formula, Less, Level, Quotient, Rate, Share
from engine.metrics.source import Source
from engine.protocol.metrics import METRICS

FORMULAS: list[Formula] = [Level("a"), Less("a", "b"), Quotient("a", "b"), Rate("a"), Rate("a", 1000), Share("a", "b")]
COUNTERS = st.dictionaries(st.sampled_from("ab"), st.integers(0, 2**50) | st.just(math.inf))
V1: list[Source] = [cpu.USAGE_V1, cpu.LIMIT_V1, memory.USAGE_V1, memory.LIMIT_V1, io.V1]
V2: list[Source] = [cpu.USAGE_V2, cpu.LIMIT_V2, memory.USAGE_V2, memory.LIMIT_V2, io.V2, pressure.SOURCE]
BOTH: list[Source] = [pids.USAGE, pids.LIMIT, network.SOURCE, processes.SOURCE]


def evaluated(arithmetic: str) -> float:
    plain = arithmetic.replace(",", "").replace("−", "-").replace("×", "*").removesuffix(" s")
    return float(eval(plain, {"__builtins__": {}}))


@pytest.mark.parametrize("formula", FORMULAS, ids=repr)
@given(before=COUNTERS, after=COUNTERS, seconds=st.sampled_from([0.1, 0.125, 1.0, 30.0]))
def test_the_arithmetic_that_is_told_gives_the_value(
    formula: Formula, before: dict[str, float], after: dict[str, float], seconds: float
) -> None:
    value = formula.value(before, after, seconds)
    if value is None or (isinstance(formula, Less) and after["a"] < after["b"]):
        return
    if isinstance(formula, Share):
        assume(after["b"] != before["b"])
    assert value == pytest.approx(evaluated(formula.arithmetic(before, after, seconds)), rel=1e-9)


@pytest.mark.parametrize("formula", FORMULAS, ids=repr)
@given(before=COUNTERS, after=COUNTERS, seconds=st.just(0.0) | st.floats(0.001, 100))
def test_a_value_is_finite_and_never_negative(
    formula: Formula, before: dict[str, float], after: dict[str, float], seconds: float
) -> None:
    value = formula.value(before, after, seconds)
    assert value is None or value >= 0
    assert value is None or math.isfinite(value)


@pytest.mark.parametrize("formula", FORMULAS, ids=repr)
def test_without_counters_there_is_no_value(formula: Formula) -> None:
    assert formula.value({}, {}, 1.0) is None


def test_a_counter_that_went_backwards_was_reset() -> None:
    assert Rate("a").value({"a": 10}, {"a": 4}, 1.0) is None
    assert Share("a", "b").value({"a": 10, "b": 10}, {"a": 0, "b": 20}, 1.0) is None


def test_no_quota_is_no_limit_in_both_versions() -> None:
    limit = Quotient("quota", "period")
    assert limit.value({}, {"quota": math.inf, "period": 100_000}, 1.0) is None
    assert limit.value({}, {"quota": -1, "period": 100_000}, 1.0) is None
    assert limit.value({}, {"quota": 50_000, "period": 100_000}, 1.0) == 0.5


def test_cache_that_was_counted_a_moment_later_makes_no_negative_working_set() -> None:
    assert Less("current", "cache").value({}, {"current": 5, "cache": 9}, 1.0) == 0


def test_both_versions_have_every_metric() -> None:
    def metrics(sources: list[Source]) -> set[str]:
        return {metric for source in sources for metric in source.formulas}

    of_containers = set(METRICS) - {"cpu.iowait", "load.1", "load.5", "load.15"}
    assert metrics(V2 + BOTH) == of_containers
    assert metrics(V1 + BOTH) == {name for name in of_containers if not name.startswith("pressure.")}
    assert set(METRICS) - of_containers < metrics(machine.SOURCES) < set(METRICS)


@pytest.mark.parametrize("source", [*V1, *V2, *BOTH, *machine.SOURCES], ids=lambda source: next(iter(source.formulas)))
def test_what_is_a_rate_in_the_table_is_computed_as_one(source: Source) -> None:
    for metric, formula in source.formulas.items():
        assert METRICS[metric].rate == isinstance(formula, Rate | Share)
