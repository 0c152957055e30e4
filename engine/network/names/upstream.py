"""The name servers that know what we don't: the host's, or those of `--dns`. Imports asyncio and the wire.

The engine is in the host's network, rootless too, so that whatever the host's resolv.conf(5) names can be asked from
here, stub resolvers on 127.0.0.53 included. What is asked twice is asked twice: nothing is cached here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from engine.network.model import Address
from engine.network.names import questions
from engine.network.names.questions import Question

RESOLV_CONF = Path("/etc/resolv.conf")
MOST_SERVERS = 3  # MAXNS
MOST_DOMAINS = 6
PATIENCE = 1.5  # seconds until the next server is asked as well: programs wait five for all of them
LONGEST_WAIT = 10.0  # seconds for an answer, whatever the options say
GRUDGE = 30.0  # seconds that a server which did not answer is asked last
_UNUSABLE = (questions.SERVFAIL, questions.REFUSED, questions.NOTIMP)  # another server may know better


class NoAnswer(Exception):
    """No server gave one. `source`: the one that was asked last, or why there was none."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


@dataclass(frozen=True)
class HostResolver:
    """What of the host's resolv.conf(5) concerns us. Seconds."""

    servers: tuple[Address, ...] = (IPv4Address("127.0.0.1"),)  # as the C library's default
    search: tuple[str, ...] = ()
    timeout: float = 5.0
    attempts: int = 2
    rotate: bool = False


def parse(text: str) -> HostResolver:
    """What resolv.conf(5) says; what can't be understood is passed over, as the C library does."""
    servers: list[Address] = []
    search: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        match line.split():
            case ["nameserver", address, *_]:
                with suppress(ValueError):
                    servers.append(ip_address(address))
            case ["search" | "domain", *domains]:
                search = domains  # the last one counts
            case ["options", *words]:
                options.update({key: value for key, _, value in (word.partition(":") for word in words)})
    return HostResolver(
        tuple(servers[:MOST_SERVERS]) or HostResolver.servers,
        tuple(search[:MOST_DOMAINS]),
        float(_number(options.get("timeout", ""), 5, 30)),
        _number(options.get("attempts", ""), 2, 5),
        "rotate" in options,
    )


def _number(text: str, default: int, most: int) -> int:
    return min(max(int(text), 1), most) if text.isascii() and text.isdigit() else default


