"""Tables for people: columns as wide as their widest cell, three spaces apart, nothing that steers the terminal."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "   "


def printable(text: str) -> str:
    """The text with control characters written out: what a container says must not steer the user's terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def shortened(text: str, width: int) -> str:
    """At most `width` characters, the last one an ellipsis where something was cut off."""
    return text if len(text) <= width else text[: width - 1] + "…"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table's lines, joined; no line ends in spaces."""
    lines = [[printable(cell) for cell in row] for row in (headings, *rows)]
    widths = [max(map(_cells, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(cell + " " * (width - _cells(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth  # 25 ms to import; most tables do without

    return max(wcswidth(text), 0)
