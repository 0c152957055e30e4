"""`heliostui rename`: give a container another name."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Done, RenameContainer
from heliostui.commandline.parser import add_container


def configure(parser: argparse.ArgumentParser) -> None:
    add_container(parser)
    parser.add_argument("name", metavar="NAME", help="its new name")


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        engine.request(RenameContainer(container=arguments.container, name=arguments.name), Done)
    return 0