class Upstream:
    """`own`: our resolver's addresses, which are never asked: that would be a loop."""

    def __init__(self, own: Callable[[], Collection[Address]], path: Path = RESOLV_CONF, port: int = 53) -> None:
        self._own = own
        self._path = path
        self._port = port
        self._read: tuple[object, HostResolver] = (None, HostResolver())
        self._silent: dict[Address, float] = {}  # when a server did not answer (monotonic)
        self._turn = 0

    @property
    def host(self) -> HostResolver:
        """As the file says now; it is read again when it has changed."""
        try:
            status = os.stat(self._path)
            version: object = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if version != self._read[0]:
                self._read = version, parse(self._path.read_text(errors="replace"))
        except OSError:  # there is none
            self._read = None, HostResolver()
        return self._read[1]

    def servers(self, asked: Sequence[Address] = ()) -> list[Address]:
        """Who is asked, in order: `asked` where there are any, else the host's; those that were silent lately last."""
        host, own, now = self.host, self._own(), time.monotonic()
        servers = [server for server in dict.fromkeys(asked or host.servers) if server not in own]
        if host.rotate and not asked and servers:
            self._turn += 1
            servers = servers[self._turn % len(servers) :] + servers[: self._turn % len(servers)]
        return sorted(servers, key=lambda server: now - self._silent.get(server, -GRUDGE) < GRUDGE)

    async def ask(self, question: Question, asked: Sequence[Address] = (), *, tcp: bool = False) -> tuple[bytes, str]:
        """An answer, with an id of its own, and who gave it. Raises NoAnswer.

        `tcp`: the asker takes answers of any length, so one that is truncated is fetched by TCP.
        """
        servers = self.servers(asked)
        if not servers:
            raise NoAnswer("no server but our own")
        host = self.host
        waiting: set[asyncio.Task[bytes]] = set()
        second_best: tuple[bytes, str] | None = None
        try:
            async with asyncio.timeout(min(host.timeout * host.attempts, LONGEST_WAIT)):
                for turn, server in enumerate(servers * host.attempts, 1):
                    if second_best is None or second_best[1] != str(server):  # it has said that it can't
                        waiting.add(asyncio.create_task(self._exchange(question, server, tcp), name=str(server)))
                    patience = None if turn == len(servers) * host.attempts else min(PATIENCE, host.timeout)
                    answer = await self._first(waiting, patience)
                    if answer is not None and questions.code_of(answer[0]) not in _UNUSABLE:
                        return answer
                    second_best = answer or second_best
        except TimeoutError:
            self._note_silent(waiting)
        finally:
            await _end(waiting)
        if second_best is None:
            raise NoAnswer(str(servers[-1]))
        return second_best

    async def _first(self, waiting: set[asyncio.Task[bytes]], patience: float | None) -> tuple[bytes, str] | None:
        """The first answer of those that were asked; None: there was none in time, or all of them failed."""
        loop = asyncio.get_running_loop()
        deadline = None if patience is None else loop.time() + patience
        while waiting:
            left = None if deadline is None else deadline - loop.time()
            done, _ = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._note_silent(waiting)
                return None
            task = done.pop()
            waiting.discard(task)
            with suppress(OSError, EOFError):  # it can't be reached
                answer = task.result()
                self._silent.pop(ip_address(task.get_name()), None)
                return answer, task.get_name()
        return None

    def _note_silent(self, waiting: Iterable[asyncio.Task[bytes]]) -> None:
        now = time.monotonic()
        self._silent = {server: at for server, at in self._silent.items() if now - at < GRUDGE}
        self._silent.update({ip_address(task.get_name()): now for task in waiting})

    async def _exchange(self, question: Question, server: Address, tcp: bool) -> bytes:
        """One server's answer. Raises OSError where it can't be reached, EOFError where it hangs up."""
        id = secrets.randbits(16)
        packet = id.to_bytes(2) + question.packet[2:]
        answer = await self._by_udp(question, id, packet, server)
        if tcp and questions.is_truncated(answer):
            return await self._by_tcp(question, id, packet, server)
        return answer

    async def _by_udp(self, question: Question, id: int, packet: bytes, server: Address) -> bytes:
        """The socket is connected: its port is the kernel's choice, and it hears this server only."""
        loop = asyncio.get_running_loop()
        with closing(socket.socket(_family(server), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)) as asking:
            asking.connect(self._where(server))
            await loop.sock_sendall(asking, packet)
            while not questions.is_answer(question, id, answer := await loop.sock_recv(asking, questions.LARGEST)):
                pass  # somebody guesses, or it is late
            return answer

    async def _by_tcp(self, question: Question, id: int, packet: bytes, server: Address) -> bytes:
        reader, writer = await asyncio.open_connection(str(server), self._port)
        try:
            writer.write(len(packet).to_bytes(2) + packet)
            await writer.drain()
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            if not questions.is_answer(question, id, answer):
                raise EOFError
            return answer
        finally:
            writer.transport.abort()

    def _where(self, server: Address) -> tuple[object, ...]:
        if isinstance(server, IPv6Address) and server.scope_id:
            scope = server.scope_id
            number = int(scope) if scope.isdigit() else socket.if_nametoindex(scope)
            return str(server).partition("%")[0], self._port, 0, number
        return str(server), self._port


def _family(server: Address) -> socket.AddressFamily:
    return socket.AF_INET if server.version == 4 else socket.AF_INET6


async def _end(tasks: set[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
