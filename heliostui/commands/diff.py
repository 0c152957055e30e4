"""`heliostui diff`: what a container has changed of its image, as `docker diff` tells it."""

from __future__ import annotations

import argparse
import stat

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Changes, ListChanges
from engine.protocol.processes import Change
from engine.protocol.quantities import size_text
from heliostui.commandline.document import document
from heliostui.commandline.failures import complain
from heliostui.commandline.parser import add_container, add_format
from heliostui.commandline.table import printable, table

HEADINGS = ("KIND", "MODE", "SIZE", "BEFORE", "PATH")


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)
    parser.add_argument("-s", "--size", action="store_true", help="with modes and sizes, and the sum of what was added")
    add_container(parser)


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        told = engine.request(ListChanges(container=arguments.container), Changes)
    if arguments.format == "json":
        print(document(told))
    elif arguments.size:
        print(table(HEADINGS, [_row(change) for change in told.changes]))
        print(totals(told.changes))
    else:
        for change in told.changes:
            print(f"{change.kind} {printable(change.path)}")
    for note in told.notes if arguments.format != "json" else ():
        complain(note)
    if told.truncated:
        complain(f"there are more: only {len(told.changes):,} of them are told.")
    return 0


def totals(changes: list[Change]) -> str:
    """How many of each kind, and what the layer takes."""
    counts = {kind: sum(change.kind == kind for change in changes) for kind in "ACD"}
    size = sum(change.size for change in changes if change.kind != "D")
    return f"{counts['A']} added, {counts['C']} changed, {counts['D']} deleted; {size_text(size)} in the layer"


def _row(change: Change) -> tuple[str, ...]:
    directory = change.type == "directory"
    before = "-" if change.before is None or directory else size_text(change.before)
    return (
        change.kind,
        stat.filemode(change.mode),
        "-" if directory or change.kind == "D" else size_text(change.size),
        before,
        change.path + (f" -> {change.target}" if change.target else ""),
    )
