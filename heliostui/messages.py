"""What workers tell the console: they never touch a widget, they post these, and handlers own the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from engine.protocol.messages import (
    ContainerDetail,
    ContainerNetwork,
    ContainerSummary,
    EngineInfo,
    Event,
    JobTable,
    Launch,
    NetworkMap,
    StreamJobs,
    StreamStats,
    TerminalSummary,
)
from engine.protocol.metrics import Sample, Series
from engine.protocol.network import DnsQuery

if TYPE_CHECKING:
    from heliostui.terminals.session import Session


@dataclass
class EngineUp(Message):
    """The engine answers; `host`: where."""

    info: EngineInfo
    host: str = "local"


@dataclass
class EngineDown(Message):
    """The engine does not answer; `reason` is one sentence. `ended`: nobody restarts it, the user may."""

    reason: str
    ended: bool
    host: str = "local"


@dataclass
class LimitMet(Message):
    """A container met a limit: something was killed or refused for it."""

    event: Event


@dataclass
class ContainersListed(Message):
    """All containers there are, newest first, host by host. `host`: whose list is new; `anew`: its engine was away."""

    containers: Sequence[ContainerSummary]
    host: str = "local"
    anew: bool = False


@dataclass
class TerminalsListed(Message):
    """All terminals that were opened, oldest first, host by host. `anew`: the engine of one of them was away."""

    terminals: Sequence[TerminalSummary]
    anew: bool = False


@dataclass
class LaunchArrived(Message):
    """The receipt of a container's last launch, or why there is none."""

    container: str
    launch: Launch | None
    reason: str = ""


@dataclass
class InspectArrived(Message):
    """All that is known of a container; None when it is gone."""

    container: str
    detail: ContainerDetail | None


@dataclass
class JobsArrived(Message):
    """The jobs of a terminal and what happened to them since last time; or why there is no table."""

    whose: StreamJobs
    table: JobTable | None
    reason: str = ""


@dataclass
class StatsArrived(Message):
    """A sample of a container; None, and why, when there is no next one."""

    whose: StreamStats
    sample: Sample | None
    reason: str = ""


@dataclass
class HistoryArrived(Message):
    """What is remembered of metrics of a container."""

    container: str
    series: Sequence[Series]


@dataclass
class NetworkArrived(Message):
    """A container's network as it is now; None, and why, when there is no next one."""

    container: str
    network: ContainerNetwork | None
    reason: str = ""


@dataclass
class NamesAsked(Message):
    """What a container asked the resolver for, in order; `restart`: the first of a new reading."""

    container: str
    queries: Sequence[DnsQuery]
    restart: bool = False


@dataclass
class MapArrived(Message):
    """The networks of the machine; None, and why, when there is no next map."""

    map: NetworkMap | None
    reason: str = ""


@dataclass
class SessionChanged(Message):
    """A session's terminal shows something new. The session goes on once `session.taken` is set."""

    session: Session


@dataclass
class SessionEnded(Message):
    """A session's program ended, or it never began (`reason`), or it was `lost` with the engine."""

    session: Session
    exit_code: int | None
    reason: str = ""
    lost: bool = False


@dataclass
class ProgramCopied(Message):
    """A program on a session's terminal asked to put a text on the user's clipboard (OSC 52)."""

    session: Session
    text: str
