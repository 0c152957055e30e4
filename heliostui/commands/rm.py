"""`heliostui rm`: remove containers with their files and logs."""

from __future__ import annotations

import argparse

from engine.protocol.messages import RemoveContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--force", action="store_true", help="kill those that still run")
    parser.add_argument(
        "-v", "--volumes", action="store_true", help="and volumes that were made without a name for them"
    )
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    def request(name: str) -> RemoveContainer:
        return RemoveContainer(container=name, force=arguments.force, volumes=arguments.volumes)

    return for_each(arguments.containers, request)
