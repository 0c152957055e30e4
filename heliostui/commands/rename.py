"""`heliostui rename`: give a container another name."""

from __future__ import annotations

import argparse

from engine.protocol.messages import RenameContainer
from heliostui.commandline.done import have_done
from heliostui.commandline.parser import add_container


def configure(parser: argparse.ArgumentParser) -> None:
    add_container(parser)
    parser.add_argument("name", metavar="NAME", help="its new name")


def run(arguments: argparse.Namespace) -> int:
    return have_done(RenameContainer(container=arguments.container, name=arguments.name))
