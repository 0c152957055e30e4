"""`heliostui unpause`: let frozen containers go on."""

from __future__ import annotations

import argparse

from engine.protocol.messages import UnpauseContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(arguments.containers, lambda name: UnpauseContainer(container=name))
