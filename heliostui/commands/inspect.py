"""`heliostui inspect`: all about containers as a JSON array; or how one was launched, and what fences it in."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.places import places
from engine.protocol.messages import (
    ContainerDetail,
    GetIsolation,
    GetLaunch,
    GetSeccomp,
    InspectContainer,
    Inspected,
    Isolation,
    Launch,
    LaunchStep,
    Reply,
    Request,
    SeccompFilter,
)
from heliostui.commandline import fences
from heliostui.commandline.document import document
from heliostui.commandline.failures import UsageError, complain
from heliostui.commandline.parser import add_containers
from heliostui.commandline.table import table
from heliostui.commandline.times import duration, nanoseconds

R = TypeVar("R", bound=Reply)
HEADINGS = ("STEP", "AT", "TOOK", "RESULT", "WHY", "CALL")


VIEWS = {
    "launch": "the calls that its last start was made of",
    "isolation": "what it can and can't see and do: namespaces, ids, capabilities, devices, mounts",
    "seccomp": "the system calls that its programs may make, and the requests that the engine takes",
    "bpf": "its seccomp filter, an instruction a line, with words",
}


def configure(parser: argparse.ArgumentParser) -> None:
    views = parser.add_mutually_exclusive_group()
    for name, text in VIEWS.items():
        views.add_argument(f"--{name}", dest="view", action="store_const", const=name, help=text)
    parser.add_argument(
        "--format", choices=("table", "json"), help="of one of these views: for people (default) or a JSON document"
    )
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.view:
        return _view(arguments)
    if arguments.format == "table":
        raise UsageError(f"inspect prints JSON; tables there are of --{', --'.join(VIEWS)}")
    found: list[ContainerDetail] = []
    missing: list[RequestFailed] = []
    with Connection.connect(places()) as engine:
        for name in arguments.containers:
            try:
                found.append(engine.request(InspectContainer(container=name), Inspected).container)
            except RequestFailed as error:
                missing.append(error)
    print(document(found))
    for refusal in missing:
        complain(refusal.message)
    return 1 if missing else 0


def _view(arguments: argparse.Namespace) -> int:
    if len(arguments.containers) != 1:
        raise UsageError(f"--{arguments.view} tells of one container at a time")
    (name,) = arguments.containers
    match arguments.view:
        case "launch":
            return _show(arguments, GetLaunch(container=name), Launch, _launch)
        case "isolation":
            return _show(arguments, GetIsolation(container=name), Isolation, lambda told: fences.isolation(name, told))
        case "bpf":
            return _show(arguments, GetSeccomp(container=name), SeccompFilter, lambda told: fences.program(name, told))
    return _show(arguments, GetSeccomp(container=name), SeccompFilter, lambda told: fences.seccomp(name, told))


def _show(arguments: argparse.Namespace, request: Request, kind: type[R], text: Callable[[R], str]) -> int:
    with Connection.connect(places()) as engine:
        told = engine.request(request, kind)
    print(document(told) if arguments.format == "json" else text(told))
    return 0


def _launch(launch: Launch) -> str:
    calls = sum(step.outcome != "not reached" for step in launch.steps)
    return (
        f"{launch.name} ({launch.id}) was launched {nanoseconds(launch.started_at)} by the {launch.executor} executor: "
        f"{calls} calls in {duration(launch.total)}\n\n"
    ) + table(HEADINGS, [_row(step) for step in launch.steps])


def _row(step: LaunchStep) -> tuple[str, ...]:
    reached = step.outcome not in ("not reached", "skipped")
    return (
        str(step.index),
        duration(step.start) if reached else "",
        duration(step.end - step.start) if reached else "",
        result(step),
        step.why,
        f"{step.call}({step.arguments})",
    )


def result(step: LaunchStep) -> str:
    """What the call gave: its result where it was done, else the outcome with the error's name (errno(3))."""
    if step.outcome == "done":
        return str(step.result)
    if step.outcome not in ("failed", "allowed"):
        return step.outcome
    import errno

    return f"{step.outcome}: {errno.errorcode.get(-step.result, step.result)}"
