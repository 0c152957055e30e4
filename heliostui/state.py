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
from heliostui.keymap.containers import BULK
from heliostui.network.words import ports_line
from widgets.container_row import ContainerRow, Host
from widgets.jobs import Event, Job, Jobs, Process
from widgets.launch_chart import Call, Receipt
from widgets.text import command_line


@dataclass
class State:
    """The engine and its containers as last heard of; `info` is None while the engine is away."""

    info: EngineInfo | None = None
    only_looks: bool = False
    """The console was started to look only."""
    containers: dict[str, ContainerSummary] = field(default_factory=dict)
    empty: bool = False
    """The engine has said that there are no containers."""
    selected_id: str | None = None
    marked: list[str] = field(default_factory=list)
    """The ids of the marked containers that the list shows."""
    hosts: tuple[Host, ...] = ()
    """The machines whose containers these are; with one or none the list has no groups."""
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

    following: str = ""
    """Whose console this one moves with; whoever watches acts on nothing."""
    looks_around: bool = False
    """It does not for a while."""

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed from here: as was asked for, or because the engine lets one look only."""
        return self.only_looks or (self.info is not None and self.info.role is Role.VIEWER)

    @property
    def selected(self) -> ContainerSummary | None:
        return self.containers.get(self.selected_id or "")

    @property
    def targets(self) -> list[ContainerSummary]:
        """Those that are meant by a command for many: the marked ones, else the selected one."""
        marked = [self.containers[id] for id in self.marked if id in self.containers]
        return marked or ([self.selected] if self.selected is not None else [])

    @property
    def running(self) -> int:
        return sum(container.status in (Status.RUNNING, Status.PAUSED) for container in self.containers.values())

    def possible(self, command: Command) -> bool:
        """Whether the command makes sense for the selected container, and is allowed to who asks."""
        if command.needs_engine and self.info is None:
            return False
        if command.changes and (self.read_only or self.following):
            return False
        if command.place in ("containers", "terminal") and (command.place == "terminal") != bool(self.shown_terminal):
            return False
        if not command.states:
            return True
        if command.id in BULK:
            return any(container.status in command.states for container in self.targets)
        return self.selected is not None and self.selected.status in command.states


def row(container: ContainerSummary, host: str = "") -> ContainerRow:
    """A container as the table shows it; `host`: the key of the one it is on, where there are several."""
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
        labels=tuple(f"{key}={value}" for key, value in container.labels.items()),
        networks=tuple(container.networks),
        host=host,
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
