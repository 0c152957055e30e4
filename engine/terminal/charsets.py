"""Character sets: what the 94 graphic characters of ASCII mean while another set is shifted in.

Four sets are designated, G0 to G3; one of them is in use (a locking shift), or for one character another one (a single
shift). Imports nothing of the package.

Sources: ISO 2022, the VT220 and VT420 manuals, xterm's ctlseqs. A set that is not in the table counts as ASCII; so do
the national ones, which a terminal that speaks UTF-8 leaves alone.
"""

from __future__ import annotations

from typing import NamedTuple

ASCII = "B"
_LINE_DRAWING = {0x5F + i: c for i, c in enumerate(" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")}
_SUPPLEMENTAL = {code: chr(code + 0x80) for code in range(0x21, 0x7F)} | {
    0x28: "¤",
    0x57: "Œ",
    0x5D: "Ÿ",
    0x77: "œ",
    0x7D: "ÿ",
    **dict.fromkeys((0x24, 0x26, 0x2C, 0x2D, 0x2E, 0x2F, 0x34, 0x38, 0x3E, 0x50, 0x5E, 0x70, 0x7E), "\ufffd"),
}
TABLES: dict[str, dict[int, str]] = {"0": _LINE_DRAWING, "A": {0x23: "£"}, "<": _SUPPLEMENTAL, "%5": _SUPPLEMENTAL}


class Charsets(NamedTuple):
    """G0 to G3, which of them is in use, and which one (2 or 3) for the next character only."""

    sets: tuple[str, str, str, str] = (ASCII, ASCII, ASCII, ASCII)
    locked: int = 0
    single: int = 0

    @property
    def plain(self) -> bool:
        """Whether characters are what they are."""
        return not self.single and self.sets[self.locked] not in TABLES

    def designated(self, index: int, name: str) -> Charsets:
        """With the set of this name as G0 to G3."""
        name = name if name in TABLES else ASCII
        g0, g1, g2, g3 = (name if at == index else old for at, old in enumerate(self.sets))
        return self._replace(sets=(g0, g1, g2, g3))

    def mapped(self, text: str) -> str:
        """What the text means; the caller takes a single shift back."""
        first = ""
        if self.single:
            first, text = text[:1].translate(TABLES.get(self.sets[self.single], {})), text[1:]
        return first + text.translate(TABLES.get(self.sets[self.locked], {}))
