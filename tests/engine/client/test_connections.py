"""Promises of both kinds of connection, kept against a real engine with real containers."""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from engine.client import replies
from engine.client.aio import Connection as AioConnection
from engine.client.blocking import Connection
from engine.client.errors import ClientError, ConnectionLost, EngineUnreachable, RequestFailed
from engine.places import Places
from engine.protocol import framing
from engine.protocol import messages as m

from .conftest import PATIENCE

SHELL = m.ContainerOptions(command=["cat"], interactive=True)


@contextmanager
def container(engine: Connection, options: m.ContainerOptions = SHELL) -> Iterator[str]:
    """A running one."""
    ref = engine.request(m.RunContainer(options=options), m.ContainerRef)
    try:
        yield ref.id
    finally:
        engine.request(m.RemoveContainer(container=ref.id, force=True), m.Done)


# --- blocking ---


def test_a_refusal_is_raised_and_the_connection_goes_on(shared: Places) -> None:
    with Connection.connect(shared) as engine:
        with pytest.raises(RequestFailed) as refused:
            engine.request(m.InspectContainer(container="nobody"))
        assert refused.value.code is m.ErrorCode.NO_SUCH_CONTAINER
        assert isinstance(engine.request(m.ListContainers()), m.Containers)


def test_an_answer_of_another_kind_is_never_handed_out(shared: Places) -> None:
    with Connection.connect(shared) as engine, pytest.raises(ConnectionLost, match="Containers where Done was due"):
        engine.request(m.ListContainers(), m.Done)


def test_text_that_is_no_unicode_is_refused_here(shared: Places) -> None:
    with Connection.connect(shared) as engine:
        with pytest.raises(ClientError, match=r"can't be sent to the engine.*not valid UTF-8"):
            engine.request(m.InspectContainer(container="\udcff"))
        assert engine.request(m.GetEngine(), m.EngineInfo)


def test_a_program_is_talked_with_by_iterating(shared: Places) -> None:
    with Connection.connect(shared) as engine, container(engine) as name, Connection.connect(shared) as session:
        stream = session.stream(m.Attach(container=name))
        assert isinstance(next(stream), m.Attached)
        text = b"0123456789abcdef" * 20_000  # several frames, more than the pipes hold
        echoed = b""
        writer = threading.Thread(target=lambda: (session.send(m.Input(data=text)), session.send(m.CloseInput())))
        writer.start()
        for message in stream:
            if isinstance(message, m.Output):
                echoed += message.data
        writer.join()
        assert isinstance(message, m.Exited)
        assert message.exit_code == 0
        assert echoed == text


def test_a_program_is_talked_with_in_a_loop_around_select_by_one_thread(shared: Places) -> None:
    with Connection.connect(shared) as engine, container(engine) as name, Connection.connect(shared) as session:
        session.stream(m.Attach(container=name))
        text = b"0123456789abcdef" * 20_000
        session.send(m.Input(data=text), wait=False)
        session.send(m.CloseInput(), wait=False)
        got: list[m.AnyReply] = session.arrived()
        while not (got and isinstance(got[-1], m.Exited)):
            readable, writable, _ = select.select([session], [session] if session.unsent else [], [], PATIENCE)
            assert readable or writable
            if writable:
                session.flush()
            got += session.arrived()
        assert isinstance(got[0], m.Attached)
        assert b"".join(message.data for message in got if isinstance(message, m.Output)) == text
        session.send(m.Input(data=b"too late"))  # swallowed
        assert session.arrived() == []


def test_a_stream_that_is_refused_raises(shared: Places) -> None:
    with Connection.connect(shared) as engine, pytest.raises(RequestFailed):
        next(engine.stream(m.Attach(container="nobody")))


def test_a_stream_that_is_refused_raises_in_a_select_loop_too(shared: Places) -> None:
    with Connection.connect(shared) as engine:
        engine.stream(m.Attach(container="nobody"))
        assert select.select([engine], [], [], PATIENCE)[0]
        with pytest.raises(RequestFailed):
            engine.arrived()


def test_the_blocking_connection_imports_no_asyncio() -> None:
    code = "import sys, engine.client.blocking; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- asyncio ---


@asynccontextmanager
async def opened(places: Places) -> AsyncIterator[AioConnection]:
    async with await AioConnection.open(places) as connection:
        yield connection


async def test_tasks_that_share_a_connection_get_their_own_answers(shared: Places) -> None:
    async with opened(shared) as engine:
        asked = [m.ListContainers(), m.GetEngine(), m.ListImages()] * 10
        answers = await asyncio.gather(*(engine.request(message) for message in asked))
        assert [type(answer) for answer in answers] == [m.Containers, m.EngineInfo, m.Images] * 10


async def test_events_are_streamed(shared: Places) -> None:
    async with opened(shared) as watching, opened(shared) as acting:
        events = watching.stream(m.StreamEvents())
        assert await anext(events) == m.Ready()
        ref = await acting.request(m.CreateContainer(options=m.ContainerOptions()), m.ContainerRef)
        event = await anext(events)
        assert isinstance(event, m.Event)
        assert (event.action, event.container) == ("create", ref.id)
        await acting.request(m.RemoveContainer(container=ref.id), m.Done)


