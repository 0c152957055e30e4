"""`heliostui stop`: TERM to each container's init, KILL to those that are still there after a while."""

from __future__ import annotations

import argparse
import math

from engine.protocol.messages import StopContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers, checked


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-t", "--time", metavar="SECONDS", type=checked(seconds), default=10.0, help="wait so long before KILL (10)"
    )
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(
        arguments.containers,
        lambda name: StopContainer(container=name, timeout=arguments.time),
        together=True,
        again=True,
    )


def seconds(text: str) -> float:
    """A number of seconds, 0 or more."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"'{text}' is no number of seconds")
    return number
