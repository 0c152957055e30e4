"""Traffic is captured as tcpdump would: every frame, both ways, with its time; never more memory than the ring."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import select
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.errors import EngineError
from engine.network.kernel.visit import visit
from engine.network.views import capture, pcap
from engine.network.views.capture import BLOCK, BLOCKS, Capture, chunks
from engine.protocol.messages import CaptureChunk
from tests.engine.network.hosts import Host, veth

ONE, OTHER = "198.51.100.1", "198.51.100.2"
PATIENCE = 20.0
PORT = 7777


class Frame(NamedTuple):
    """A record of a pcap file."""

    time: float
    length: int  # on the wire
    data: bytes


class Pair(NamedTuple):
    """Two hosts and a cable. What is sent to the other one's port 7777 is echoed."""

    one: Host
    other: Host
    interface: str


@pytest.fixture
def pair(new_host: Callable[[], Host]) -> Pair:
    one, other = new_host(), new_host()
    interface, _ = veth(one, [f"{ONE}/24", "2001:db8:1::1/64"], other, [f"{OTHER}/24", "2001:db8:1::2/64"])
    for protocol in ("tcp", "udp"):
        other.echo("::", PORT, protocol)
    return Pair(one, other, interface)


def frames(data: bytes) -> Iterator[Frame]:
    """The records of a whole file."""
    at = pcap.FILE_HEADER.size
    while at < len(data):
        seconds, nanoseconds, kept, length = pcap.RECORD_HEADER.unpack_from(data, at)
        at += pcap.RECORD_HEADER.size
        assert at + kept <= len(data), "a record is cut off"
        yield Frame(seconds + nanoseconds / 1e9, length, data[at : at + kept])
        at += kept


async def captured(
    host: Host, during: Callable[[], object], interface: str | None = None, limit: int = 10_000_000, **options: int
) -> list[CaptureChunk]:
    """What is captured while a function runs, and then the end comes."""
    ended = asyncio.Event()
    made = await visit(host.descriptor, Capture, interface, **options)

    async def work() -> None:
        await asyncio.to_thread(during)
        ended.set()

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(work())
        return [chunk async for chunk in chunks(made, limit, ended)]


def data_of(found: list[CaptureChunk]) -> bytes:
    return b"".join(chunk.data for chunk in found)


async def test_both_directions_are_there_with_their_times(pair: Pair) -> None:
    began = time.time()
    found = await captured(pair.one, lambda: pair.one.ask(OTHER, PORT, "udp", b"to and fro"))
    with_it = [frame for frame in frames(data_of(found)) if frame.data.endswith(b"to and fro")]
    assert len(with_it) == 2
    there, back = with_it
    assert there.data[26:34] == socket.inet_aton(ONE) + socket.inet_aton(OTHER)
    assert back.data[26:34] == socket.inet_aton(OTHER) + socket.inet_aton(ONE)
    assert began <= there.time <= back.time <= time.time()
    assert found[-1].packets == len(list(frames(data_of(found))))


async def test_tcpdump_reads_it(pair: Pair, tmp_path: Path) -> None:
    if shutil.which("tcpdump") is None:
        pytest.skip("tcpdump not installed")

    def talk() -> None:
        pair.one.ask(OTHER, PORT, "tcp", b"x" * 100)
        pair.one.ask("2001:db8:1::2", PORT, "udp", b"y" * 200)

    for interface in (None, "any"):
        file = tmp_path / "traffic.pcap"
        file.write_bytes(data_of(await captured(pair.one, talk, interface)))
        read = ["tcpdump", "-nn", "--nano", "-r", str(file)]
        shown = await asyncio.to_thread(subprocess.run, read, capture_output=True, text=True, check=True)
        assert f"> {OTHER}.{PORT}: Flags [S]" in shown.stdout
        assert f"> 2001:db8:1::2.{PORT}: UDP, length 200" in shown.stdout
        assert "truncated" not in shown.stdout + shown.stderr


async def test_only_so_much_of_each_frame_is_kept(pair: Pair) -> None:
    found = await captured(pair.one, lambda: pair.one.ask(OTHER, PORT, "udp", b"z" * 1000), snaplen=60)
    kept = list(frames(data_of(found)))
    assert max(len(frame.data) for frame in kept) == 60
    assert max(frame.length for frame in kept) == 1042


async def test_a_frame_of_loopback_is_there_once(new_host: Callable[[], Host]) -> None:
    host = new_host()
    host.echo("127.0.0.1", PORT, "udp")
    found = await captured(host, lambda: host.ask("127.0.0.1", PORT, "udp", b"only two"))
    assert [frame.data[-8:] for frame in frames(data_of(found))] == [b"only two"] * 2  # question and answer


