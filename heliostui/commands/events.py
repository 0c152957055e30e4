"""`heliostui events`: what happens to containers, as it happens, until Ctrl-C."""

from __future__ import annotations

import argparse

import msgspec

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Event, StreamEvents
from heliostui.commandline.table import printable
from heliostui.commandline.times import nanoseconds


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="lines for people (default), or JSON, one a line",
    )


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        for event in engine.stream(StreamEvents()):
            if isinstance(event, Event):
                print(msgspec.json.encode(event).decode() if arguments.format == "json" else line(event), flush=True)
    return 0


def line(event: Event) -> str:
    """`2026-05-04T12:30:00.000000000Z die 0123456789ab (name=web, exit_code=1)`"""
    attributes = ", ".join(f"{name}={value}" for name, value in {"name": event.name, **event.attributes}.items())
    return f"{nanoseconds(event.time)} {event.action} {event.container} ({printable(attributes)})"
