from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine.heap import library
from engine.heap.playground.client import Playgrounds


@pytest.fixture
async def playgrounds() -> AsyncIterator[Playgrounds]:
    if library.path() is None:
        pytest.skip(library.why_missing())
    opened = Playgrounds()
    yield opened
    await opened.close_all()
