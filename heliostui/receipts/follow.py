"""Following the receipts of all hosts. Imports link and the client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from textual.message import Message

from engine.client.aio import Connection
from engine.client.errors import ClientError
from engine.protocol.messages import GetReceipt, Receipts, ReceiptShown, StreamReceipts
from engine.protocol.receipts import Receipt
from heliostui.hosts.host import Host
from heliostui.hosts.watch import Post
from heliostui.link import Link

PAUSE = 0.5  # seconds before a host that was lost is looked at again


@dataclass
class ReceiptsArrived(Message):
    """Receipts of a host that are new or have changed. `you`: the pid of this console, as the engine sees it;
    `restart`: the first of a new reading; `engine`: when the engine began."""

    host: Host
    receipts: list[Receipt]
    you: int
    restart: bool
    engine: datetime | None


@dataclass
class ReceiptsLost(Message):
    """A host's receipts can't be had now; `reason`: a sentence."""

    host: Host
    reason: str


async def follow(link: Link, post: Post) -> None:
    """Tell of all receipts there are, and of new ones, until it is cancelled."""
    async with asyncio.TaskGroup() as group:
        for host in link.hosts:
            group.create_task(_follow(host, post))


async def _follow(host: Host, post: Post) -> None:
    """Of one host; taken up anew when its engine is there again, which the console's own watch finds out."""
    lost = False
    while True:
        if host.info is not None or not lost:
            reason = "The engine has ended."
            try:
                await _read(host, post)
            except ClientError as error:
                reason = str(error)
            post(ReceiptsLost(host, reason))
            lost = True
        await asyncio.sleep(PAUSE)  # a stream may be lost while its engine goes on, so that no message tells of it


async def _read(host: Host, post: Post) -> None:
    restart = True
    async with await Connection.open(host.places, start=False) as engine:
        async for reply in engine.stream(StreamReceipts()):
            if isinstance(reply, Receipts):
                post(ReceiptsArrived(host, reply.receipts, reply.you, restart, reply.engine))
                restart = False


async def fetch(host: Host, receipt: Receipt) -> ReceiptShown:
    """It, as it is now, with its steps. Raises ClientError, also when another engine is there."""
    async with await Connection.open(host.places, start=False) as engine:
        return await engine.request(GetReceipt(number=receipt.number, engine=receipt.engine), ReceiptShown)
