"""`heliostui top`: a container's processes."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import GetProcess, ProcessShown, Top, TopContainer
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_container, add_format
from heliostui.commandline.process_table import process_table


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)
    parser.add_argument("--tree", action="store_true", help="children below their parents")
    add_container(parser)
    parser.add_argument("pid", metavar="PID", nargs="?", type=int, help="tell all about this one of its processes")


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        if arguments.pid is not None:
            request = GetProcess(container=arguments.container, pid=arguments.pid)
            print(document(engine.request(request, ProcessShown).detail))
            return 0
        processes = engine.request(TopContainer(container=arguments.container), Top).processes
    print(document(processes) if arguments.format == "json" else process_table(processes, tree=arguments.tree))
    return 0
