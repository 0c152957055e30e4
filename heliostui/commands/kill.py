"""`heliostui kill`: a signal to each container's init."""

from __future__ import annotations

import argparse

from engine.protocol.messages import KillContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--signal", default="KILL", help="its name, with or without SIG, or its number (KILL)")
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(arguments.containers, lambda name: KillContainer(container=name, signal=arguments.signal))
