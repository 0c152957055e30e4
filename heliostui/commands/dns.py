"""`heliostui dns`: what containers asked our resolver, and what became of it."""

from __future__ import annotations

import argparse
from datetime import datetime

import msgspec

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import DnsLog, StreamDns
from engine.protocol.network import DnsQuery
from heliostui.commandline.document import document
from heliostui.commandline.failures import complain
from heliostui.commandline.parser import add_format, checked
from heliostui.commandline.table import GAP, printable
from heliostui.commands.logs import line_count

HEADINGS = ("TIME", "CONTAINER", "TYPE", "NAME", "ANSWER", "FROM", "TOOK")
BACKLOG = 100
MOST = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is still asked, until Ctrl-C")
    parser.add_argument(
        "-n",
        "--tail",
        metavar="NUMBER",
        type=checked(line_count),
        default=BACKLOG,
        help=f"only so many questions at the end, or all that are remembered (default: {BACKLOG})",
    )
    add_format(parser)
    parser.add_argument("container", nargs="?", metavar="CONTAINER", help="only what this one asked")


def run(arguments: argparse.Namespace) -> int:
    backlog = MOST if arguments.tail is None else min(arguments.tail, MOST)
    lines = Lines()
    with Connection.connect(places()) as engine:
        for message in engine.stream(StreamDns(container=arguments.container, backlog=backlog)):
            if isinstance(message, DnsLog):
                _show(message, lines, as_json=arguments.format == "json", follow=arguments.follow)
                if not arguments.follow:
                    break
    return 0


class Lines:
    """A table that grows: its columns are as wide as the widest cell so far."""

    def __init__(self) -> None:
        self._widths = [len(heading) for heading in HEADINGS]
        self._begun = False

    def of(self, queries: list[DnsQuery]) -> list[str]:
        """The next lines; headings before the first ones."""
        rows: list[tuple[str, ...]] = [] if self._begun else [HEADINGS]
        rows += [tuple(map(printable, _row(query))) for query in queries]
        self._begun = True
        self._widths = [max(map(len, column)) for column in zip(self._blank(), *rows, strict=True)]
        return [GAP.join(map(str.ljust, row, self._widths)).rstrip() for row in rows]

    def _blank(self) -> tuple[str, ...]:
        return tuple(" " * width for width in self._widths)


def _show(log: DnsLog, lines: Lines, *, as_json: bool, follow: bool) -> None:
    if log.lost:
        complain(f"{log.lost} questions came faster than they could be told, and are left out")
    if as_json and not follow:
        print(document(log.queries))
    elif as_json:
        for query in log.queries:
            print(msgspec.json.encode(query).decode(), flush=True)
    else:
        print("\n".join(lines.of(log.queries)), flush=True)


def _row(query: DnsQuery) -> tuple[str, ...]:
    return (
        datetime.fromtimestamp(query.time).astimezone().strftime("%H:%M:%S.%f")[:-3],
        query.container,
        query.type,
        query.name,
        query.answer,
        query.source,
        f"{query.milliseconds:.1f} ms",
    )
