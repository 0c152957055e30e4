"""`heliostui nice`: another nice value for one process of a container."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Done, NiceProcess
from heliostui.commandline.processes import add_process


def configure(parser: argparse.ArgumentParser) -> None:
    add_process(parser)
    parser.add_argument("nice", metavar="N", type=int, help="-20 (the greediest) to 19 (the most modest)")


def run(arguments: argparse.Namespace) -> int:
    request = NiceProcess(
        container=arguments.container, pid=arguments.pid, nice=arguments.nice, inside=arguments.inside
    )
    with Connection.connect(places()) as engine:
        engine.request(request, Done)
    return 0
