"""What a command of the console is: its id, keys and words, and when it is possible. Imports the protocol's states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.binding import Binding

from engine.protocol.messages import Status

ANY = frozenset(Status)
LIVE = frozenset({Status.RUNNING, Status.PAUSED})
RUNNING = frozenset({Status.RUNNING})
ENDED = frozenset({Status.CREATED, Status.STOPPED, Status.EXITED})

NO_KEY = "unbound"
"""What stands for a key where there is none, so that the user can give the command one: no keyboard sends it."""

NEEDS_NOTHING: frozenset[Status] = frozenset()

Place: TypeAlias = Literal["anywhere", "containers", "terminal", "jobs"]
"""Where a command is possible: everywhere, with the containers, on a terminal's tab, where jobs are shown."""


@dataclass(frozen=True)
class Command:
    """One thing that can be done. `id`: what the user's own keys name it by, it never changes; `keys` in Textual's
    spelling, comma separated, the first is shown; `states` those of the selected container in which it is possible,
    empty when it needs none; `changes`: not for a viewer; `also`: keys that mean it as well on a terminal's tab."""

    id: str
    action: str
    keys: str
    label: str
    help: str
    states: frozenset[Status] = NEEDS_NOTHING
    group: str = "Console"
    footer: bool = False
    changes: bool = False
    display: str | None = None
    place: Place = "anywhere"
    also: str = ""

    @property
    def needs_engine(self) -> bool:
        return self.changes or self.group == "Selected container"

    @property
    def binding(self) -> Binding:
        return Binding(
            self.keys or NO_KEY,
            self.action,
            self.label,
            show=self.footer,
            tooltip=self.help,
            id=self.id,
            key_display=self.display,
        )

    def binding_below(self, keys: str) -> Binding:
        """The same for a widget of the screen, where a key means it before the screen is asked."""
        return Binding(
            keys,
            f"screen.{self.action}",
            self.label,
            show=self.footer and keys == self.keys,
            tooltip=self.help,
            id=self.id if keys == self.keys else f"{self.id}.in-terminal",
            key_display=self.display,
        )
