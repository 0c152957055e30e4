"""Numbers three lines high, to be read from far away; the digits are Textual's. Imports Textual only."""

from __future__ import annotations

from textual.renderables.digits import DIGITS, DIGITS3X3_BOLD

LINES = 3


def big(text: str) -> list[str]:
    """A text as three lines. What has no large form stands at the bottom as it is."""
    lines = ["", "", ""]
    for character in text:
        place = DIGITS.find(character)
        if place > 0:
            glyph = DIGITS3X3_BOLD[place * 3 : place * 3 + 3]
        else:
            glyph = ["", "", "•" if character == "." else character]
        width = max(map(len, glyph))
        lines = [line + part.ljust(width) for line, part in zip(lines, glyph, strict=True)]
    return lines
