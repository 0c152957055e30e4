"""`heliostui inspect`: all about containers as a JSON array, or how one was launched."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.places import places
from engine.protocol.messages import ContainerDetail, GetLaunch, InspectContainer, Inspected, Launch, LaunchStep
from heliostui.commandline.document import document
from heliostui.commandline.failures import UsageError, complain
from heliostui.commandline.parser import add_containers
from heliostui.commandline.table import table
from heliostui.commandline.times import duration, nanoseconds

HEADINGS = ("STEP", "AT", "TOOK", "RESULT", "WHY", "CALL")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--launch", action="store_true", help="the calls that its last start was made of")
    parser.add_argument("--format", choices=("table", "json"), help="of --launch: a table (default) or a JSON document")
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    if arguments.launch:
        return _launch(arguments)
    if arguments.format == "table":
        raise UsageError("inspect prints JSON; a table there is of --launch only")
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


def _launch(arguments: argparse.Namespace) -> int:
    if len(arguments.containers) != 1:
        raise UsageError("--launch tells of one container at a time")
    with Connection.connect(places()) as engine:
        launch = engine.request(GetLaunch(container=arguments.containers[0]), Launch)
    if arguments.format == "json":
        print(document(launch))
        return 0
    calls = sum(step.outcome != "not reached" for step in launch.steps)
    print(
        f"{launch.name} ({launch.id}) was launched {nanoseconds(launch.started_at)} by the {launch.executor} executor: "
        f"{calls} calls in {duration(launch.total)}\n"
    )
    print(table(HEADINGS, [_row(step) for step in launch.steps]))
    return 0


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
