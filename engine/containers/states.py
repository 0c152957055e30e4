"""The life of a container as one table. Imports the protocol.

created ──start──▶ running ◀──pause/unpause──▶ paused
                      │ ▲
   end ▼  stop ▼  retry ▼ │ start (by the restart policy)
  exited  stopped  restarting          exited and stopped start again
"""

from __future__ import annotations

from enum import StrEnum

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Status


class Happening(StrEnum):
    """What can happen to a container; the values are the words of error messages."""

    START = "started"
    PAUSE = "paused"
    UNPAUSE = "unpaused"
    END = "ended"  # its program ended by itself and stays ended
    STOP = "stopped"  # its program ended because somebody asked, or its restart was called off
    RETRY = "restarted"  # its program ended by itself and the restart policy wants it back


TABLE: dict[tuple[Status, Happening], Status] = {
    (Status.CREATED, Happening.START): Status.RUNNING,
    (Status.STOPPED, Happening.START): Status.RUNNING,
    (Status.EXITED, Happening.START): Status.RUNNING,
    (Status.RESTARTING, Happening.START): Status.RUNNING,
    (Status.RUNNING, Happening.PAUSE): Status.PAUSED,
    (Status.PAUSED, Happening.UNPAUSE): Status.RUNNING,
    (Status.RUNNING, Happening.END): Status.EXITED,
    (Status.PAUSED, Happening.END): Status.EXITED,
    (Status.RESTARTING, Happening.END): Status.EXITED,
    (Status.RUNNING, Happening.STOP): Status.STOPPED,
    (Status.PAUSED, Happening.STOP): Status.STOPPED,
    (Status.RESTARTING, Happening.STOP): Status.STOPPED,
    (Status.RUNNING, Happening.RETRY): Status.RESTARTING,
    (Status.PAUSED, Happening.RETRY): Status.RESTARTING,
}

# Where "it can't be" leaves somebody at a loss.
_WORDS = {
    (Status.PAUSED, Happening.START): "paused: unpause it instead",
    (Status.PAUSED, Happening.PAUSE): "paused already",
    (Status.RUNNING, Happening.UNPAUSE): "running, not paused",
}

LIVE = frozenset({Status.RUNNING, Status.PAUSED})  # has processes
ACTIVE = LIVE | {Status.RESTARTING}  # what `ps` lists without --all


def after(name: str, status: Status, happening: Happening) -> Status:
    """The status after `happening`; EngineError(WRONG_STATE) where the table has none, naming container and state."""
    try:
        return TABLE[status, happening]
    except KeyError:
        words = _WORDS.get((status, happening), f"{status}: it can't be {happening}")
        raise EngineError(ErrorCode.WRONG_STATE, f"Container {name!r} is {words}.") from None
