"""Receipts and their steps as widgets show them. Imports the protocol, command_line and the widgets' values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.protocol.receipts import Receipt, ReceiptStep
from heliostui.receipts.command_line import PROGRAM, text
from widgets.launch_chart import Call
from widgets.launch_chart import Receipt as Chart
from widgets.receipt_table import ReceiptRow
from widgets.text import printable

_CGROUP = re.compile(r'"/sys/fs/cgroup/([^"/]+)/(?:[^"]*/)?([^"/]+)"')
_PATH = re.compile(r'"/(?:[^"\\]|\\.)*/([^"/]+)"')
_GROUPS = (  # how a call's name and arguments begin or what is in them → what the step is about
    (re.compile(r"launch|read\(the launch|spawn"), "launch"),
    (re.compile(r"RTM_|nft|unshare|bind|netlink|.*/proc/sys/net/|.*/networks?[/\"]"), "network"),
    (re.compile(r".*/cgroup"), "cgroup"),
    (re.compile(r"pidfd_send_signal|kill|waitid|sendmsg|poll"), "processes"),
)


def row(receipt: Receipt, key: str, *, own: bool, host: str) -> ReceiptRow:
    """A line of the log."""
    kind = str(receipt.request.get("type", "")).replace("_", " ")
    return ReceiptRow(
        key=key,
        number=receipt.number,
        time=f"{receipt.time.astimezone():%H:%M:%S}",
        by=printable(_by(receipt)),
        action=kind.removesuffix(" container"),
        object=printable(receipt.name or receipt.made),
        duration=receipt.duration,
        outcome=receipt.outcome,
        steps=receipt.steps + receipt.lost,
        line=printable(text(receipt)),
        own=own,
        host=host,
    )


def _by(receipt: Receipt) -> str:
    """The action is told beside it: so no verb."""
    if receipt.by.startswith(f"{PROGRAM} "):
        return "command line"
    return receipt.by or f"uid {receipt.uid}"


def chart(receipt: Receipt, steps: Sequence[ReceiptStep]) -> Chart:
    """The steps on a line of time from the request to the last of them."""
    return Chart(
        calls=tuple(_call(index, step) for index, step in enumerate(steps, 1)),
        total=max([receipt.duration or 0, *(step.end for step in steps)]),
        executor="",
        started=receipt.time,
    )


def _call(index: int, step: ReceiptStep) -> Call:
    return Call(
        index=index,
        name=step.call,
        arguments=printable(step.arguments),
        why=printable(_shortened(step.arguments)),
        group=_group(f"{step.call}({step.arguments}"),
        start=step.start,
        end=step.end,
        result=step.result,
        outcome=step.outcome,
    )


def _shortened(arguments: str) -> str:
    """With the ends of paths only; of a cgroup the controller, too: `"memory/…/memory.max"`."""
    return _PATH.sub(r'"…/\1"', _CGROUP.sub(r'"\1/…/\2"', arguments))


def _group(step: str) -> str:
    return next((name for pattern, name in _GROUPS if pattern.match(step)), "state on disk")


def sentence(receipt: Receipt) -> str:
    """Who did it, when, and what came of it."""
    by = receipt.by or "a program that nobody knows"
    came = f"failed: {receipt.error}" if receipt.error else receipt.outcome
    return printable(f"{receipt.time.astimezone():%Y-%m-%d %H:%M:%S} by {by}, uid {receipt.uid} · {came}")
