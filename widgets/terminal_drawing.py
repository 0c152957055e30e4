"""How a terminal's rows look on the screen: colours, styles, cursor. Imports engine.terminal, Rich and Textual."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip
from wcwidth import wcwidth

from engine.terminal import Color, Row, Style

DARK_COLORS: tuple[str, ...] = (
    *("#23262d", "#d8505c", "#43a047", "#b88d2a", "#4a8be0", "#b266c9", "#2a9da5", "#c8ccd4"),
    *("#6b7280", "#ff8a92", "#9fe08f", "#f2d27c", "#8cc4ff", "#dfa6ee", "#80dfe5", "#ffffff"),
)
LIGHT_COLORS: tuple[str, ...] = (
    *("#1f2328", "#c4232b", "#2e7d32", "#946200", "#1a5fb4", "#8e3a9d", "#00737c", "#cfd3d8"),
    *("#5e646c", "#d6404a", "#35883b", "#a56f00", "#2f79d6", "#a848b8", "#00838c", "#ffffff"),
)
_READABLE = {DARK_COLORS: {0: 8}, LIGHT_COLORS: {7: 8, 15: 0}}
"""Colours that can't be read on the theme's own background, and what is drawn there instead."""


_LEARNED = 100_000  # characters that are remembered


class _Fitted(dict[int, str]):
    """Code point to what is drawn for it, for `str.translate`: as wide for rich as it is in the terminal.

    A joiner makes one of several characters for rich, a variation selector a narrow one wide; the terminal has put each
    into cells of its own. Of halves of flags and of colours of skin rich takes less room.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        ours, riches = max(wcwidth(character), 0), get_character_cell_size(character)
        dropped = character in "\u200d\ufe0f" or riches > ours
        fitted = "" if dropped else character + " " * (ours - riches)
        if len(self) < _LEARNED:
            self[code] = fitted
        return fitted


_fitted = _Fitted()

Span = tuple[int, int, RichStyle]
"""Cells from the first to after the last, and what their style gets in addition."""


def _color(color: Color | None, palette: tuple[str, ...]) -> RichColor | None:
    if color is None:
        return None
    if isinstance(color, tuple):
        return RichColor.from_rgb(*color)
    return RichColor.parse(palette[color]) if color < len(palette) else RichColor.from_ansi(color)


@lru_cache(maxsize=4096)
def _rich_style(style: Style, base: RichStyle, palette: tuple[str, ...]) -> RichStyle:
    foreground = style.foreground
    if style.background is None and isinstance(foreground, int):
        foreground = _READABLE.get(palette, {}).get(foreground, foreground)
    return base + RichStyle(
        color=_color(foreground, palette),
        bgcolor=_color(style.background, palette),
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline not in (0, 2) or None,
        underline2=style.underline == 2 or None,
        blink=style.blink or None,
        reverse=style.reverse or None,
        conceal=style.hidden or None,
        strike=style.strike or None,
    )


@lru_cache(maxsize=16)
def reversed_base(base: RichStyle) -> RichStyle:
    """The default colours exchanged: DECSCNM, reverse video."""
    return base + RichStyle(color=base.bgcolor, bgcolor=base.color)


def drawn(row: Row, base: RichStyle, palette: tuple[str, ...]) -> Strip:
    """A row, not padded on the right. `palette`: the first 16 colours; empty leaves them to the outer terminal."""
    segments = [
        Segment(text if text.isascii() else text.translate(_fitted), _rich_style(style, base, palette))
        for text, style in row.spans()
    ]
    return Strip(segments, len(row.line[0]))


def overlaid(strip: Strip, spans: Sequence[Span]) -> Strip:
    """The strip with more style on some of its cells, later spans over earlier ones."""
    width = strip.cell_length
    for start, end, style in spans:
        start, end = max(0, start), min(end, width)
        if start < end:
            left, middle, right = strip.divide([start, end, width])
            styled = Strip([Segment(text, (own or RichStyle()) + style) for text, own, _ in middle], end - start)
            strip = Strip.join([left, styled, right])
    return strip


def with_cursor(strip: Strip, start: int, end: int, shape: int, owned: bool) -> Strip:
    """The strip with a cursor on the cells from `start` up to `end`, all of one character.

    `shape` is DECSCUSR's number: 3 and 4 are an underline, 5 and 6 a bar, else a block. Without the keys (`owned`)
    it is an underline.
    """
    width = strip.cell_length
    if end > width:
        return strip
    left, under, right = strip.divide([start, end, width])
    return Strip.join([left, Strip([_cursor(segment, shape, owned) for segment in under], end - start), right])


def _cursor(segment: Segment, shape: int, owned: bool) -> Segment:
    style = segment.style or RichStyle()
    if not owned or shape in (3, 4):
        return Segment(segment.text, style + RichStyle(underline=True))
    if shape in (5, 6):
        if segment.text == " ":
            return Segment("▏", style)
        return Segment(segment.text, style + RichStyle(bgcolor=_between(style), reverse=False))
    return Segment(segment.text, style + RichStyle(reverse=not style.reverse))


def _between(style: RichStyle) -> RichColor:
    """A colour that can be told from a cell's own two: the bar of a cursor can't be drawn beside a character."""
    colors = [color.get_truecolor() for color in (style.color, style.bgcolor) if color is not None]
    if len(colors) < 2:
        return RichColor.from_ansi(8)
    return RichColor.from_rgb(*(round(0.4 * one + 0.6 * other) for one, other in zip(*colors, strict=True)))
