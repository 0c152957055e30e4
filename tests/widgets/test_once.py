"""Calls that are made once, later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Static

from widgets.once import after


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 0.001])
async def test_a_call_is_made_however_soon_it_is_due(stage: Any, seconds: float) -> None:
    called = asyncio.Event()
    widget = Static()
    async with stage(widget).run_test():
        after(widget, seconds, called.set)
        async with asyncio.timeout(30):
            await called.wait()


async def test_a_call_is_not_made_when_it_was_called_off(stage: Any) -> None:
    called: list[str] = []
    later = asyncio.Event()
    widget = Static()
    async with stage(widget).run_test():
        after(widget, 0.01, lambda: called.append("off")).stop()
        after(widget, 0.05, later.set)
        async with asyncio.timeout(30):
            await later.wait()
    assert not called


async def test_a_call_is_not_made_while_the_widget_goes(stage: Any) -> None:
    called: list[str] = []
    widget = Static()
    async with stage(widget).run_test() as pilot:
        after(widget, 0.0, lambda: called.append("late"))
        widget._pruning = True
        await pilot.pause(0.05)
        assert not called
        widget._pruning = False
        now = asyncio.Event()
        after(widget, 0.0, now.set)
        async with asyncio.timeout(30):
            await now.wait()
