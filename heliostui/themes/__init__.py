"""The themes to choose from: our own, Textual's, and the user's. Imports Textual, its modules, and settings' values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from textual.theme import BUILTIN_THEMES, Theme

from heliostui.settings.values import OwnTheme
from heliostui.themes.derived import complete
from heliostui.themes.own import CONTRAST, CONTRAST_LIGHT, DARK, LIGHT

__all__ = ["CONTRAST", "CONTRAST_LIGHT", "DARK", "LIGHT", "NAMES", "other_shade", "themes"]

OWN = (DARK, LIGHT, CONTRAST, CONTRAST_LIGHT)
NAMES = (*(theme.name for theme in OWN), *BUILTIN_THEMES)
"""Those that are there for everybody."""


def themes(users: Mapping[str, OwnTheme]) -> list[Theme]:
    """All of them; one of the user's takes the place of another of its name."""
    found = {theme.name: theme for theme in OWN}
    found |= {name: complete(_without_cursor(theme)) for name, theme in BUILTIN_THEMES.items()}
    found |= {name: complete(_theme(name, own)) for name, own in users.items()}
    return list(found.values())


def _without_cursor(theme: Theme) -> Theme:
    """Some of Textual's have a cursor that only their own text can be read on; ours has text of many colours."""
    kept = {name: value for name, value in theme.variables.items() if not name.startswith("block-cursor")}
    return theme if theme.ansi else replace(theme, variables=kept)


def other_shade(theme: Theme) -> str:
    """The name of its light or dark counterpart; of a theme that has none, of ours."""
    dark, light = (CONTRAST, CONTRAST_LIGHT) if theme.name.startswith(CONTRAST.name) else (DARK, LIGHT)
    return light.name if theme.dark else dark.name


def _theme(name: str, own: OwnTheme) -> Theme:
    """Colours that Textual knows are the theme's, the others variables of it."""
    known = {field.name for field in fields(Theme)} - {"name", "dark", "variables", "ansi", "luminosity_spread"}
    colors = {color: value for color, value in own.colors.items() if color in known}
    others = {color: value for color, value in own.colors.items() if color not in known}
    return Theme(name=name, dark=own.dark, variables=others, **colors)  # type: ignore[arg-type]
