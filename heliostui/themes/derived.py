"""Themes that others made, so that all of the console can be read in them: the colours that only we name, and text that
stands out enough from its ground. Imports Textual only."""

from __future__ import annotations

from dataclasses import replace

from textual.color import Color
from textual.theme import Theme

READABLE = 4.5  # contrast of text, WCAG 2.2, 1.4.3
_TEXT = ("primary", "secondary", "accent", "success", "warning", "error")
_HUES = ("#7fb0e6", "#e3b15f", "#85c88a", "#d491c4", "#70c7c4", "#e58b76", "#b3a1ee", "#b9bf68")
_ANSI_HUES = ("blue", "yellow", "green", "magenta", "cyan", "red", "bright_magenta", "bright_yellow")


def contrast(one: Color, other: Color) -> float:
    """From 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(color: Color, ground: Color, least: float = READABLE) -> Color:
    """The colour, or one as near to it as can be read on this ground."""
    end = Color(0, 0, 0) if _luminance(ground) > 0.18 else Color(255, 255, 255)
    steps = (color.blend(end, share / 20) if share else color for share in range(21))
    return next((step for step in steps if contrast(step, ground) >= least), end)


def complete(theme: Theme) -> Theme:
    """The theme with all that the console needs; what it says itself stays, unless that is text that can't be read."""
    if theme.ansi:
        return replace(theme, variables={**_ansi_variables(), **theme.variables})
    system = theme.to_color_system().generate()
    surface, foreground = Color.parse(system["surface"]), Color.parse(system["foreground"])
    worst = min((surface, Color.parse(system["panel"])), key=lambda ground: contrast(ground, foreground))
    text = {name: readable(Color.parse(getattr(theme, name) or system[name]), worst).hex for name in _TEXT}
    foreground = readable(foreground, worst)
    variables = {
        "muted": readable(foreground.blend(surface, 0.4), worst).hex,
        "faint": foreground.blend(surface, 0.7).hex,
        "border-blurred": foreground.blend(surface, 0.78).hex,
        "block-cursor-background": surface.blend(Color.parse(text["primary"]), 0.3).hex,
        "block-cursor-foreground": readable(foreground, surface.blend(Color.parse(text["primary"]), 0.3)).hex,
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": surface.blend(foreground, 0.12).hex,
        "footer-key-foreground": text["accent"],
        "footer-background": system["panel"],
        "footer-item-background": system["panel"],
        "footer-key-background": system["panel"],
        "footer-description-background": system["panel"],
        **{f"chart-{number}": readable(Color.parse(hue), surface).hex for number, hue in enumerate(_HUES)},
    }
    return replace(
        theme,
        foreground=foreground.hex,
        primary=text["primary"],
        secondary=text["secondary"],
        accent=text["accent"],
        success=text["success"],
        warning=text["warning"],
        error=text["error"],
        variables={**variables, **theme.variables},
    )


def _luminance(color: Color) -> float:
    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def _ansi_variables() -> dict[str, str]:
    """The terminal's own sixteen colours: nothing can be mixed of them."""
    grey = "ansi_bright_black"
    return {
        "muted": grey,
        "faint": grey,
        "border-blurred": grey,
        **{f"chart-{number}": f"ansi_{hue}" for number, hue in enumerate(_ANSI_HUES)},
    }
