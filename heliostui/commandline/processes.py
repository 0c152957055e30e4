"""Options that name one process of a container. Imports the parser."""

from __future__ import annotations

import argparse

from heliostui.commandline.parser import add_container


def add_process(parser: argparse.ArgumentParser) -> None:
    """`CONTAINER PID` and `--inside`."""
    parser.add_argument(
        "-i", "--inside", action="store_true", help="PID is its number inside the container, not the one of `top`"
    )
    add_container(parser)
    parser.add_argument("pid", metavar="PID", type=int, help="of one of its processes: heliostui top lists them")
