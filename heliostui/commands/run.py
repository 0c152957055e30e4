"""`heliostui run`: create a container and start it, in the foreground unless `--detach`."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.client.blocking import Connection
from engine.client.errors import ClientError, RequestFailed
from engine.places import places
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    CreateContainer,
    InspectContainer,
    Inspected,
    RemoveContainer,
    RunContainer,
    Status,
)
from heliostui.commandline import terminal
from heliostui.commandline.failures import warn
from heliostui.commandline.options import add_container_options, container_options
from heliostui.commandline.session import Session, attach_request, attend, check_terminal

EPILOG = """\
Without IMAGE it is the default image, `host`: this machine's own programs and
none of its secrets. Without anything that says what to run, a terminal gets a
shell in it, as with -it.
With --rootfs, or an image in --config, all words are the COMMAND.
Ctrl-P Ctrl-Q leaves a terminal, and the container goes on."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("-d", "--detach", action="store_true", help="in the background; prints the container's id")
    add_container_options(parser)


def run(arguments: argparse.Namespace) -> int:
    options = container_options(arguments, os.environ)
    if not (arguments.detach or options.command) and _wants_a_terminal(options) and _on_a_terminal():
        options = msgspec.structs.replace(options, tty=True, interactive=True)
    if options.tty and (size := terminal.size()):
        options = msgspec.structs.replace(options, columns=size[0], lines=size[1])
    if not arguments.detach:
        check_terminal(tty=options.tty, takes_input=options.interactive)
    with Connection.connect(places()) as engine:
        if arguments.detach:
            made = engine.request(RunContainer(options=options), ContainerRef)
            warn(made)
            print(made.id)
            return 0
        return _in_foreground(engine, options)


def _in_foreground(engine: Connection, options: ContainerOptions) -> int:
    """Attach first and start then, so that nothing of the output is missed."""
    created = engine.request(CreateContainer(options=options), ContainerRef)
    warn(created)
    request = attach_request(created.id, takes_input=options.interactive, start=True)
    try:
        session = Session(engine, request, takes_input=options.interactive)
        return attend(places(), session, takes_input=options.interactive, proxy=True)
    except (RequestFailed, KeyboardInterrupt):
        _remove(created.id)
        raise


def _remove(container: str) -> None:
    """Remove what never ran, unless the engine has done so (`--rm`): what it would refuse is not asked for, since that
    would leave a receipt. One that runs goes on; at its end `--rm` is the engine's business, too."""
    with suppress(ClientError), Connection.connect(places(), start=False) as engine:
        found = engine.request(InspectContainer(container=container), Inspected).container
        if found.state.status in (Status.CREATED, Status.STOPPED, Status.EXITED):
            engine.request(RemoveContainer(container=container))


def _wants_a_terminal(options: ContainerOptions) -> bool:
    """A shell where nothing says what to run, and a bundle that asks for one; what else is in it, the engine reads."""
    if options.bundle is None:
        return not (options.image or options.rootfs)
    path = Path(options.bundle, "config.json")
    try:
        document = json.loads(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return False
    process = document.get("process") if isinstance(document, dict) else None
    return isinstance(process, dict) and process.get("terminal") is True


def _on_a_terminal() -> bool:
    return os.isatty(terminal.STDIN) and os.isatty(terminal.STDOUT)