async def test_the_tag_of_a_vlan_is_in_its_place(pair: Pair) -> None:
    tagged = bytes.fromhex("ffffffffffff 020000000001 8100 0005 88b5") + b"of VLAN 5" * 6

    def send() -> None:
        with pair.other.new_socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind((pair.other.sh("ip -o -br link show type veth").partition("@")[0], 0))
            wire.send(tagged)

    found = await captured(pair.one, send, pair.interface)
    assert tagged in [frame.data for frame in frames(data_of(found))]


async def test_it_ends_at_the_limit_with_whole_frames(pair: Pair) -> None:
    def talk() -> None:
        with pair.one.connect(OTHER, PORT, "udp") as connection:
            for _ in range(200):
                connection.send(bytes(1000))

    found = await captured(pair.one, talk, limit=50_000)
    assert found[-1].full
    assert 48_000 < len(data_of(found)) <= 50_000
    assert len(list(frames(data_of(found)))) == found[-1].packets


async def test_what_came_before_the_end_is_there_on_a_machine_that_is_busy(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stalled(made: Capture, ended: asyncio.Event | None, patience: float) -> None:
        """Nobody has had time for us until there was more, and until it was too late."""
        if patience < math.inf:
            select.select([made], [], [], PATIENCE)
            time.sleep(max(0.0, patience))  # noqa: ASYNC251

    monkeypatch.setattr(capture, "_more", stalled)
    ended = asyncio.Event()
    made = await visit(pair.one.descriptor, Capture)
    await asyncio.to_thread(pair.one.ask, OTHER, PORT, "udp", b"the last words")
    ended.set()
    found = [chunk async for chunk in chunks(made, 1_000_000, ended)]
    assert data_of(found).count(b"the last words") == 2


@pytest.mark.parametrize("by_its_container", [False, True])
async def test_it_ends_with_the_interface(pair: Pair, by_its_container: bool) -> None:
    ended = asyncio.Event()
    made = await visit(pair.one.descriptor, Capture)
    async with asyncio.timeout(PATIENCE):
        told = chunks(made, 1_000_000, ended)
        assert (await anext(told)).packets == 0
        await asyncio.to_thread(pair.one.ask, OTHER, PORT, "udp", b"the last words")
        if by_its_container:
            ended.set()
        pair.one.sh(f"ip link delete {pair.interface}")
        rest = b"".join([chunk.data async for chunk in told])
    assert rest.count(b"the last words") == 2


async def test_who_reads_slowly_loses_frames_that_are_counted_and_costs_no_memory(pair: Pair) -> None:
    much = BLOCK * BLOCKS * 2 // 60_000
    ended = asyncio.Event()
    made = await visit(pair.one.descriptor, Capture)
    told = chunks(made, 1 << 30, ended)
    await anext(told)
    with pair.one.connect(OTHER, PORT + 1, "udp") as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        for _ in range(much):
            try:
                connection.send(bytes(60_000))  # 41 frames of the cable's size, and perhaps "nobody is there" back
            except ConnectionRefusedError:
                continue
    ended.set()
    found = [chunk async for chunk in told]
    assert found[-1].dropped > 0
    assert sum(len(chunk.data) for chunk in found) <= BLOCK * BLOCKS
    assert max(len(chunk.data) for chunk in found) <= BLOCK


async def test_what_is_not_there_is_refused_in_a_sentence(pair: Pair) -> None:
    with pytest.raises(EngineError, match=r"no interface 'eth7'"):
        await visit(pair.one.descriptor, Capture, "eth7")


async def test_a_capture_leaves_nothing_open(pair: Pair) -> None:
    def opened() -> list[str]:
        gc.collect()  # what earlier tests have left
        return sorted(
            os.readlink(entry)
            for entry in map("/proc/self/fd/{}".format, os.listdir("/proc/self/fd"))
            if os.path.islink(entry)
        )

    before = opened()
    await captured(pair.one, lambda: None)
    assert opened() == before


async def test_it_is_over_when_its_reader_leaves(pair: Pair) -> None:
    made = await visit(pair.one.descriptor, Capture)
    told = chunks(made, 1_000_000, asyncio.Event())
    await anext(told)
    await told.aclose()
    assert made._socket.fileno() == -1
    assert made._ring.closed


def test_the_header_is_as_libpcap_wants_it() -> None:
    header = pcap.file_header(262_144, pcap.LinkType.ETHERNET)
    assert struct.unpack("=IHHiIII", header) == (0xA1B23C4D, 2, 4, 0, 0, 262_144, 1)
    assert capture.BLOCK % os.sysconf("SC_PAGE_SIZE") == 0
