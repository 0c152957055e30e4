"""Receipts as a shell script of command lines. Imports command_line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine.protocol.receipts import Receipt
from heliostui.receipts.command_line import of_receipt
from heliostui.receipts.words import NoEquivalent, shell

MODE = 0o700  # there may be secrets in it: values of variables


def script(receipts: Iterable[Receipt], now: datetime) -> str:
    """Executable, stops at the first command that fails. What failed when it was done, and what no command line does,
    is in it as a comment. Variables whose values nobody was told are taken from whoever runs it."""
    lines = [
        "#!/bin/sh",
        f"# What was done with heliostui, as of {now.astimezone():%Y-%m-%d %H:%M:%S %z}.",
        "set -eu",
    ]
    for receipt in receipts:
        lines += ["", f"# {receipt.time.astimezone():%Y-%m-%d %H:%M:%S}  {_title(receipt)}", *_command(receipt)]
    return "\n".join(lines) + "\n"


def _title(receipt: Receipt) -> str:
    kind = str(receipt.request.get("type", "")).replace("_", " ")
    return " ".join(_one_line(f"{kind} {receipt.name}  by {receipt.by or f'uid {receipt.uid}'}").split(" "))


def _command(receipt: Receipt) -> list[str]:
    try:
        command = shell(of_receipt(receipt))
    except NoEquivalent as error:
        return [f"# {_one_line(error.reason)}"]
    if receipt.outcome == "failed":
        return [f"# It failed: {_one_line(receipt.error)}", *(f"# {line}" for line in command.splitlines())]
    return [command]


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