async def test_long_input_is_sent_in_pieces_and_comes_back_whole(shared: Places) -> None:
    async with opened(shared) as engine, opened(shared) as session:
        ref = await engine.request(m.RunContainer(options=SHELL), m.ContainerRef)
        stream = session.stream(m.Attach(container=ref.id))
        assert isinstance(await anext(stream), m.Attached)
        text = b"0123456789abcdef" * 20_000

        async def type_it() -> None:
            await session.send(m.Input(data=text))
            await session.send(m.CloseInput())

        async with asyncio.TaskGroup() as group:
            group.create_task(type_it())
            got = [message async for message in stream]
        assert b"".join(message.data for message in got if isinstance(message, m.Output)) == text
        assert got[-1] == m.Exited(exit_code=0)
        await engine.request(m.RemoveContainer(container=ref.id), m.Done)


async def test_a_cancelled_request_ends_its_connection_rather_than_mix_up_answers(shared: Places) -> None:
    async with opened(shared) as engine, opened(shared) as other:
        ref = await other.request(m.RunContainer(options=SHELL), m.ContainerRef)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await engine.request(m.WaitContainer(container=ref.id))
        with pytest.raises(ConnectionLost):
            await engine.request(m.GetEngine())
        await other.request(m.RemoveContainer(container=ref.id, force=True), m.Done)


async def test_a_refusal_is_raised_by_requests_and_streams(shared: Places) -> None:
    async with opened(shared) as engine:
        with pytest.raises(RequestFailed):
            await engine.request(m.InspectContainer(container="nobody"))
        with pytest.raises(RequestFailed):
            await anext(engine.stream(m.StreamLogs(container="nobody")))


# --- peers that are no engine of ours ---


@contextmanager
def peer(places: Places, converse: Callable[[socket.socket], None]) -> Iterator[None]:
    """Somebody else at the engine's socket, who does this with each of its clients."""
    places.runtime.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(places.socket))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    converse(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            places.socket.unlink()


def greeting(protocol: int = m.VERSION) -> bytes:
    return framing.encode(
        m.EngineInfo(
            pid=1,
            keeper_pid=1,
            socket="",
            version="9",
            protocol=protocol,
            role=m.Role.OPERATOR,
            rootless=False,
            running=0,
            containers=0,
        )
    )


def says(data: bytes) -> Callable[[socket.socket], None]:
    """Answers the first request with this, and hangs up."""

    def converse(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(data)

    return converse


def connect_blocking(places: Places, any_version: bool = False) -> None:
    Connection.connect(places, start=False, any_version=any_version).close()


def connect_aio(places: Places, any_version: bool = False) -> None:
    async def connect() -> None:
        await (await AioConnection.open(places, start=False, any_version=any_version)).close()

    asyncio.run(connect())


both = pytest.mark.parametrize("connect", [connect_blocking, connect_aio])


@both
def test_an_engine_of_another_version_is_refused_unless_that_is_wanted(
    places: Places, connect: Callable[..., None]
) -> None:
    with peer(places, says(greeting(protocol=99))):
        with pytest.raises(EngineUnreachable, match=r"version 99 of the protocol and this program version 1; .*stop"):
            connect(places)
        connect(places, any_version=True)


@both
@pytest.mark.parametrize("answer", [framing.encode(m.Done()), b"\0\0\0\x02hi", b"\0\0\0\x02{}"])
def test_what_is_no_engine_is_told_as_such(places: Places, connect: Callable[..., None], answer: bytes) -> None:
    with peer(places, says(answer)), pytest.raises(EngineUnreachable, match="another protocol"):
        connect(places)


@both
@pytest.mark.parametrize("answer", [b"", b"\xff\xff\xff\xff", b"\0\0\0\x20half"])
def test_an_engine_that_hangs_up_at_once_is_told_as_such(
    places: Places, connect: Callable[..., None], answer: bytes
) -> None:
    with peer(places, says(answer)), pytest.raises(EngineUnreachable, match="hangs up at once"):
        connect(places)


@both
def test_an_engine_that_does_not_answer_is_given_up(
    places: Places, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "GREETING", 0.1)

    def listen_only(client: socket.socket) -> None:
        while client.recv(65536):
            pass

    with peer(places, listen_only), pytest.raises(EngineUnreachable, match="did not answer"):
        connect(places)


def test_a_connection_that_is_lost_is_told(places: Places) -> None:
    lost = pytest.raises(
        ConnectionLost, match="The connection to the engine was lost; it is started anew when you ask again"
    )
    with peer(places, says(greeting())), Connection.connect(places, start=False) as engine, lost:
        engine.request(m.GetDoctor())


async def test_a_connection_that_is_lost_is_told_in_asyncio_too(places: Places) -> None:
    with peer(places, says(greeting())):
        async with await AioConnection.open(places, start=False) as engine:
            with pytest.raises(ConnectionLost):
                await engine.request(m.GetDoctor())
            with pytest.raises(ConnectionLost):
                await anext(engine.stream(m.StreamEvents()))


# --- the process ---


def test_the_log_of_the_engine_is_quiet(shared: Places) -> None:
    """It comes last: nothing above was a defect."""
    Connection.connect(shared).close()
    lines = shared.keeper_log.read_text().splitlines()
    assert [line for line in lines if " INFO " not in line] == []
