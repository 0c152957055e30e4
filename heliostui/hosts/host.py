"""A machine whose engine the console shows, and what was last heard of it. Imports the protocol and the places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.client.address import SCHEME, parse
from engine.places import LOCAL, Places
from engine.protocol.messages import ContainerSummary, EngineInfo, Role, TerminalSummary


@dataclass
class Host:
    """`number` tells apart what is called the same on several hosts; the first has 0."""

    places: Places
    number: int
    info: EngineInfo | None = None
    """What its engine said of itself; None while it is away."""
    ended: bool = False
    """Nobody restarts its engine; the user may."""
    reason: str = ""
    """Why it is away, in a sentence."""
    containers: Sequence[ContainerSummary] = ()
    terminals: Sequence[TerminalSummary] = ()

    @property
    def key(self) -> str:
        """What it is asked for by: `local`, or its address."""
        return self.places.host or LOCAL

    @property
    def name(self) -> str:
        """What people call it."""
        return parse(self.key).label if self.key.startswith(SCHEME) else self.key

    @property
    def state(self) -> str:
        """In a word."""
        if self.info is not None:
            return "connected"
        return "no engine" if self.ended else "reconnecting" if self.reason else "connecting"

    @property
    def role(self) -> str:
        """What we may do there, where that is not everything."""
        return "read-only" if self.info is not None and self.info.role is Role.VIEWER else ""
