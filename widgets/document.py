"""A value of objects, lists and scalars shown as coloured, indented JSON. Imports line_view."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from rich.text import Text

from widgets.line_view import LineView

_LINE = re.compile(
    r'^(?P<indent> *)(?:(?P<key>"(?:[^"\\]|\\.)*")(?P<colon>: ))?'
    r'(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null)|(?P<bracket>[\[\]{}]+))?(?P<comma>,?)$'
)


class Document(LineView):
    """One JSON document."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "document--key",
        "document--string",
        "document--number",
        "document--word",
        "document--bracket",
    }

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[str] = []

    def show(self, value: Any) -> None:
        """Show the value (what `json.dumps` takes). The place stays when only some of it is different."""
        lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n") if value is not None else []
        if lines != self._lines:
            top = self.scroll_offset
            self._lines = lines
            self.reset_lines()
            self.scroll_to(top.x, top.y, animate=False)

    def line_count(self) -> int:
        return len(self._lines)

    def line_text(self, index: int) -> str:
        return self._lines[index]

    def line_styled(self, index: int) -> Text:
        text = Text(self._lines[index], end="")
        for start, end, kind in colours(self._lines[index]):
            text.stylize(self.get_component_rich_style(f"document--{kind}", partial=True), start, end)
        return text


def colours(line: str) -> list[tuple[int, int, str]]:
    """Where a line as `json.dumps` indents it has a key, bracket, string, number or word: start, end, kind."""
    match = _LINE.match(line)
    if match is None:
        return []
    kinds = {"key": "key", "colon": "bracket", "comma": "bracket"}
    found = [
        (*match.span(name), kinds.get(name, name)) for name in _LINE.groupindex if name != "indent" and match[name]
    ]
    return sorted(found)
