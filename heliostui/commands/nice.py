"""`heliostui nice`: another nice value for one process of a container."""

from __future__ import annotations

import argparse

from engine.protocol.messages import NiceProcess
from heliostui.commandline.done import have_done
from heliostui.commandline.processes import add_process


def configure(parser: argparse.ArgumentParser) -> None:
    add_process(parser)
    parser.add_argument("nice", metavar="N", type=int, help="-20 (the greediest) to 19 (the most modest)")


def run(arguments: argparse.Namespace) -> int:
    request = NiceProcess(
        container=arguments.container, pid=arguments.pid, nice=arguments.nice, inside=arguments.inside
    )
    return have_done(request)
