"""Following the receipts of all hosts. Imports link and the client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from textual.message import Message

from engine.client.aio import Connection
from engine.client.errors import ClientError
from engine.protocol.messages import GetReceipt, Receipts, ReceiptShown, StreamReceipts
from engine.protocol.receipts import Receipt
from heliostui.hosts.host import Host
from heliostui.hosts.watch import Post
from heliostui.link import Link


@dataclass
class ReceiptsArrived(Message):
    """Receipts of a host that are new or have changed. `you`: the pid of this console, as the engine sees it;
    `restart`: the first of a new reading."""

    host: Host
    receipts: list[Receipt]
    you: int
    restart: bool


async def follow(link: Link, post: Post) -> None:
    """Tell of all receipts there are, and of new ones, until the last engine has ended."""
    async with asyncio.TaskGroup() as group:
        for host in link.hosts:
            group.create_task(_follow(host, post))


async def _follow(host: Host, post: Post) -> None:
    restart = True
    try:
        async with await Connection.open(host.places, start=False) as engine:
            async for reply in engine.stream(StreamReceipts()):
                if isinstance(reply, Receipts):
                    post(ReceiptsArrived(host, reply.receipts, reply.you, restart))
                    restart = False
    except ClientError:
        pass  # the banner says so already


async def fetch(host: Host, number: int) -> ReceiptShown:
    """One with its steps. Raises ClientError."""
    async with await Connection.open(host.places, start=False) as engine:
        return await engine.request(GetReceipt(number=number), ReceiptShown)
