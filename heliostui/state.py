"""What the console knows of the engine's containers, and which commands are possible now. No screen, no connection.

Imports the protocol, the key map and words.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from engine.protocol.messages import (
    ContainerSummary,
    EngineInfo,
    JobEvent,
    JobTable,
    LaunchStep,
    Role,
    Status,
    TerminalSummary,
)
from engine.protocol.messages import Event as EventReply
from engine.protocol.messages import Job as JobReply
from engine.protocol.messages import Launch as LaunchReply
from heliostui.keymap import Command
from heliostui.network_words import ports_line
from widgets.container_table import ContainerRow
from widgets.jobs import Event, Job, Jobs, Process
from widgets.launch_chart import Call, Receipt
from widgets.text import command_line


@dataclass
class State:
    """The engine and its containers as last heard of; `info` is None while the engine is away."""

    info: EngineInfo | None = None
    containers: dict[str, ContainerSummary] = field(default_factory=dict)
    empty: bool = False
    """The engine has said that there are no containers."""
    selected_id: str | None = None
    awaited_id: str | None = None
    """A container made here that is to be selected and opened as soon as it is listed."""
    engine_ended: bool = False
    """Nobody restarts the engine; the user may."""
    terminals: dict[str, TerminalSummary] = field(default_factory=dict)
    """The terminals that were opened, by id, oldest first."""
    shown_terminal: str | None = None
    """The one whose tab is shown; None: the containers are."""
    awaited_terminal: str | None = None
    """One opened here that is to be shown as soon as it is listed."""

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
        if command.place in ("containers", "terminal") and (command.place == "terminal") != bool(self.shown_terminal):
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
        health=container.health,
        ports=ports_line(container.ports),
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


def jobs_of(table: JobTable, shell_name: str) -> Jobs:
    """A job table as widgets show it. `shell_name`: the command of a shell that does not tell its jobs itself."""
    return Jobs(
        shell=table.shell,
        shell_pgid=table.shell_pgid,
        foreground=table.foreground,
        jobs=tuple(_job(job) for job in table.jobs),
        shell_name="heliosh" if table.source == "heliosh" else shell_name,
        told=table.source == "heliosh",
    )


def _job(job: JobReply) -> Job:
    return Job(
        pgid=job.pgid,
        command=job.command,
        state=job.state,
        processes=tuple(Process(p.pid, p.command, p.state, p.status, p.signal) for p in job.processes),
        foreground=job.foreground,
        number=job.number,
        mark=job.mark,
    )


def happening(event: JobEvent) -> Event:
    """An event as widgets show it."""
    return Event(event.time, event.kind, event.pid, event.pgid, event.text)


def limit_met(event: EventReply) -> str:
    """What a container met a limit by, in a sentence."""
    told = event.attributes
    if event.action == "oom":
        victim = f"{told['command']} ({told['pid']})" if "command" in told else "a process"
        return f"{event.name} ran out of memory: {victim} was killed."
    count = told.get("refused", "1")
    return f"{event.name} has as many processes as it may: {count} fork{'s were' if count != '1' else ' was'} refused."


def program(terminal: TerminalSummary) -> str:
    """The name of what was started in a terminal."""
    if terminal.command[-2:] == ["-m", "engine.shell"]:  # where it is not installed as a program
        return "heliosh"
    return PurePosixPath(terminal.command[0]).name or terminal.command[0]


def shortened(directory: str, home: Path | None = None) -> str:
    """A directory as a prompt shows it, with `~` for one's own."""
    own = str(home if home is not None else Path.home())
    if directory == own or directory.startswith(own + "/"):
        return "~" + directory[len(own) :]
    return directory
