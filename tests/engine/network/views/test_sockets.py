"""Sockets of a namespace as ss shows them, with the processes that have them open."""

from __future__ import annotations

import os
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.network.kernel.visit import visit
from engine.network.views import sockets as the_sockets
from engine.network.views.sockets import sockets
from engine.protocol.network import Socket
from tests.engine.network.hosts import PATIENCE, Host

COMMAND = Path("/proc/self/comm").read_text().strip()


@pytest.fixture
def host(new_host: Callable[[], Host]) -> Host:
    return new_host()


@pytest.fixture
def keep() -> Iterator[ExitStack]:
    """Whatever is put there is closed afterwards."""
    with ExitStack() as stack:
        yield stack


async def seen(host: Host) -> list[Socket]:
    """This process has them open, whose main thread is not in the namespace."""
    return await visit(host.descriptor, sockets, [os.getpid()])


async def test_a_listener_tells_who_waits_and_how_many_may(host: Host, keep: ExitStack) -> None:
    listener = keep.enter_context(host.listen("127.0.0.1"))
    listener.listen(7)
    port = listener.getsockname()[1]
    keep.enter_context(host.connect("127.0.0.1", port))
    assert select.select([listener], [], [], PATIENCE)[0]  # it waits in the line
    first = (await seen(host))[0]
    assert (first.protocol, first.state, first.local, first.remote) == ("tcp", "LISTEN", f"127.0.0.1:{port}", "")
    assert (first.received, first.sent) == (1, 7)
    assert (first.pid, first.command, first.uid) == (os.getpid(), COMMAND, os.getuid())


@pytest.mark.parametrize(("address", "protocol"), [("127.0.0.1", "tcp"), ("::1", "tcp6")])
async def test_a_connection_tells_both_ends_and_what_nobody_has_read(
    host: Host, keep: ExitStack, address: str, protocol: str
) -> None:
    listener = keep.enter_context(host.listen(address))
    client = keep.enter_context(host.connect(address, listener.getsockname()[1]))
    server = keep.enter_context(listener.accept()[0])
    client.sendall(b"unread")
    assert server.recv(6, socket.MSG_PEEK | socket.MSG_WAITALL) == b"unread"  # it has come
    place = f"{address}:{{}}" if protocol == "tcp" else f"[{address}]:{{}}"
    ends = [place.format(one.getsockname()[1]) for one in (server, client)]
    connections = {each.local: each for each in await seen(host) if each.state == "ESTAB" and each.protocol == protocol}
    assert set(connections) == set(ends)
    assert connections[ends[0]].remote == ends[1]
    assert connections[ends[0]].received == len(b"unread")


async def test_datagrams_raw_and_unix_sockets_are_there(host: Host, keep: ExitStack, tmp_path: Path) -> None:
    udp = keep.enter_context(host.listen("0.0.0.0", protocol="udp"))
    udp6 = keep.enter_context(host.listen("::1", protocol="udp"))
    keep.enter_context(host.new_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
    keep.enter_context(host.new_socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6))
    for name in (str(tmp_path / "here"), "\0abstract"):
        unix = keep.enter_context(host.new_socket(socket.AF_UNIX, socket.SOCK_STREAM))
        unix.bind(name)
        unix.listen()
    found = {(each.protocol, each.state, each.local) for each in await seen(host)}
    assert found == {
        ("udp", "UNCONN", f"0.0.0.0:{udp.getsockname()[1]}"),
        ("udp6", "UNCONN", f"[::1]:{udp6.getsockname()[1]}"),
        ("raw", "UNCONN", "0.0.0.0:1"),
        ("raw6", "UNCONN", "[::]:58"),
        ("unix", "LISTEN", str(tmp_path / "here")),
        ("unix", "LISTEN", "@abstract"),
    }


async def test_of_a_shared_namespace_only_the_containers_own(host: Host, keep: ExitStack) -> None:
    keep.enter_context(host.listen())
    assert await visit(host.descriptor, sockets, []) == []


async def test_all_processes_in_the_namespace_are_asked_for(host: Host) -> None:
    with host.popen(
        "python3", "-c", "import socket; s = socket.create_server(('127.0.0.1', 7777)); print(flush=True); s.accept()"
    ) as server:
        assert server.stdout is not None
        server.stdout.readline()
        (listener,) = await visit(host.descriptor, sockets)
        assert (listener.local, listener.pid, listener.command) == ("127.0.0.1:7777", server.pid, "python3")
        server.kill()


async def test_ten_thousand_are_a_matter_of_a_moment_and_the_most_there_are(
    host: Host, keep: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 12_000:
        pytest.skip("may not open so many files")
    keep.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for _ in range(10_000):
        keep.enter_context(host.listen("127.0.0.1", protocol="udp"))
    keep.enter_context(host.listen("127.0.0.1"))
    began = time.process_time()
    found = await seen(host)
    assert len(found) == the_sockets.MOST
    assert found[0].state == "LISTEN"
    assert all(each.pid == os.getpid() for each in found)
    assert time.process_time() - began < 5  # 0.3 on a quiet machine
