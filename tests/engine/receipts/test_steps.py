"""The recorder: who finds it, who does not, and how steps are put into words."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.receipts import steps
from engine.receipts.steps import MOST, TEXT, Recorder, step, words


def calls(recorder: Recorder) -> list[str]:
    return [noted.call for noted in recorder.steps]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_nothing_is_written_down_where_nobody_records() -> None:
    with step("mkdir", "/x"):
        assert steps.current() is None


async def test_tasks_and_threads_of_asyncio_find_the_recorder(recorder: Recorder) -> None:
    def work(name: str) -> None:
        with step(name):
            pass

    async def coroutine() -> None:
        work("task")

    token = steps.begin(recorder)
    await asyncio.gather(asyncio.create_task(coroutine()), asyncio.to_thread(work, "thread"))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(steps.carried(work), "carried").result()
        pool.submit(work, "lost").result()
    steps.end(token)
    work("afterwards")
    assert sorted(calls(recorder)) == ["carried", "task", "thread"]


async def test_what_goes_on_by_itself_is_apart(recorder: Recorder) -> None:
    async def long_lived() -> None:
        with step("forever"):
            pass

    token = steps.begin(recorder)
    with steps.apart():
        task = asyncio.create_task(long_lived())
    with step("here"):
        await task
    steps.end(token)
    assert calls(recorder) == ["here"]


def test_a_step_that_fails_is_the_one_to_blame_if_the_request_failed_by_it(recorder: Recorder) -> None:
    token = steps.begin(recorder)
    with pytest.raises(FileNotFoundError), step("harmless"):
        raise FileNotFoundError
    try:
        try:
            with step("fatal"):
                raise OSError(16, "busy")
        except OSError as error:
            raise ValueError("in other words") from error
    except ValueError as error:
        recorder.blame(error)
    steps.end(token)
    blamed = [noted.call for noted in recorder.steps if noted.error in recorder.blamed]
    assert blamed == ["fatal"]


def test_there_are_no_more_steps_than_fit_and_the_others_are_counted(recorder: Recorder) -> None:
    token = steps.begin(recorder)
    for _ in range(MOST + 5):
        steps.happened("poll")
    steps.end(token)
    assert (len(recorder.steps), recorder.lost) == (MOST, 5)


def test_what_comes_long_after_the_answer_is_none_of_its_steps(recorder: Recorder) -> None:
    recorder.ends_at = recorder.begun
    recorder.note("late", (), recorder.begun, None)
    assert recorder.steps == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((Path("/a b"), "3 bytes"), '"/a b", 3 bytes'),
        (("/sys/x", b"max\n"), '"/sys/x", "max\\n"'),
        (("pidfd of web's init", "SIGTERM"), "pidfd of web's init, SIGTERM"),
        ((b'say "hi"',), '"say \\"hi\\""'),
        ((b"x" * 500,), '"' + "x" * (TEXT - 1) + '…"'),
        ((7,), "7"),
    ],
)
def test_arguments_read_as_straces(arguments: tuple[object, ...], text: str) -> None:
    assert words(arguments) == text
