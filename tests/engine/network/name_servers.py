"""Name servers of the world, for tests: real sockets on the test's loop, behaving as told. dnslib does the wire."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from dnslib import QTYPE, RCODE, RR, A, DNSHeader, DNSQuestion, DNSRecord  # type: ignore[import-untyped]
from dnslib.label import DNSLabel  # type: ignore[import-untyped]

Behaviour = Callable[[DNSRecord, bool], list[bytes]]  # the question, and whether it came by TCP; what is sent back


@dataclass
class NameServer:
    """`asked`: names in the order in which they came; `callers`: ports they came from; `ids`: of the questions."""

    behaviour: Behaviour
    asked: list[str] = field(default_factory=list)
    callers: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    by_tcp: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, packet: bytes, caller: Any, tcp: bool) -> list[bytes]:
        question = DNSRecord.parse(packet)
        self.asked.append(str(question.q.qname).rstrip("."))
        self.callers.append(caller[1])
        self.ids.append(question.header.id)
        self.by_tcp += tcp
        self.called.set()
        return self.behaviour(question, tcp)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for answer in self._server.note(data, addr, False):
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def serving(behaviour: Behaviour, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[NameServer]:
    """A server of UDP and TCP at an address and port."""
    server = NameServer(behaviour)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        for answer in server.note(packet, writer.get_extra_info("peername"), True):
            writer.write(len(answer).to_bytes(2) + answer)
        writer.close()

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(server), (address, port))
    try:
        async with await asyncio.start_server(converse, address, port):
            yield server
    finally:
        transport.close()


def answering(*addresses: str) -> Behaviour:
    """Every name has these addresses."""
    return lambda question, tcp: [answer(question, *addresses)]


def failing(code: str) -> Behaviour:
    """Every question meets this code."""
    return lambda question, tcp: [answer(question, code=code)]


def silent(question: DNSRecord, tcp: bool) -> list[bytes]:
    """Never answers."""
    return []


def truncating(*addresses: str) -> Behaviour:
    """Says by UDP that there is more, and all of it by TCP."""
    return lambda question, tcp: [answer(question, *addresses) if tcp else answer(question, truncated=True)]


def answer(question: DNSRecord, *addresses: str, code: str = "NOERROR", truncated: bool = False) -> bytes:
    """What a real server would send."""
    reply = question.reply(aa=0)
    reply.header.rcode, reply.header.tc = getattr(RCODE, code), int(truncated)
    reply.add_answer(*(RR(question.q.qname, QTYPE.A, rdata=A(address), ttl=60) for address in addresses))
    return bytes(reply.pack())


def question(name: str, type: str = "A", id: int = 7) -> bytes:
    """A question as a program sends it."""
    return bytes(DNSRecord(DNSHeader(id=id), q=DNSQuestion(DNSLabel(name), getattr(QTYPE, type))).pack())


def free_port() -> int:
    """A port that nobody has on loopback, for UDP or TCP."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", tcp.getsockname()[1]))
        return int(tcp.getsockname()[1])
