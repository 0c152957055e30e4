"""`heliostui signal`: a signal to one process of a container."""

from __future__ import annotations

import argparse

from engine.protocol.messages import SignalProcess
from heliostui.commandline.done import have_done
from heliostui.commandline.processes import add_process


def configure(parser: argparse.ArgumentParser) -> None:
    add_process(parser)
    parser.add_argument(
        "signal", metavar="SIGNAL", nargs="?", default="TERM", help="its name, with or without SIG, or number (TERM)"
    )


def run(arguments: argparse.Namespace) -> int:
    request = SignalProcess(
        container=arguments.container, pid=arguments.pid, signal=arguments.signal, inside=arguments.inside
    )
    return have_done(request)
