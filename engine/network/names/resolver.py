"""The name server of our networks: it listens on the bridges' addresses, answers for containers, and asks others for
what is not theirs. Imports asyncio, psutil and the parts beside it.

Its sockets are made in the home namespace and served here, on the engine's loop, a slice at a time: however much one
container asks, the others and the engine have their turn. Nothing is kept: a killed engine's sockets are gone with it,
and the next one listens anew.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import psutil  # type: ignore[import-untyped]

from engine.containers.tasks import Tasks
from engine.network.kernel.home import Home
from engine.network.model import Address
from engine.network.names import answers, dns_log, muting, questions
from engine.network.names.fair_queue import FairQueue
from engine.network.names.questions import Malformed, Question
from engine.network.names.upstream import NoAnswer, Upstream
from engine.network.names.zone import Asker, Zone

PORT = 53
BATCH = 256  # datagrams read at a time from one socket
SLICE = 0.002  # seconds that are served at a time
LINE, WAITING = 512, 4_096  # questions of one container that wait, and of all; whoever means more of them asks again
FLOOD = 128  # questions of one address in a row without room for them, until the kernel drops the next ones
COUNTED = 1_024  # addresses that are watched for that at once
MUTED = 1.0  # seconds for which it does
PASSED_ON = 8  # questions passed on to others in a slice: one costs as much as ten that we answer
OUTSTANDING, OUTSTANDING_EACH = 256, 64  # of them that wait for an answer, in all and of one address
TOO_MANY = "too many questions at once"
CONNECTIONS, CONNECTIONS_EACH = 256, 16  # by TCP
IDLE = 10.0  # seconds that a connection may be silent
BUFFER = 1 << 20  # bytes of datagrams that the kernel keeps for us
_log = logging.getLogger(__name__)


class _Datagram(NamedTuple):
    """A question that waits, and where it came in."""

    packet: bytes
    peer: tuple[str, int]  # and two more numbers for IPv6
    socket: socket.socket
    came: float  # perf_counter


@dataclass
class _Ear:
    """Our sockets on one address; without any where `reason` says why."""

    udp: socket.socket | None = None
    tcp: asyncio.Server | None = None
    reason: str = ""


@dataclass
class _Load:
    """What of something there is now, in all and by address, and how much there may be."""

    most: int
    most_each: int
    all: int = 0
    each: dict[str, int] = field(default_factory=dict)

    def take(self, client: str) -> bool:
        """One more; whether there was room."""
        if self.all >= self.most or self.each.get(client, 0) >= self.most_each:
            return False
        self.all += 1
        self.each[client] = self.each.get(client, 0) + 1
        return True

    def give_back(self, client: str) -> None:
        """One less."""
        self.all -= 1
        self.each[client] -= 1
        if not self.each[client]:
            del self.each[client]


class Resolver:
    """`log`: where questions are noted; `upstream`: who is asked for what is not ours, else the host's servers."""

    def __init__(
        self, home: Home, zone: Zone, log: dns_log.Log | None = None, upstream: Upstream | None = None
    ) -> None:
        self._home = home
        self._zone = zone
        self._ears: dict[Address, _Ear] = {}
        self.upstream = upstream or Upstream(self._ears.keys)
        self._log = log or dns_log.Log()
        self._queue: FairQueue[_Datagram] = FairQueue(LINE, WAITING)
        self._dropped: dict[str, int] = {}  # by address, since everybody was served
        self._muted: dict[socket.socket, set[str]] = {}  # addresses
        self._serving: asyncio.Handle | None = None
        self._outstanding = _Load(OUTSTANDING, OUTSTANDING_EACH)
        self._passed_on: set[tuple[tuple[str, int], bytes]] = set()  # who asked, with the id
        self._connections = _Load(CONNECTIONS, CONNECTIONS_EACH)
        self._tasks = Tasks()

    # Where it listens

    async def listen(self, address: Address) -> str:
        """Answer at an address of a bridge, by UDP and TCP. Where another program has the port, a sentence says so, and
        what that network lacks: the rest of it works. Raises OSError where the address is not there."""
        if address in self._ears:
            return self._ears[address].reason
        ear = self._ears[address] = _Ear()
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.deafen, address)
            ear.udp, tcp = await self._home.call(_sockets, str(address))
            if ear.udp is not None:
                asyncio.get_running_loop().add_reader(ear.udp, self._read, ear.udp)
            if tcp is not None:
                undo.callback(tcp.close)
                ear.tcp = await asyncio.start_server(self._accept, sock=tcp, limit=questions.LONGEST)
            else:
                lost = "large answers" if ear.udp is not None else "names of other containers"
                ear.reason = await asyncio.to_thread(_taken, str(address), lost)
                _log.warning("%s", ear.reason)
            undo.pop_all()
        return ear.reason

    async def deafen(self, address: Address) -> None:
        """Answer there no more."""
        ear = self._ears.pop(address, None)
        if ear is not None and ear.tcp is not None:
            ear.tcp.close()
        if ear is not None and ear.udp is not None:
            asyncio.get_running_loop().remove_reader(ear.udp)
            self._muted.pop(ear.udp, None)
            ear.udp.close()

    def reasons(self) -> dict[Address, str]:
        """Addresses where nobody is heard, each with a sentence that says why."""
        return {address: ear.reason for address, ear in self._ears.items() if ear.reason}

    async def close(self) -> None:
        """Answer nobody any more."""
        for address in list(self._ears):
            await self.deafen(address)
        if self._serving is not None:
            self._serving.cancel()
        await self._tasks.close()

    # Datagrams

    def _read(self, udp: socket.socket) -> None:
        """Let what came in wait in the line of whoever sent it."""
        now = time.perf_counter()
        for _ in range(BATCH):
            try:
                packet, peer = udp.recvfrom(questions.LONGEST + 1)
            except OSError:  # nothing more for now
                break
            if not self._queue.put(self._client(peer[0]), _Datagram(packet, peer, udp, now)):
                self._drop(udp, peer[0])
        if self._serving is None:
            self._serving = asyncio.get_running_loop().call_soon(self._serve)

    def _client(self, address: str) -> str:
        """Whose share of us it takes: a container's, or the one that all others have, as forged addresses are many."""
        asker = self._zone.asker(address)
        return asker.container if asker is not None else "a stranger"

    def _drop(self, udp: socket.socket, address: str) -> None:
        """There was no room. A flood would fill the kernel's buffer, so that others are not heard either: there it has
        an end."""
        if len(self._dropped) >= COUNTED and address not in self._dropped:
            self._dropped.clear()  # forged ones: who means it is counted again at once
        self._dropped[address] = self._dropped.get(address, 0) + 1
        muted = self._muted.setdefault(udp, set())
        if self._dropped[address] >= FLOOD and address not in muted:
            muted.add(address)
            muting.mute(udp, muted)
            asyncio.get_running_loop().call_later(MUTED, self._unmute, udp, address)

    def _unmute(self, udp: socket.socket, address: str) -> None:
        self._dropped.pop(address, None)
        muted = self._muted.get(udp, set())
        if address in muted:
            muted.discard(address)
            muting.mute(udp, muted)

    def _serve(self) -> None:
        """Answer for a slice of time; the rest waits until the loop has seen to everybody else."""
        end, before = time.perf_counter() + SLICE, self._outstanding.all
        while self._queue and time.perf_counter() < end and self._outstanding.all < before + PASSED_ON:
            self._answer(self._queue.take())
        if self._queue:
            self._serving = asyncio.get_running_loop().call_soon(self._serve)
        else:
            self._serving = None
            self._dropped.clear()

    def _answer(self, datagram: _Datagram) -> None:
        client = datagram.peer[0]
        asker = self._zone.asker(client)
        try:
            question = questions.read(datagram.packet)
        except Malformed as malformed:
            if malformed.reply is not None:
                _send(datagram, malformed.reply)
            return
        answer = answers.answer(self._zone, asker, question)
        if answer is not None:
            _send(datagram, answer)
            self._note(datagram.came, asker, question, answer, "names" if asker is not None else "refused")
        elif asker is not None:
            self._pass_on(datagram, asker, question)

    def _pass_on(self, datagram: _Datagram, asker: Asker, question: Question) -> None:
        """Ask others, unless that is being done already: programs repeat what is not answered in time."""
        key = (datagram.peer, datagram.packet[:2])
        if key in self._passed_on:
            return
        if not self._outstanding.take(datagram.peer[0]):
            answer = questions.reply(question, questions.SERVFAIL)
            _send(datagram, answer)
            self._note(datagram.came, asker, question, answer, TOO_MANY)
            return
        self._passed_on.add(key)
        self._tasks.spawn(self._forward(datagram, key, asker, question), "name server")

    async def _forward(
        self, datagram: _Datagram, key: tuple[tuple[str, int], bytes], asker: Asker, question: Question
    ) -> None:
        try:
            answer, source = await self._ask(asker, question, tcp=False)
            _send(datagram, answer)
            self._note(datagram.came, asker, question, answer, source)
        finally:
            self._passed_on.discard(key)
            self._outstanding.give_back(datagram.peer[0])

    # Both

    async def _ask(self, asker: Asker, question: Question, *, tcp: bool) -> tuple[bytes, str]:
        """What others say, ready to be sent, and who said it."""
        try:
            answer, source = await self.upstream.ask(question, asker.servers, tcp=tcp)
            return questions.fits(question, answer, tcp=tcp), source
        except NoAnswer as none:
            return questions.reply(question, questions.SERVFAIL), none.source

    def _note(self, came: float, asker: Asker | None, question: Question, answer: bytes, source: str) -> None:
        took = (time.perf_counter() - came) * 1000
        told = answer[: questions.LARGE]
        self._log.note(dns_log.Entry(time.time(), asker, question.name, question.type, told, source, took))

    # Connections

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")[0]
        share = self._client(client)
        if not self._connections.take(share):
            writer.transport.abort()
            return
        self._tasks.spawn(self._converse(client, share, reader, writer), "name server connection")

    async def _converse(
        self, client: str, share: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Question by question, until it is silent for too long or says what is no question."""
        with suppress(OSError, EOFError, TimeoutError, Malformed), ExitStack() as end:
            end.callback(self._connections.give_back, share)
            end.callback(writer.transport.abort)
            while True:
                async with asyncio.timeout(IDLE):
                    length = int.from_bytes(await reader.readexactly(2))
                    if length > questions.LONGEST:
                        break
                    packet = await reader.readexactly(length)
                answer = await self._answered(client, packet)
                writer.write(len(answer).to_bytes(2) + answer)
                async with asyncio.timeout(IDLE):
                    await writer.drain()
                await asyncio.sleep(0)  # neither waits where there is room: the others' turn

    async def _answered(self, client: str, packet: bytes) -> bytes:
        """Raises Malformed for what there is no answer to."""
        came = time.perf_counter()
        asker = self._zone.asker(client)
        try:
            question = questions.read(packet)
        except Malformed as malformed:
            if malformed.reply is None:
                raise
            return malformed.reply
        answer, source = answers.answer(self._zone, asker, question, tcp=True), "names"
        if answer is None:
            assert asker is not None
            if self._outstanding.take(client):
                try:
                    answer, source = await self._ask(asker, question, tcp=True)
                finally:
                    self._outstanding.give_back(client)
            else:
                answer, source = questions.reply(question, questions.SERVFAIL), TOO_MANY
        self._note(came, asker, question, answer, source)
        return answer


def _send(datagram: _Datagram, answer: bytes) -> None:
    """What can't be sent now is lost, as on any network."""
    with suppress(OSError):
        datagram.socket.sendto(answer, datagram.peer)


def _sockets(address: str) -> tuple[socket.socket | None, socket.socket | None]:
    """For UDP and TCP, in the calling thread's namespace; None where another program has the port. OSError."""
    with ExitStack() as undo:
        udp = _bound(address, socket.SOCK_DGRAM)
        if udp is not None:
            undo.callback(udp.close)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        tcp = _bound(address, socket.SOCK_STREAM)
        undo.pop_all()
    return udp, tcp


def _bound(address: str, kind: socket.SocketKind) -> socket.socket | None:
    """SO_REUSEADDR: for TCP, an earlier engine's connections are no hindrance; for UDP, neither is a server on all
    addresses that allows it, as dnsmasq does: the kernel gives us what comes to ours (socket(7))."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as undo:
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK)
        undo.callback(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, PORT))
            if kind == socket.SOCK_STREAM:
                sock.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            raise
        undo.pop_all()
    return sock


def _taken(address: str, lost: str) -> str:
    """Who has our port, what that costs, and what can be done."""
    everywhere = (address, "::", "0.0.0.0") if "." in address else (address, "::")
    holders = {
        connection.pid
        for connection in psutil.net_connections("inet")
        if connection.laddr and connection.laddr.port == PORT and connection.laddr.ip in everywhere
    }
    who = "another program"
    for pid in filter(None, holders):
        with suppress(psutil.Error):
            who = f"{psutil.Process(pid).name()} (pid {pid})"
    return (
        f"Port {PORT} of {address} belongs to {who}, so that network has no {lost} by our resolver: let it leave our "
        "bridges alone (dnsmasq: bind-dynamic and except-interface=hb-*), then restart the engine."
    )
