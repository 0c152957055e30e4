"""`heliostui logs`: what a container wrote, standard output and standard error apart."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import UTC, datetime
from typing import BinaryIO

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import LogRecord, StreamLogs
from heliostui.commandline.parser import add_container, checked
from heliostui.commandline.times import moment, nanoseconds

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is still to come")
    parser.add_argument(
        "-n", "--tail", metavar="LINES", type=checked(line_count), help="only so many lines at the end (default: all)"
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=checked(lambda text: moment(text, datetime.now(UTC))),
        help="only what came after: 10m, 2h, or a time such as 2026-05-04T12:30:00Z",
    )
    parser.add_argument("-t", "--timestamps", action="store_true", help="the time before each line")
    add_container(parser)


def run(arguments: argparse.Namespace) -> int:
    request = StreamLogs(
        container=arguments.container, tail=arguments.tail, follow=arguments.follow, since=arguments.since
    )
    outputs: dict[str, BinaryIO] = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    stamps = {"stdout": Stamps(), "stderr": Stamps()}
    last = "stdout"
    with Connection.connect(places()) as engine:
        for record in engine.stream(request):
            if not isinstance(record, LogRecord):
                continue
            if record.stream != last:  # where both go to one place, they stay in order
                outputs[last].flush()
                last = record.stream
            data = stamps[last].put(record) if arguments.timestamps else record.data
            outputs[last].write(data)
            if arguments.follow:
                outputs[last].flush()
    outputs[last].flush()
    return 0


class Stamps:
    """Puts times before the lines of one stream, whose records may begin and end within a line."""

    def __init__(self) -> None:
        self._within_line = False

    def put(self, record: LogRecord) -> bytes:
        """The record's bytes, each line that begins in it with the record's time."""
        stamp = nanoseconds(record.time).encode() + b" "
        pieces: list[bytes] = _LINE.findall(record.data)
        if not pieces:
            return b""
        first = pieces[0] if self._within_line else stamp + pieces[0]
        self._within_line = not pieces[-1].endswith(b"\n")
        return first + b"".join(stamp + piece for piece in pieces[1:])


def line_count(text: str) -> int | None:
    """`all`, or how many."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"'{text}' is no number of lines: write one, or all")
    return int(text)
