"""What happened, as graphs tell it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.protocol.messages import Event
from engine.protocol.metrics import METRICS, Sample, Series
from heliostui.graphs.charts import BY_ID, CHARTS, chart_of, fitting, metrics_of, units
from heliostui.graphs.feed import Feed
from heliostui.graphs.grid import HIGH, WIDE, grid
from heliostui.graphs.marks import from_curves, from_event
from heliostui.graphs.words import LABELS
from widgets.curve import Curve

NOW = datetime(2025, 3, 4, 12, tzinfo=UTC)
TIME = NOW.timestamp()


def event(action: str, **attributes: str) -> Event:
    return Event(time=NOW, action=action, container="c1", name="web", attributes=attributes)


@pytest.mark.parametrize(
    ("attributes", "metric", "value"),
    [
        ({"memory.max": "67108864"}, "memory", 2.0**26),
        ({"memory.max": "max"}, "memory", None),
        ({"memory.limit_in_bytes": "9223372036854771712"}, "memory", None),
        ({"cpu.max": "50000 100000"}, "cpu", 0.5),
        ({"cpu.max": "max 100000"}, "cpu", None),
        ({"cpu.cfs_quota_us": "25000", "cpu.cfs_period_us": "50000"}, "cpu", 0.5),
        ({"cpu.cfs_quota_us": "-1"}, "cpu", None),
        ({"pids.max": "20"}, "pids", 20),
    ],
)
def test_a_write_to_a_limit_file_is_a_mark_with_the_new_limit(
    attributes: dict[str, str], metric: str, value: float | None
) -> None:
    (happening,) = from_event(event("update", **attributes))
    assert (happening.kind, happening.metric, happening.value) == ("limit", metric, value)
    assert happening.time == TIME


def test_other_events_have_a_glyph_and_a_sentence() -> None:
    told = [*from_event(event("oom", pid="7", command="hog")), *from_event(event("pids_limit", refused="3"))]
    told += [*from_event(event("die", exit_code="137")), *from_event(event("pause")), *from_event(event("resize"))]
    assert [each.mark().glyph for each in told] == ["✖", "⊘", "■", "‖"]
    assert told[0].words == "killed for want of memory: hog, process 7"
    assert told[1].words == "3 forks refused by the process limit"
    assert told[2].words == "ended with 137"


def test_the_past_is_read_from_the_curves() -> None:
    seconds = [*range(60), *range(80, 100)]  # it did not run for twenty seconds
    curves = {
        "cpu": Curve((n, 0.1) for n in seconds),
        "memory.limit": Curve((n, 64.0 if n < 30 else 128.0) for n in seconds),
        "memory.oom_kills": Curve((n, float(n >= 90)) for n in seconds),
    }
    assert [(each.time, each.kind) for each in from_curves(curves)] == [
        (30, "limit"),
        (59, "end"),
        (80, "start"),
        (90, "killed"),
    ]


def sample(time: float, **values: float) -> Sample:
    named = {name.replace("_limit", ".limit").replace("io_", "io."): value for name, value in values.items()}
    return Sample(container="c1", name="web", time=time, values=named)


def test_a_limit_that_was_written_is_on_the_graph_at_once_and_marked_once() -> None:
    feed = Feed()
    metrics = ["cpu", "memory", "memory.limit"]
    for n in range(-5, 0):
        feed.take(sample(TIME + n, cpu=0.1, memory=10.0, memory_limit=64.0), metrics)
    feed.happened(event("update", **{"memory.max": "128"}))
    assert feed.curve("c1", "memory.limit").last == (TIME, 128.0)
    feed.take(sample(TIME + 0.1, cpu=0.1, memory=10.0, memory_limit=64.0), metrics)  # not read since
    assert feed.curve("c1", "memory.limit").last == (TIME + 0.1, 128.0)
    feed.take(sample(TIME + 1, cpu=0.1, memory=10.0, memory_limit=128.0), metrics)
    (happening,) = feed.happenings("c1")
    assert (happening.time, happening.told) == (TIME, True)


def test_a_limit_that_is_seen_before_its_event_is_marked_once_too() -> None:
    feed = Feed()
    metrics = ["cpu", "memory.limit"]
    feed.take(sample(TIME - 0.5, cpu=0.1, memory_limit=64.0), metrics)
    feed.take(sample(TIME + 0.5, cpu=0.1, memory_limit=128.0), metrics)
    feed.happened(event("update", **{"memory.max": "128"}))
    assert [each.told for each in feed.happenings("c1")] == [True]


def test_a_clock_that_is_set_back_stops_no_graph() -> None:
    feed = Feed()
    for time in (TIME, TIME + 1, TIME - 3600, TIME - 3599):
        feed.take(sample(time, cpu=0.5), ["cpu"])
    assert feed.now == TIME - 3599
    assert feed.curve("c1", "cpu").last == (TIME - 3599, 0.5)


def test_reading_and_writing_are_one_curve_where_several_are_shown() -> None:
    feed, chart = Feed(), BY_ID["io"]
    feed.take(sample(TIME, io_read=3.0, io_write=4.0), chart.metrics)
    assert feed.joint("c1", chart).last == (TIME, 7.0)
    feed.take(sample(TIME + 1, io_read=1.0), chart.metrics)
    assert feed.joint("c1", chart).last == (TIME + 1, 1.0)
    remembered = [Series(metric=part, start=TIME - 3, step=1.0, values=[1.0, 1.0]) for part in chart.parts]
    feed.fill("c1", remembered)
    assert feed.joint("c1", chart).at(TIME - 2) == 2.0


def test_every_metric_has_a_chart_and_every_chart_its_units() -> None:
    assert {name for labels in LABELS.values() for name in labels} == set(METRICS)
    for chart in (*CHARTS, *map(chart_of, METRICS)):
        assert units(chart).tell(1.0)
        assert set(chart.parts) <= set(metrics_of([chart]))
    assert "throttling" not in {chart.id for chart in fitting(CHARTS, machine=True)}
    assert "load" not in {chart.id for chart in fitting(CHARTS, machine=False)}


@pytest.mark.parametrize("size", [(1, 1), (36, 6), (80, 20), (118, 34), (200, 58), (300, 78)])
@pytest.mark.parametrize("charts", [1, 2, 5, 7, 12])
def test_as_many_charts_as_have_room_fill_the_region(size: tuple[int, int], charts: int) -> None:
    found = grid(*size, charts)
    assert 1 <= found.charts <= charts
    assert found.charts + found.first_span - 1 == found.columns * found.rows
    assert found.charts == 1 or (size[0] // found.columns >= WIDE and size[1] // found.rows >= HIGH)
    assert found.first_span <= found.columns
    assert found.charts == charts or found.charts == max(1, size[0] // WIDE) * max(1, size[1] // HIGH)
