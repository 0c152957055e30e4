"""The programs on PATH. Imports os and the shell's state."""

from __future__ import annotations

import os

from engine.shell.state import State


class Programs:
    """What could be run by its name; nothing of it is remembered for the shell."""

    def __init__(self, state: State) -> None:
        self._state = state

    def has(self, name: str) -> bool:
        """Whether there is one of that name."""
        return any(_is_program(os.path.join(directory, name)) for directory in self._directories())

    def names(self, beginning: str) -> set[str]:
        """All whose names begin so."""
        found = set()
        for directory in self._directories():
            try:
                names = os.listdir(directory)
            except OSError:
                continue
            found |= {name for name in names if name.startswith(beginning) and _is_program(f"{directory}/{name}")}
        return found

    def _directories(self) -> list[str]:
        return [directory or "." for directory in (self._state.variables.get("PATH") or "").split(":")]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
