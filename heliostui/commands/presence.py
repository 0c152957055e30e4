"""`heliostui presence [show|end]`: who has a console open, who presents, who follows; or the end of a presentation."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Done, EndPresentation, GetPresence, PresenceTold
from engine.protocol.presence import Person, Presentation
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_format
from heliostui.commandline.table import table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "end"),
        default="show",
        help="show who is there (default), or end the presentation, whoever presents",
    )
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places(), start=False) as engine:
        if arguments.action == "end":
            engine.request(EndPresentation(), Done)
            return 0
        told = engine.request(GetPresence(), PresenceTold)
    if arguments.format == "json":
        print(document({"presentation": told.presentation, "people": told.people}))
    else:
        print(table(("NAME", "ROLE", "DOES"), [_row(person, told.presentation) for person in told.people]))
        if told.presentation is not None and told.presentation.paused:
            print(f"The line of {told.presentation.presenter_name} is lost; the presentation waits.")
    return 0


def _row(person: Person, show: Presentation | None) -> tuple[str, str, str]:
    does = "follows" if person.following and show is not None else ""
    if show is not None and person.id == show.presenter:
        does = "presents"
    elif show is not None and person.id == show.owner:
        does = " · ".join(filter(None, (does, "may take it back")))
    return person.name, person.role, does
