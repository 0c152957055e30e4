"""What the user's terminal shows, cell by cell, so that only cells that differ are sent, of styles what differs.

Textual tells a terminal whole spans of lines, each piece with all of its style: 120x40 are 57 kB that way, and 10 kB
this way. Imports rich.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import get_character_cell_size, split_graphemes
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

NEAR = 4
"""Cells between two that changed which are sent as well, when there are no more of them: a move costs as much."""
_RESET = "\x1b[0m"
_NONE = Style()
_UNKNOWN = "\0"
"""What nothing that is drawn is equal to."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Whatever is shown, a name or a title, gives the terminal no commands; rich gives these no width."""
_JOINER, _EMOJI = "\u200d", "\ufe0f"
"""Characters that make one of several, and that make a narrow one wide (Unicode TR 51)."""


class Codes(NamedTuple):
    """A style in three parts, as parameters of SGR (ECMA-48 8.3.117), and the link it has (OSC 8)."""

    attributes: str
    foreground: str
    background: str
    link: str


class ShownCells:
    """One terminal. A row is a list of texts and a list of styles; a wide character's second cell has an empty text."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._texts: list[list[str]] = []
        self._styles: list[list[Style]] = []
        self._codes: dict[Style, Codes] = {}

    def forget(self) -> None:
        """Somebody else has written to the terminal: all is to be sent again."""
        self._size = (0, 0)

    def fit(self, columns: int, lines: int) -> None:
        """The terminal's size, before something is drawn."""
        if (columns, lines) != self._size:
            self._size = columns, lines
            self._texts = [[_UNKNOWN] * columns for _ in range(lines)]
            self._styles = [[_NONE] * columns for _ in range(lines)]

    def draw(
        self, spans: Iterable[tuple[int, int, Iterable[Segment]]], system: ColorSystem = ColorSystem.TRUECOLOR
    ) -> str:
        """What to send, so that these are shown: each a column, a line and the segments from there on."""
        pen = _Pen(self, system)
        columns, lines = self._size
        for x, y, segments in spans:
            if not 0 <= y < lines:
                continue
            texts, styles = self._texts[y], self._styles[y]
            for text, style, control in segments:
                if control or not text:
                    continue
                style = style or _NONE
                if not text.isprintable():
                    text = _CONTROLS.sub("", text)
                cells = list(text) if text.isascii() else _cells(text)
                if x < 0 or x + len(cells) > columns:  # Textual has cut what it draws; be sure of it
                    cells = cells[max(0, -x) : max(0, columns - x)]
                    x = max(0, x)
                end = x + len(cells)
                if texts[x:end] != cells or styles[x:end] != [style] * len(cells):
                    pen.row(y, x, cells, style, texts, styles)
                x = end
        return pen.sent()

    def codes(self, style: Style, system: ColorSystem) -> Codes:
        """The parts of a style."""
        found = self._codes.get(style)
        if found is None:
            if len(self._codes) > 4096:
                self._codes.clear()
            plain = style.without_color._make_ansi_codes(system)
            color, ground = style.color, style.bgcolor
            found = self._codes[style] = Codes(
                plain,
                ";".join(color.downgrade(system).get_ansi_codes()) if color else "39",
                ";".join(ground.downgrade(system).get_ansi_codes(foreground=False)) if ground else "49",
                f"id={style._link_id};{style._link}" if style._link else "",
            )
        return found


class _Pen:
    """Writes cells, knowing where the cursor is and which style is on."""

    def __init__(self, shown: ShownCells, system: ColorSystem) -> None:
        self._shown, self._system = shown, system
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        self._style: Style | None = None
        self._codes = Codes("", "39", "49", "")

    def row(self, y: int, x: int, cells: list[str], style: Style, texts: list[str], styles: list[Style]) -> None:
        """Those of the cells that differ from what is there; then they are there."""
        changed = [
            index
            for index, cell in enumerate(cells)
            if texts[x + index] != cell or (styles[x + index] is not style and styles[x + index] != style)
        ]
        begin = end = changed[0]
        for index in [*changed[1:], len(cells) + NEAR + 1]:
            if index - end > NEAR:
                begin, end = _whole(cells, begin, end + 1)
                self._run(y, x + begin, cells[begin:end], style)
                begin = index
            end = index
        after = x + len(cells)
        if x and not texts[x]:
            texts[x - 1] = _UNKNOWN  # the terminal takes away what is left of a wide character
        if after < len(texts) and not texts[after]:
            texts[after] = _UNKNOWN
        texts[x : x + len(cells)] = cells
        styles[x : x + len(cells)] = [style] * len(cells)

    def _run(self, y: int, x: int, cells: list[str], style: Style) -> None:
        if self._at != (x, y):
            same = self._at is not None and self._at[1] == y and self._at[0] < x
            self._out.append(f"\x1b[{x - self._at[0]}C" if same and self._at else f"\x1b[{y + 1};{x + 1}H")
        if style is not self._style:
            self._pick(style)
        text = "".join(cells)
        self._out.append(text)
        # Terminals disagree about the width of some of what is not ASCII: where the cursor is then is not known.
        sure = text.isascii() or max(map(len, cells)) == 1
        self._at = (x + len(cells), y) if sure and x + len(cells) < self._shown._size[0] else None

    def _pick(self, style: Style) -> None:
        before, after = self._codes, self._shown.codes(style, self._system)
        self._style, self._codes = style, after
        if after.link != before.link:
            self._out.append(f"\x1b]8;{after.link or ';'}\x1b\\")
        if after.attributes != before.attributes:
            colors = [part for part in (after.foreground, after.background) if part not in ("39", "49")]
            self._out.append(f"\x1b[{';'.join(filter(None, ['0', after.attributes, *colors]))}m")
            return
        parts = []
        if after.foreground != before.foreground:
            parts.append(after.foreground)
        if after.background != before.background:
            parts.append(after.background)
        if parts:
            self._out.append(f"\x1b[{';'.join(parts)}m")

    def sent(self) -> str:
        if self._codes.link:
            self._out.append("\x1b]8;;\x1b\\")
        if self._style is not None:
            self._out.append(_RESET)
        return "".join(self._out)


def _cells(text: str) -> list[str]:
    """A text for each cell: what has no width belongs to the one before. As wide as rich takes it to be."""
    cells: list[str] = []
    if _JOINER in text or _EMOJI in text:
        for start, end, width in split_graphemes(text)[0]:
            if width > 0:
                cells.append(text[start:end])
                cells.extend([""] * (width - 1))
        return cells
    for character in text:
        width = get_character_cell_size(character)
        if width > 0:
            cells.append(character)
            cells.extend([""] * (width - 1))
        elif cells:
            at = len(cells) - 1
            while at > 0 and not cells[at]:
                at -= 1
            cells[at] += character
    return cells


def _whole(cells: list[str], begin: int, end: int) -> tuple[int, int]:
    """No half of a wide character."""
    while begin > 0 and not cells[begin]:
        begin -= 1
    while end < len(cells) and not cells[end]:
        end += 1
    return begin, end
