"""What the console knows of the engine's containers, and which commands are possible now. No screen, no connection.

Imports the protocol and the key map.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from engine.protocol.messages import ContainerSummary, EngineInfo, LaunchStep, Role, Status
from engine.protocol.messages import Launch as LaunchReply
from heliostui.keymap import Command
from widgets.container_table import ContainerRow
from widgets.launch_chart import Call, Receipt
from widgets.text import command_line


@dataclass
class State:
    """The engine and its containers as last heard of; `info` is None while the engine is away."""

    info: EngineInfo | None = None
    containers: dict[str, ContainerSummary] = field(default_factory=dict)
    selected_id: str | None = None
    awaited_id: str | None = None
    """A container made here that is to be selected and opened as soon as it is listed."""
    engine_ended: bool = False
    """Nobody restarts the engine; the user may."""

    @property
    def selected(self) -> ContainerSummary | None:
        return self.containers.get(self.selected_id or "")

    @property
    def running(self) -> int:
        return sum(container.status in (Status.RUNNING, Status.PAUSED) for container in self.containers.values())

    def possible(self, command: Command) -> bool:
        """Whether the command makes sense for the selected container, and is allowed to who asks."""
        if command.needs_engine and self.info is None:
            return False
        if command.changes and self.info is not None and self.info.role is Role.VIEWER:
            return False
        if not command.states:
            return True
        return self.selected is not None and self.selected.status in command.states


def row(container: ContainerSummary) -> ContainerRow:
    """A container as the table shows it."""
    return ContainerRow(
        key=container.id,
        name=container.name,
        image=container.image,
        command=command_line(container.command),
        state=container.status.value,
        created=container.created_at,
        started=container.started_at,
        finished=container.finished_at,
        pid=container.pid,
        exit_code=container.exit_code,
    )


def receipt(launch: LaunchReply) -> Receipt:
    """A launch as the chart shows it."""
    return Receipt(
        calls=tuple(call(step) for step in launch.steps),
        total=launch.total,
        executor=launch.executor,
        started=launch.started_at,
    )


def call(step: LaunchStep) -> Call:
    return Call(
        index=step.index,
        name=step.call,
        arguments=step.arguments,
        why=step.why,
        group=step.group,
        start=step.start,
        end=step.end,
        result=_result(step),
        outcome=step.outcome,
    )


def _result(step: LaunchStep) -> str:
    """The name of the error, or the number that came back."""
    if step.outcome in ("skipped", "not reached"):
        return "–"
    if step.result < 0:
        return errno.errorcode.get(-step.result, str(step.result))
    return str(step.result)
