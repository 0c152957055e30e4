"""`heliostui attach`: take part in a running container's terminal or pipes."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from heliostui.commandline.parser import add_container
from heliostui.commandline.session import Session, attach_request, attend


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Ctrl-P Ctrl-Q leaves a terminal, and the container goes on."
    parser.add_argument("--no-stdin", action="store_true", help="only watch")
    parser.add_argument(
        "--sig-proxy",
        choices=("true", "false"),
        default="true",
        help="pass signals on to a container without a terminal (default: true)",
    )
    add_container(parser)


def run(arguments: argparse.Namespace) -> int:
    takes_input = not arguments.no_stdin
    with Connection.connect(places()) as engine:
        session = Session(engine, attach_request(arguments.container, takes_input=takes_input), takes_input=takes_input)
        return attend(places(), session, takes_input=takes_input, proxy=arguments.sig_proxy == "true")
