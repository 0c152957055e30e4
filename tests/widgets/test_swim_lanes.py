"""The swim-lanes as a user meets them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.geometry import Region

from tests.widgets.jobs import AT_PROMPT, EVENTS, JOBS, SHELL, START, started
from widgets.jobs import Event
from widgets.lanes import History
from widgets.swim_lanes import KINDS, SwimLanes

pytestmark = pytest.mark.usefixtures("utc")


class Clock:
    """A time of day that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = START + 41

    def __call__(self) -> float:
        return self.now


def history(*events: Event) -> History:
    told = History()
    told.tell(AT_PROMPT, events, START + 41)
    return told


def test_a_process_is_born_by_its_fork_runs_stops_goes_on_and_ends() -> None:
    told = history(
        *started(1, 5000, 5000, "/bin/cat"),
        Event(START + 3, "stop", 5000, 5000, "TTIN"),
        Event(START + 7, "continue", 5000, 5000),
        Event(START + 9, "exit", 5000, 5000, "0"),
    )
    lane = next(lane for lane in told.lanes(START) if lane.pid == 5000)
    assert lane.name == "cat"
    assert [(since - START, until - START, state) for since, until, state in lane.spans()] == [
        (1, 3, "running"),
        (3, 7, "stopped"),
        (7, 9, "running"),
    ]


def test_a_band_lasts_while_the_group_has_the_terminal() -> None:
    told = history(*EVENTS[:16])
    lanes = {lane.pid: lane for lane in told.lanes(START)}
    assert [(round(since - START, 3), round(until - START, 3)) for since, until in told.bands(lanes[4725])] == [
        (14.002, 24.01)
    ]
    before, after = told.bands(lanes[SHELL])
    assert before[1] == pytest.approx(START + 14.002)
    assert after[0] == pytest.approx(START + 24.01)


def test_a_table_alone_is_drawn_too_and_its_changes_are_seen_by_comparing() -> None:
    told = History()
    told.tell(JOBS, (), START)
    running = replace(JOBS.jobs[1], state="running", processes=(replace(JOBS.jobs[1].processes[0], state="running"),))
    told.tell(replace(JOBS, jobs=(running,)), (), START + 5)
    lanes = {lane.pid: lane for lane in told.lanes(START)}
    assert [state for _, _, state in lanes[4720].spans()] == ["stopped", "running"]
    assert lanes[4725].died == START + 5


def test_a_number_that_the_kernel_uses_again_is_another_lane() -> None:
    told = history(
        *started(1, 5000, 5000, "a"), Event(START + 2, "exit", 5000, 5000, "0"), *started(3, 5000, 5000, "b")
    )
    assert [lane.name for lane in told.lanes(START) if lane.pid == 5000] == ["a", "b"]


def test_what_is_older_than_the_picture_is_forgotten() -> None:
    told = history(*started(1, 5000, 5000, "a"), Event(START + 2, "exit", 5000, 5000, "0"))
    told.tell(AT_PROMPT, (), START + 200)
    assert [lane.pid for lane in told.lanes(START)] == [SHELL]
    assert not told.events


def test_a_storm_of_processes_is_bounded() -> None:
    told = history(*(Event(START + n / 1000, kind, n, n) for n in range(1, 9000) for kind in ("fork", "exit")))
    assert len(told.events) <= 4_000
    assert len(told.lanes(START)) <= 401


@st.composite
def happenings(draw: st.DrawFn) -> list[Event]:
    kinds = st.sampled_from(sorted(KINDS))
    numbers = st.integers(1, 6)
    times = st.floats(START - 100, START + 41)
    return draw(st.lists(st.builds(Event, times, kinds, numbers, numbers, st.sampled_from(["", "0", "KILL", "a b"]))))


@given(happenings())
def test_whatever_happens_a_lane_is_in_one_state_at_a_time(events: list[Event]) -> None:
    told = history(*sorted(events, key=lambda event: event.time))
    for lane in told.lanes(START):
        spans = list(lane.spans())
        assert all(since < until for since, until, _ in spans)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        assert all(had < lost for had, lost in told.bands(lane))


def text(lanes: SwimLanes) -> list[str]:
    return [lanes.render_line(y).text for y in range(lanes.size.height)]


def picture(lanes: SwimLanes, name: str) -> str:
    """The line of a process, without its name."""
    return next(line for line in text(lanes)[1:-2] if name in line)[22:].rstrip()


async def test_each_event_has_its_glyph_and_each_state_its_line(stage: Any) -> None:
    lanes = SwimLanes(now=Clock())
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(90, 16)):
        assert picture(lanes, "vim").strip(" ").startswith("○◆▲●━")
        assert picture(lanes, "vim").endswith("■" + "╍" * (len(picture(lanes, "vim").split("■")[1])))
        assert picture(lanes, "yes").strip().startswith("○◆●━")
        assert picture(lanes, "yes").endswith("✗")
        assert "12:00:38.000  false (4742) ended with status 1" in text(lanes)[-1]


