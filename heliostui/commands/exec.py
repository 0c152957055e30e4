"""`heliostui exec`: run another program in a running container."""

from __future__ import annotations

import argparse
import os

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Exec
from heliostui.commandline import terminal
from heliostui.commandline.failures import UsageError
from heliostui.commandline.options import add_program_options, given_variables
from heliostui.commandline.parser import add_words, given_words
from heliostui.commandline.session import Session, check_terminal
from heliostui.commandline.signals import Interrupted


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-d", "--detach", action="store_true", help="in the background")
    add_program_options(parser)
    parser.add_argument("--privileged", action="store_true", help="with all capabilities")
    parser.add_argument(
        "--namespace",
        action="append",
        default=[],
        metavar="TYPE",
        help="enter only this namespace of the container (pid, network, mount …), and the host's for the rest; "
        "may be repeated",
    )
    add_words(parser, required=True)


def run(arguments: argparse.Namespace) -> int:
    container, *command = given_words(arguments)
    if not command:
        raise UsageError("the command is missing (see 'heliostui exec --help')")
    takes_input = arguments.interactive and not arguments.detach
    check_terminal(tty=arguments.tty, takes_input=takes_input)
    columns, lines = terminal.size() or (80, 24)
    request = Exec(
        container=container,
        command=command,
        tty=arguments.tty,
        interactive=takes_input,
        detach=arguments.detach,
        workdir=arguments.workdir,
        env=given_variables(arguments, os.environ),
        user=arguments.user,
        namespaces=arguments.namespace,
        privileged=arguments.privileged,
        columns=columns,
        lines=lines,
    )
    with Connection.connect(places()) as engine:
        try:
            return Session(engine, request, takes_input=takes_input).run()
        except Interrupted as interrupted:
            return interrupted.status
