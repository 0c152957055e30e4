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
from heliostui.commandline.table import printable, table
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
    first = True
    with Connection.connect(places()) as engine:
        for message in engine.stream(StreamDns(container=arguments.container, backlog=backlog)):
            if isinstance(message, DnsLog):
                _show(message, as_json=arguments.format == "json", follow=arguments.follow, first=first)
                first = False
                if not arguments.follow:
                    break
    return 0


def _show(log: DnsLog, *, as_json: bool, follow: bool, first: bool) -> None:
    if log.lost:
        complain(f"{log.lost} questions came faster than they could be told, and are left out")
    if as_json and not follow:
        print(document(log.queries))
    elif as_json:
        for query in log.queries:
            print(msgspec.json.encode(query).decode(), flush=True)
    elif first:
        print(table(HEADINGS, [_row(query) for query in log.queries]), flush=True)
    else:
        for query in log.queries:
            print(printable("   ".join(_row(query))), flush=True)


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
