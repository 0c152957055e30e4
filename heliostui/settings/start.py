"""The settings that a console starts with, and what was wrong with them. Imports file, ids, themes and layouts."""

from __future__ import annotations

from heliostui.settings import file
from heliostui.settings.ids import bindings
from heliostui.settings.values import Settings
from heliostui.themes import NAMES

LAYOUTS = ("console", "monitor", "shell", "heap", "lecture")


def known() -> file.Known:
    """The names that a file may use in this program."""
    return file.Known(NAMES, LAYOUTS, bindings().keys())


def settings() -> tuple[Settings, str]:
    """What the user's file says, else the defaults; and a sentence for each fault in it, one per line."""
    place = file.path()
    if not place.exists():  # all screens are imported only to check a file
        return Settings(), ""
    try:
        return file.read(place, known()), ""
    except ValueError as error:
        return Settings(), str(error)
