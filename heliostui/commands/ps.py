"""`heliostui ps`: list containers."""

from __future__ import annotations

import argparse
import shlex
from datetime import UTC, datetime

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Containers, ContainerSummary, ListContainers, Status
from engine.protocol.ports import mappings_text
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_format
from heliostui.commandline.table import shortened, table
from heliostui.commandline.times import span

HEADINGS = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "PID", "NAME")
COMMAND_WIDTH = 24


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="those that do not run as well")
    parser.add_argument(
        "-f",
        "--filter",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="status=, name=, id=, image=, label=, network=, publish= or health=; all of several must hold",
    )
    add_format(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")
    parser.add_argument("--no-trunc", action="store_true", help="commands in full")


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        request = ListContainers(all=arguments.all, filters=arguments.filter)
        containers = engine.request(request, Containers).containers
    if arguments.quiet:
        for container in containers:
            print(container.id)
    elif arguments.format == "json":
        print(document(containers))
    else:
        now = datetime.now(UTC)
        print(table(HEADINGS, [_row(container, now, full=arguments.no_trunc) for container in containers]))
    return 0


def _row(container: ContainerSummary, now: datetime, *, full: bool) -> tuple[str, ...]:
    command = shlex.join(container.command)
    return (
        container.id,
        container.image,
        command if full else shortened(command, COMMAND_WIDTH),
        f"{span((now - container.created_at).total_seconds())} ago",
        state(container, now),
        mappings_text(container.ports),
        str(container.pid or ""),
        container.name,
    )


def state(container: ContainerSummary, now: datetime) -> str:
    """The state in words: `Up 5 minutes (healthy)`, `Up 5 minutes (Paused)`, `Exited (1) 2 hours ago`."""
    if container.status in (Status.RUNNING, Status.PAUSED) and container.started_at:
        return f"Up {span((now - container.started_at).total_seconds())}{_remark(container)}"
    if container.finished_at:
        ago = span((now - container.finished_at).total_seconds())
        code = f" ({container.exit_code})" if container.exit_code is not None else ""
        return f"{container.status.value.capitalize()}{code} {ago} ago"
    return container.status.value.capitalize()


def _remark(container: ContainerSummary) -> str:
    if container.status == Status.PAUSED:
        return " (Paused)"
    if container.health == "starting":
        return " (health: starting)"
    return f" ({container.health})" if container.health else ""
