"""`heliostui start`: start created, stopped or exited containers; one of them may be attached to."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import ContainerRef, Reply, StartContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.failures import UsageError, warn
from heliostui.commandline.parser import add_containers
from heliostui.commandline.session import Session, attach_request, attend
from heliostui.commands import LAUNCH_FAILURE


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--attach", action="store_true", help="show what it writes, and end with its exit status")
    parser.add_argument("-i", "--interactive", action="store_true", help="attach, and pass standard input on")
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    if not (arguments.attach or arguments.interactive):
        return for_each(
            arguments.containers, lambda name: StartContainer(container=name), tell=_tell, failure=LAUNCH_FAILURE
        )
    if len(arguments.containers) != 1:
        raise UsageError("only one container can be attached to at a time")
    takes_input: bool = arguments.interactive
    request = attach_request(arguments.containers[0], takes_input=takes_input, start=True)
    with Connection.connect(places()) as engine:
        session = Session(engine, request, takes_input=takes_input)
        return attend(places(), session, takes_input=takes_input, proxy=True)


def _tell(container: str, started: Reply) -> str:
    assert isinstance(started, ContainerRef)
    warn(started)
    return container
