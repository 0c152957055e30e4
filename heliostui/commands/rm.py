"""`heliostui rm`: remove containers with their files and logs."""

from __future__ import annotations

import argparse

from engine.protocol.messages import RemoveContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="kill those that still run")
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(arguments.containers, lambda name: RemoveContainer(container=name, force=arguments.force))
