"""The thread that lives in the home namespace: alone there, in order, and nobody else's."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from engine.errors import EngineError
from engine.network.kernel import namespaces
from engine.network.kernel.home import Home
from tests.engine.network.within import open_descriptors


def here() -> int:
    """Which network namespace the calling thread is in."""
    return os.stat("/proc/thread-self/ns/net").st_ino


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    try:
        made = await asyncio.to_thread(namespaces.make)
    except EngineError as error:
        pytest.skip(error.message)
    place = Home(made)
    os.close(made)  # the descriptor stays the caller's
    yield place
    place.close()


async def test_all_calls_are_made_in_the_namespace_and_nobody_else_is_in_it(home: Home) -> None:
    mine = here()
    there = {await home.call(here) for _ in range(20)}
    assert there == {os.stat(f"/proc/self/fd/{home.descriptor}").st_ino} != {mine}
    assert {here(), *await asyncio.gather(*(asyncio.to_thread(here) for _ in range(20)))} == {mine}


async def test_without_a_descriptor_it_is_where_the_engine_is() -> None:
    place = Home()
    try:
        assert await place.call(here) == here() == os.stat(f"/proc/self/fd/{place.descriptor}").st_ino
    finally:
        place.close()


async def test_calls_are_made_one_after_the_other_in_their_order(home: Home) -> None:
    made: list[int] = []
    threads = await asyncio.gather(
        *(home.call(lambda i=i: made.append(i) or threading.get_ident()) for i in range(200))
    )
    assert made == list(range(200))
    assert len(set(threads)) == 1


async def test_what_a_call_raises_is_raised(home: Home) -> None:
    with pytest.raises(ZeroDivisionError):
        await home.call(divmod, 1, 0)
    assert await home.call(int, "12", base=8) == 10


async def test_a_socket_that_is_made_there_stays_there(home: Home) -> None:
    with await home.call(socket.create_server, ("0.0.0.0", 0)) as server, socket.socket() as outside:
        port = server.getsockname()[1]
        outside.bind(("0.0.0.0", port))  # it is free here


async def test_a_call_that_is_cancelled_before_its_turn_is_never_made(home: Home) -> None:
    go, made = threading.Event(), []
    first = asyncio.create_task(home.call(go.wait))
    second = asyncio.create_task(home.call(made.append, 1))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    go.set()
    await first
    await home.call(made.append, 2)
    assert made == [2]


async def test_who_undoes_a_cancelled_call_comes_after_it(home: Home) -> None:
    started, go, made = threading.Event(), threading.Event(), []

    def work() -> None:
        started.set()
        go.wait()
        made.append("done")

    task = asyncio.create_task(home.call(work))
    await asyncio.to_thread(started.wait)
    task.cancel()
    await asyncio.wait([task])
    undo = asyncio.create_task(home.call(made.append, "undone"))
    await asyncio.sleep(0)
    go.set()
    await undo
    assert made == ["done", "undone"]


async def test_closing_ends_the_thread_and_lets_go_of_the_namespace() -> None:
    before = (threading.active_count(), len(open_descriptors()))
    place = Home()
    await place.call(here)
    place.close()
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before


def test_what_is_no_network_namespace_is_refused_and_nothing_is_left_open() -> None:
    before = open_descriptors()
    with open("/dev/null") as nothing, pytest.raises(EngineError, match="can't be entered: Invalid argument"):
        Home(nothing.fileno())
    assert os.listdir("/proc/self/fd") == before
