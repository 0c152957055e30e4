"""The settings of the console that a widget is in. Imports values and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.app import App

from heliostui.settings.values import Settings


def settings_of(app: App[Any]) -> Settings:
    """Those of the console; the defaults where a widget is shown by another app."""
    found = getattr(app, "settings", None)
    return found if isinstance(found, Settings) else Settings()


def own_keys(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """What the user binds, with the prefix, which is a key of two commands."""
    if settings.prefix == Settings.prefix:
        return settings.keys
    prefix = (settings.prefix,)
    return {"terminal.release": prefix, "terminal.type-prefix": prefix, **settings.keys}
