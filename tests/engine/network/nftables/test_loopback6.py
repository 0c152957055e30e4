"""What comes to ::1 is handed on whole, in both directions, by few bytes of memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_address

import pytest

from engine.network.kernel.home import Home
from engine.network.model import Forward, Transport
from engine.network.nftables import loopback6
from engine.network.nftables.loopback6 import Listener
from tests.engine.network.hosts import PATIENCE, Echo, Host, needs

Open = Callable[[Transport, int], "asyncio.Future[Listener]"]


@pytest.fixture
def host() -> Iterator[Host]:
    """Both the home and the container."""
    needs("ip")
    with Host() as made:
        yield made


@pytest.fixture
async def home(host: Host) -> AsyncIterator[Home]:
    made = Home(host.descriptor)
    yield made
    await asyncio.to_thread(made.close)


def target(protocol: Transport, port: int) -> Forward:
    return Forward(protocol, None, 8080, ip_address("::1"), port)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
async def test_what_is_sent_comes_back(host: Host, home: Home, protocol: Transport) -> None:
    listener = Listener(home, target(protocol, host.echo("::1", protocol=protocol).port))
    assert await listener.open()
    for data in (b"hello", b"x" * 9000):
        got = await asyncio.to_thread(host.ask, "::1", listener.port, protocol, data, PATIENCE)
        assert got == data
    await listener.close()
    assert await asyncio.to_thread(host.misses, "::1", listener.port, protocol)


async def test_megabytes_pass_whole_and_one_direction_may_end_before_the_other(host: Host, home: Home) -> None:
    with host.listen("::1") as server:
        listener = Listener(home, target("tcp", server.getsockname()[1]))
        await listener.open()
        data = bytes(range(256)) * 40_000

        def count() -> None:
            """Answer with the length when all has come."""
            inner, _ = server.accept()
            with inner:
                length = 0
                while more := inner.recv(65536):
                    length += len(more)
                inner.sendall(str(length).encode() + data)

        def call() -> bytes:
            with host.connect("::1", listener.port, timeout=PATIENCE) as caller:
                caller.sendall(data)
                caller.shutdown(socket.SHUT_WR)
                answer = b""
                while more := caller.recv(1 << 20):
                    answer += more
                return answer

        answer, _ = await asyncio.gather(asyncio.to_thread(call), asyncio.to_thread(count))
        assert answer == str(len(data)).encode() + data
        await listener.close()


async def test_a_container_that_does_not_listen_ends_the_connection(host: Host, home: Home) -> None:
    with host.listen("::1") as gone:
        listener = Listener(home, target("tcp", gone.getsockname()[1]))
    await listener.open()
    caller = await asyncio.to_thread(host.connect, "::1", listener.port)
    with caller:
        caller.settimeout(PATIENCE)
        assert await asyncio.to_thread(caller.recv, 1) == b""
    await listener.close()


async def test_a_caller_that_does_not_read_stops_the_container_and_nobody_else(host: Host, home: Home) -> None:
    echo = host.echo("::1")
    with host.listen("::1") as server:
        listener, other = (
            Listener(home, target("tcp", server.getsockname()[1])),
            Listener(home, target("tcp", echo.port)),
        )
        await listener.open()
        await other.open()
        with await asyncio.to_thread(host.connect, "::1", listener.port):
            inner, _ = await asyncio.to_thread(server.accept)
            with inner:
                inner.setblocking(False)
                loop = asyncio.get_running_loop()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        await loop.sock_sendall(inner, b"x" * 64_000_000)
                assert await asyncio.to_thread(host.ask, "::1", other.port, "tcp", b"hello", PATIENCE) == b"hello"
        await listener.close()
        await other.close()


async def test_connections_beyond_the_limit_wait(host: Host, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback6, "CONNECTIONS", 2)
    listener = Listener(home, target("tcp", host.echo("::1").port))
    await listener.open()
    callers = [await asyncio.to_thread(host.connect, "::1", listener.port, "tcp", PATIENCE) for _ in range(3)]
    for caller in callers[:2]:
        caller.sendall(b"1")
        assert await asyncio.to_thread(caller.recv, 1) == b"1"
    callers[2].sendall(b"3")
    callers[2].settimeout(0.2)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(callers[2].recv, 1)
    callers[0].close()
    callers[2].settimeout(PATIENCE)
    assert await asyncio.to_thread(callers[2].recv, 1) == b"3"
    for caller in callers:
        caller.close()
    await listener.close()


async def test_callers_by_udp_get_their_own_answers_and_the_oldest_is_forgotten(
    host: Host, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback6, "FLOWS", 3)
    echo: Echo = host.echo("::1", protocol="udp")
    listener = Listener(home, target("udp", echo.port))
    await listener.open()
    callers = [host.connect("::1", listener.port, "udp", PATIENCE) for _ in range(6)]
    for turn in range(2):
        for index, caller in enumerate(callers):
            said = f"{turn} {index}".encode()
            caller.send(said)
            assert await asyncio.to_thread(caller.recv, 100) == said
    for caller in callers:
        caller.close()
    await listener.close()