async def test_the_cursor_goes_from_event_to_event_and_says_each_in_words(stage: Any) -> None:
    lanes = SwimLanes(now=Clock())
    app = stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS))
    async with app.run_test(size=(90, 16)) as pilot:
        lanes.focus()
        await pilot.press("left")
        assert "false (4742) ended with status 1" in text(lanes)[-1] or "became false" in text(lanes)[-1]
        for _ in EVENTS:
            await pilot.press("h")
        assert "sleep (4711) was forked" in text(lanes)[-1]
        await pilot.press("l")
        assert "sleep (4711) leads its own group" in text(lanes)[-1]
        await pilot.press("G")
        assert lanes.event is None


async def test_the_picture_stands_still_and_only_the_ends_of_living_bars_are_drawn_again(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.now = START + 47  # a picture has just begun
    lanes = SwimLanes(now=clock)
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(90, 16)) as pilot:
        await pilot.pause()
        drawn: list[Region] = []
        monkeypatch.setattr(lanes, "refresh", lambda *regions, **_: drawn.extend(regions))
        lanes._tick()
        assert not drawn
        clock.now += 2
        lanes._tick()
        assert len(drawn) == len([lane for lane in lanes._lanes if lane.alive])
        assert all(region.width <= 5 and region.height == 1 for region in drawn)


async def test_the_clock_stops_when_nothing_that_happened_is_in_sight(stage: Any) -> None:
    clock = Clock()
    lanes = SwimLanes(now=clock)
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(90, 16)) as pilot:
        await pilot.pause()
        assert lanes._moves
        clock.now += 60
        lanes._tick()
        assert not lanes._clock._active.is_set()
        lanes.show(JOBS, started(101, 5000, 5000, "a"))
        assert lanes._clock._active.is_set()


async def test_at_first_it_shows_as_much_time_as_there_is_something_to_see_in(stage: Any) -> None:
    clock = Clock()
    lanes = SwimLanes(now=clock)
    app = stage(lanes, prepare=lambda: lanes.show(AT_PROMPT, started(36, 5000, 5000, "a")))
    async with app.run_test(size=(90, 16)) as pilot:
        await pilot.pause()
        assert text(lanes)[0].startswith(" 10 s")
        clock.now += 6
        lanes._tick()
        assert text(lanes)[0].startswith(" 20 s")


async def test_less_time_can_be_shown_larger(stage: Any) -> None:
    lanes = SwimLanes(now=Clock())
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(90, 16)) as pilot:
        lanes.focus()
        assert "■" in picture(lanes, "vim")
        assert text(lanes)[0].startswith(" 60 s")
        for _ in range(5):
            await pilot.press("plus")
        assert lanes.seconds == 10
        assert set(picture(lanes, "vim").strip()) == {"╍"}  # it was stopped more than 10 seconds ago
        await pilot.press("minus")
        assert lanes.seconds == 20


@pytest.mark.parametrize("width", [40, 61, 90, 200])
async def test_every_line_fills_the_width_exactly(stage: Any, width: int) -> None:
    lanes = SwimLanes(now=Clock())
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(width, 16)):
        assert {cell_len(line) for line in text(lanes)} == {lanes.size.width}


@pytest.mark.parametrize(
    ("size", "theme"), [((64, 16), "helios-dark"), ((64, 16), "helios-light"), ((140, 16), "helios-dark")]
)
def test_how_it_looks(snap_compare: Any, stage: Any, size: tuple[int, int], theme: str) -> None:
    lanes = SwimLanes(now=Clock())

    def prepare() -> None:
        lanes.show(JOBS, EVENTS)
        lanes.pgid = 4725
        lanes.focus()

    assert snap_compare(stage(lanes, prepare=prepare, theme=theme), terminal_size=size)


async def test_lanes_that_have_no_room_are_scrolled_to(stage: Any) -> None:
    lanes = SwimLanes(now=Clock())
    async with stage(lanes, prepare=lambda: lanes.show(JOBS, EVENTS)).run_test(size=(90, 7)) as pilot:
        lanes.focus()
        await pilot.press("home", *["up"] * 9)
        top = lanes.scroll_offset.y
        for key, by in (("down", 1), ("j", 2), ("up", 1), ("k", 0)):
            await pilot.press(key)
            await pilot.pause()
            assert lanes.scroll_offset.y == top + by, key
        await pilot.press("left", "left", "end")
        latest = text(lanes)[-1]
        await pilot.press("left", "G")
        assert text(lanes)[-1] == latest
        await pilot.press("plus")
        seconds = lanes.seconds
        await pilot.press("equals_sign", "minus")
        assert lanes.seconds == seconds
