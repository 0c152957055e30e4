from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from engine.heap import library
from engine.heap.playground.client import Playgrounds

if library.path() is None:
    collect_ignore_glob = ["test_client.py", "test_explaining.py", "test_examples.py", "test_heap.py"]


@pytest.fixture
async def playgrounds() -> AsyncIterator[Playgrounds]:
    if library.path() is None:
        pytest.skip(library.why_missing())
    opened = Playgrounds()
    yield opened
    await opened.close_all()
