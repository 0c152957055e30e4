"""`heliostui receipts`: what was done with this engine, by whom, and what that made the kernel do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import GetReceipt, ListReceipts, Receipts, ReceiptShown, StreamReceipts
from engine.protocol.receipts import Receipt, ReceiptStep
from heliostui.commandline.document import document
from heliostui.commandline.failures import UsageError
from heliostui.commandline.table import printable, shortened, table
from heliostui.receipts.command_line import text
from heliostui.receipts.script import script
from heliostui.receipts.step_words import took

HEADINGS = ("NUMBER", "TIME", "BY", "TOOK", "STEPS", "OUTCOME", "COMMAND LINE")
STEP_HEADINGS = ("AT", "TOOK", "RESULT", "CALL")
COMMAND_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The engine keeps the last 500, in memory. Values of variables are told to nobody but whoever gave them."
    )
    parser.add_argument("-f", "--follow", action="store_true", help="and what is done from now on, until Ctrl-C")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--format", choices=("table", "json"), default="table", help="for people (default), or JSON, with -f one a line"
    )
    how.add_argument("--script", action="store_true", help="as a shell script of heliostui commands")
    parser.add_argument("number", nargs="?", type=int, metavar="NUMBER", help="this one, with the steps of the kernel")


def run(arguments: argparse.Namespace) -> int:
    if arguments.follow and (arguments.number is not None or arguments.script):
        raise UsageError("--follow tells of all receipts as they come: it goes with neither NUMBER nor --script")
    with Connection.connect(places()) as engine:
        if arguments.follow:
            receipts = _finished(engine.stream(StreamReceipts()))
            _follow(receipts, as_json=arguments.format == "json")
        elif arguments.number is not None:
            _one(engine.request(GetReceipt(number=arguments.number), ReceiptShown), arguments)
        else:
            _all(engine.request(ListReceipts(), Receipts).receipts, arguments)
    return 0


def _all(receipts: list[Receipt], arguments: argparse.Namespace) -> None:
    if arguments.script:
        print(script(receipts, datetime.now(UTC)), end="")
    elif arguments.format == "json":
        print(document(receipts))
    else:
        print(table(HEADINGS, [_row(receipt) for receipt in receipts]))


def _one(shown: ReceiptShown, arguments: argparse.Namespace) -> None:
    receipt = shown.receipt
    if arguments.script:
        print(script([receipt], datetime.now(UTC)), end="")
    elif arguments.format == "json":
        print(document(shown))
    else:
        print(f"{printable(text(receipt))}\n{_sentence(receipt)}\n")
        print(table(STEP_HEADINGS, [_step(step) for step in shown.steps]))
        if receipt.lost:
            print(f"… and {receipt.lost} more, which were too many to be kept")


def _finished(messages: Iterable[object]) -> Iterator[Receipt]:
    """Each receipt once: when it is closed."""
    told: set[int] = set()
    for message in messages:
        for receipt in message.receipts if isinstance(message, Receipts) else ():
            if receipt.duration is not None and receipt.number not in told:
                told.add(receipt.number)
                yield receipt


def _follow(receipts: Iterable[Receipt], *, as_json: bool) -> None:
    for receipt in receipts:
        if as_json:
            print(msgspec.json.encode(receipt).decode())
        else:
            number, time, by, *_, command = _row(receipt)
            print(f"{number:>4}  {time}  {by:<18} {took(receipt.duration):>8}  {receipt.outcome:<6}  {command}")
        sys.stdout.flush()


def _row(receipt: Receipt) -> tuple[str, ...]:
    return (
        str(receipt.number),
        f"{receipt.time.astimezone():%H:%M:%S}",
        receipt.by or f"uid {receipt.uid}",
        took(receipt.duration),
        str(receipt.steps + receipt.lost),
        receipt.outcome,
        shortened(printable(text(receipt)), COMMAND_WIDTH),
    )


def _sentence(receipt: Receipt) -> str:
    who = f"by {receipt.by or 'a program that is not known'} of uid {receipt.uid}"
    when = f"{receipt.time.astimezone():%Y-%m-%d %H:%M:%S}"
    came = f"failed: {receipt.error}" if receipt.error else receipt.outcome
    return printable(f"{when}, {who}, {took(receipt.duration)}: {came}")


def _step(step: ReceiptStep) -> tuple[str, ...]:
    mark = {"done": "", "allowed": " ~", "failed": " ✗"}[step.outcome]
    call = printable(f"{step.call}({step.arguments})")
    return took(step.start), took(step.end - step.start), printable(step.result) + mark, call
