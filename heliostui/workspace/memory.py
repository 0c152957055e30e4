"""What is remembered of layouts and theme from one session to the next: a small file, that may be lost at any time.

It lies in the user's state directory (platformdirs), or with the engine's state where that was moved. Imports layouts.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from platformdirs import user_state_dir

from engine.places import Places, usual
from heliostui.workspace.layouts import LAYOUTS, REGIONS

NAME = "console.json"


class Memory(msgspec.Struct):
    """Of one layout. `weights`: of the parts, by the kind of screen; `hidden`: None while nothing was changed."""

    weights: dict[str, dict[str, float]] = {}
    hidden: list[str] | None = None
    zoomed: str | None = None


class Remembered(msgspec.Struct):
    """Of all layouts, and which was used last; and the theme that was."""

    layout: str = ""
    layouts: dict[str, Memory] = {}
    theme: str = ""

    def of(self, layout: str) -> Memory:
        """What is remembered of a layout, to be changed."""
        return self.layouts.setdefault(layout, Memory())


def file_of(places: Places) -> Path:
    """Where the file is for a console of this engine."""
    if places.state == Path(usual()[1]).absolute() and "HELIOSTUI_STATE" not in os.environ:
        return Path(user_state_dir("heliostui", appauthor=False)) / NAME
    return places.state / NAME


def read(file: Path) -> Remembered:
    """What the file says; nothing where there is none, or one that makes no sense."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Remembered)
    except (OSError, msgspec.DecodeError, RecursionError):
        return Remembered()
    return _sensible(found)


def encoded(remembered: Remembered) -> bytes:
    """What is written."""
    return msgspec.json.format(msgspec.json.encode(remembered))


def write(file: Path, data: bytes) -> None:
    """Replace the file at once; where that is not possible nothing is remembered. Blocks."""
    try:
        _make(file.parent)
        new = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            new.write_bytes(data)
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)
    except OSError:  # read-only, full, not ours: the console is no worse for it
        return


def _make(directory: Path) -> None:
    """Make the directory, but never somebody's home. Raises OSError."""
    try:
        home = Path.home()
    except RuntimeError:  # nobody knows where it is
        home = Path("/")
    if directory.is_relative_to(home) and not home.is_dir():
        raise FileNotFoundError(f"{home} does not exist")
    directory.mkdir(parents=True, exist_ok=True)


def _sensible(found: Remembered) -> Remembered:
    """Only layouts, regions and weights that there can be: another version may have written the file."""
    layouts = {
        name: Memory(
            weights={
                kind: {key: weight for key, weight in weights.items() if 1e-6 < weight < 1e6}
                for kind, weights in memory.weights.items()
            },
            hidden=None if memory.hidden is None else [each for each in REGIONS if each in memory.hidden],
            zoomed=memory.zoomed if memory.zoomed in REGIONS else None,
        )
        for name, memory in found.layouts.items()
        if name in LAYOUTS
    }
    return Remembered(found.layout if found.layout in LAYOUTS else "", layouts, found.theme)
