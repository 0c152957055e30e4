"""Work that may be called off before its turn."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from textual.widgets import Static

from widgets.later import Later


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("called_off", [False, True])
async def test_work_is_done_once_or_called_off_without_a_complaint(stage: Any, called_off: bool) -> None:
    done: list[str] = []

    async def work(word: str) -> None:
        done.append(word)

    widget = Static()
    async with stage(widget).run_test() as pilot:
        worker = widget.run_worker(Later(work, "done"), group="work")
        if called_off:
            widget.workers.cancel_group(widget, "work")
        else:
            await worker.wait()
        await pilot.pause()
    gc.collect()
    assert done == ([] if called_off else ["done"])
