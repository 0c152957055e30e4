"""The job table as a user meets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from tests.widgets.jobs import AT_PROMPT, JOBS, SHELL
from widgets.job_table import JobTable
from widgets.jobs import Event, Job, Jobs, Lately, Process, condition, explained, narrated


def drawn(table: JobTable) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def line(lines: Sequence[str], *words: str) -> str:
    """The one line that has all of these words."""
    found = [each for each in lines if all(word in each for word in words)]
    assert len(found) == 1, (words, lines)
    return found[0]


async def test_each_job_tells_its_number_its_group_its_state_and_its_command(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 24)):
        lines = drawn(table)
        assert line(lines, "[1] ", "sleep 100 | cat").split()[1:3] == ["4711", "running"]
        assert "stopped by TTIN" in line(lines, "[2]-")
        assert "stopped by TSTP" in line(lines, "[3]+")
        assert "killed by KILL" in line(lines, "[4] ")


async def test_the_processes_of_a_job_hang_below_it_as_a_tree(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 24)):
        lines = drawn(table)
        at = lines.index(line(lines, "[5] "))
        assert [each.split()[0] for each in lines[at + 1 : at + 4]] == ["├─", "├─", "└─"]
        assert "exit 1" in lines[at + 3]


async def test_whoever_has_the_terminal_is_marked_and_nobody_else(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 24)) as pilot:
        assert "[5]" in line(drawn(table), "◄ terminal")
        table.show(AT_PROMPT)
        await pilot.pause()
        assert "heliosh" in line(drawn(table), "◄ terminal", "at its prompt")


async def test_without_a_job_it_says_how_to_make_one(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(AT_PROMPT)).run_test(size=(80, 24)):
        assert line(drawn(table), "sleep 100 | cat &")


async def test_the_selection_is_the_current_job_until_it_is_moved_and_then_stays_with_its_group(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 24)) as pilot:
        assert table.cursor == 4740  # it has the terminal
        table.show(replace(JOBS, foreground=SHELL))
        assert table.cursor == 4725  # the one the shell marks with +
        table.follows = False
        table.focus()
        await pilot.press("k")
        assert table.cursor == 4720
        table.show(replace(JOBS, jobs=JOBS.jobs[1:]))
        assert table.cursor == 4720
        table.show(replace(JOBS, jobs=JOBS.jobs[2:]))
        assert table.cursor == 4740
        table.show(AT_PROMPT)
        assert table.cursor is None


async def test_the_selected_job_is_scrolled_into_sight_and_explained(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 7)) as pilot:
        table.focus()
        await pilot.press("G")
        await pilot.pause()
        assert any("make -j4 check" in each for each in drawn(table))
        assert "heliosh" in drawn(table)[1]  # the shell stays where it is
        assert "false" in drawn(table)[5]  # the last of its processes
        await pilot.press("g")
        await pilot.pause()
        assert any("[1] " in each for each in drawn(table))
        assert "Ctrl-C does not reach it" in drawn(table)[-1]


async def test_a_click_selects_a_job_by_any_of_its_lines(stage: Any) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(80, 24)) as pilot:
        await pilot.click("JobTable", offset=(20, 4))
        assert table.cursor == 4711


@pytest.mark.parametrize("width", [40, 58, 80, 200])
async def test_every_line_fills_the_width_exactly(stage: Any, width: int) -> None:
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(JOBS)).run_test(size=(width, 20)):
        assert {cell_len(table.render_line(y).text) for y in range(20)} == {table.size.width}


def test_a_job_that_ended_is_kept_for_a_while_and_then_forgotten() -> None:
    lately = Lately(8)
    ended = JOBS.jobs[3]
    assert ended in lately.add(replace(AT_PROMPT, jobs=JOBS.jobs[:4]), now=100).jobs
    assert ended in lately.add(replace(AT_PROMPT, jobs=JOBS.jobs[:3]), now=107).jobs
    assert lately.next(now=107) == 1
    assert lately.add(replace(AT_PROMPT, jobs=JOBS.jobs[:3]), now=108).jobs == JOBS.jobs[:3]


def test_of_a_job_that_is_only_missed_the_events_say_how_it_ended() -> None:
    lately = Lately(8)
    lately.add(replace(AT_PROMPT, jobs=JOBS.jobs[:1]), now=100)
    ends = [Event(0, "exit", 4711, 4711, "KILL"), Event(0, "exit", 4712, 4711, "3")]
    (job,) = lately.add(AT_PROMPT, 101, ends).jobs
    assert [condition(process) for process in job.processes] == ["killed by KILL", "exit 3"]
    assert [process.status for process in job.processes] == [137, 3]
    assert lately.add(AT_PROMPT, now=109).jobs == ()
    assert lately.next(now=109) is None


def test_a_group_that_lives_again_is_not_kept_as_an_ended_one() -> None:
    lately = Lately(8)
    again = replace(JOBS.jobs[3], state="running")
    lately.add(replace(AT_PROMPT, jobs=(again,)), now=99)
    lately.add(AT_PROMPT, now=100)
    assert lately.add(replace(AT_PROMPT, jobs=(again,)), now=101).jobs == (again,)


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (Process(1, "a", "running"), "running"),
        (Process(1, "a", "stopped", None, "TTIN"), "stopped by TTIN"),
        (Process(1, "a", "stopped"), "stopped"),
        (Process(1, "a", "done", 0), "exit 0"),
        (Process(1, "a", "done", 137, "KILL"), "killed by KILL"),
        (Process(1, "a", "done"), "ended"),
        (None, ""),
    ],
)
def test_a_state_is_told_in_words(process: Process | None, words: str) -> None:
    assert condition(process) == words


def test_what_ended_by_a_signal_has_the_sum_that_makes_its_status() -> None:
    assert "status 137 = 128 + 9" in explained(JOBS.jobs[3])


async def test_a_running_pipeline_is_running_though_its_last_member_has_ended(stage: Any) -> None:
    processes = (Process(1, "a", "running"), Process(2, "b", "done", 0))
    jobs = Jobs(9, 9, 9, (Job(1, "a | b", "running", processes, number=1),))
    table = JobTable()
    async with stage(table, prepare=lambda: table.show(jobs)).run_test(size=(80, 24)):
        assert "running" in line(drawn(table), "[1]")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event(0, "stop", 4711, 4711, "TSTP"), "sleep (4711) was stopped by TSTP"),
        (Event(0, "exit", 4711, 4711, "KILL"), "sleep (4711) was killed by KILL"),
        (Event(0, "exit", 4711, 4711, "0"), "sleep (4711) ended with status 0"),
        (Event(0, "setpgid", 4711, 4711), "sleep (4711) leads its own group (setpgid)"),
        (Event(0, "setpgid", 4712, 4711), "sleep (4712) joined group 4711 (setpgid)"),
        (Event(0, "foreground", 0, 4711), "leader (4711) got the terminal (tcsetpgrp)"),
    ],
)
def test_an_event_is_told_in_words(event: Event, words: str) -> None:
    assert narrated(event, "sleep", "leader") == words


@pytest.mark.parametrize(("size", "theme"), [((64, 18), "helios-dark"), ((64, 18), "helios-light")])
def test_how_it_looks(snap_compare: Any, stage: Any, size: tuple[int, int], theme: str) -> None:
    table = JobTable()

    def prepare() -> None:
        table.show(JOBS)
        table.focus()

    assert snap_compare(stage(table, prepare=prepare, theme=theme), terminal_size=size)
