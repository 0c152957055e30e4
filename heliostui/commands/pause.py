"""`heliostui pause`: freeze all processes of each container."""

from __future__ import annotations

import argparse

from engine.protocol.messages import PauseContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(arguments.containers, lambda name: PauseContainer(container=name))
