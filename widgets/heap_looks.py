"""How a cell of the heap map looks: its character, which tells states apart without colour, and its colours.

A block that is in use is a solid tile, what is free shows the ground and dots, what is kept in caches is hatched, the
allocator's own is crossed. A cell larger than its blocks is as high as much of it is in use. Imports Textual and rich.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.style import Style
from textual.color import Color

STATES = {"u": "used", "c": "cached", "f": "free", "s": "slot", "m": "own", "g": "returned"}
"""The component class of each letter: `heap--used` …; its background is the tile, its colour what is drawn on it."""
TEXTURES = {"u": " ", "c": "╱", "f": "·", "s": "▫", "m": "╳", "g": " ", " ": " "}
EDGE = "▎"  # the left edge of a cell where a block begins
LEVELS = " ▁▂▃▄▅▆▇█"
FULL = 9

LIT = {
    "near": ("heap--lit", 0.2),
    "hover": ("heap--lit", 0.25),
    "block": ("heap--lit", 0.48),
    "trail": ("heap--trail", 0.3),
    "marked": ("heap--marked", 0.6),
    "cursor": ("heap--cursor", 0.0),
}
"""What colour a cell goes towards because of the cursor, and how far."""
ODD = 0.11  # how far the cells of every other row go towards the ground
HEATS = (0.0, 0.22, 0.48, 0.8)
"""How far they go towards the colour of what has just happened: less with each step."""


class Look(NamedTuple):
    """What a cell is, and what is to be seen of it besides: `odd`, that it is in every other row, for rows are not one
    area; `lit`, because of the cursor; `flash` and `heat`, what has happened to it and how lately; `ink`, the
    component class of what is written on it, whose colour or background is taken, whichever is seen better."""

    state: str
    fill: int = 0
    odd: bool = False
    lit: str = ""
    flash: str = ""
    heat: int = 0
    ink: str = ""


class Cell(NamedTuple):
    """One character of a line. `look`: a component class, where it is no cell of the heap."""

    text: str
    look: Look | str


def texture(letter: str, fill: str) -> tuple[str, Look]:
    """The character for a letter and a fill of a row, and how it looks."""
    state, level = letter.lower(), int(fill) if fill.isdigit() else 0
    if state != "m" and 0 < level < FULL and letter == state:
        return LEVELS[max(1, min(7, round(level * 8 / FULL)))], Look(state, level)
    return EDGE if letter != state else TEXTURES.get(state, "?"), Look(state, FULL if state == "u" else 0)


class Palette:
    """Looks to styles. `style_of` gives those of component classes."""

    def __init__(self, style_of: Callable[[str], Style]) -> None:
        self._style_of = style_of
        self._known: dict[Look | str, Style] = {}

    def __getitem__(self, look: Look | str) -> Style:
        style = self._known.get(look)
        if style is None:
            style = self._known[look] = self._style_of(look) if isinstance(look, str) else self._mixed(look)
        return style

    def _mixed(self, look: Look) -> Style:
        drawn, tile = self._plain(look)
        bold = False
        lights = [self._light(look)] if look.lit else []
        if look.flash:
            lights.append((self._colors(f"heap--{look.flash}")[0], HEATS[look.heat]))
        for light, share in lights:
            tile = tile.blend(light, share)
            if 0 < look.fill < FULL:
                drawn = drawn.blend(light, share * 0.8)
        if look.lit == "cursor":
            drawn, tile = self._colors("heap--cursor")
        elif look.ink:
            bold = bool(self._style_of(look.ink).bold)
            drawn = max(self._colors(look.ink), key=lambda color: abs(color.brightness - tile.brightness))
        return Style(color=drawn.rich_color, bgcolor=tile.rich_color, bold=bold)

    def _light(self, look: Look) -> tuple[Color, float]:
        """The colour it goes towards because of the cursor, and how far: what is not in use towards the colour of its
        own texture, so that a large block does not hide what it is."""
        name, share = LIT[look.lit]
        if name != "heap--lit" or look.fill or look.state not in STATES:
            return self._colors(name)[0], share
        if look.state == "g":
            return self._colors("heap--free")[0], share / 3
        return self._colors(f"heap--{STATES[look.state]}")[0], share * 0.8

    def _plain(self, look: Look) -> tuple[Color, Color]:
        """What is drawn, and the ground."""
        drawn, tile = self._base(look)
        if look.odd:
            ground = self._colors("heap--text")[1]
            tile = tile.blend(ground, ODD)
            if 0 < look.fill < FULL:
                drawn = drawn.blend(ground, ODD)
        return drawn, tile

    def _base(self, look: Look) -> tuple[Color, Color]:
        """What is drawn, and the ground. Of a cell that is partly in use that is drawn over the ground of the rest."""
        if look.state not in STATES:
            return self._colors("heap--text")
        if 0 < look.fill < FULL:
            rest = look.state if look.state != "u" else "f"
            return self._colors("heap--used")[1], self._colors(f"heap--{STATES[rest]}")[1]
        return self._colors(f"heap--{STATES[look.state]}")

    def _colors(self, name: str) -> tuple[Color, Color]:
        style = self._style_of(name)
        ground = style.bgcolor
        return Color.from_rich_color(style.color), Color.from_rich_color(ground)
