"""The output of a program, line by line: followed, searched, with or without times.

Takes pieces of output as they come, which need not be lines nor whole characters. Imports line_view and text.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from widgets.line_view import LineView
from widgets.text import coloured, plain


@dataclass(slots=True)
class LogLine:
    """One line; `text` as it was written, control sequences and all."""

    stream: str
    time: datetime
    text: str


@dataclass(slots=True)
class _Tail:
    """Where a stream writes on: its decoder, and the number of its line that has no end yet."""

    decoder: codecs.IncrementalDecoder
    line: int | None = None


class LogView(LineView):
    """Lines of standard output and standard error in the order they came."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--time", "log--stderr"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", tooltip="Stay at the end as lines come"),
        Binding("t", "times", "Times", tooltip="Show when each line was written"),
    ]
    LIMIT = 200_000
    """Lines kept; when there are more the oldest tenth goes."""
    LONGEST = 16_384
    """Characters of one line; what is longer goes on in the next."""

    times: reactive[bool] = reactive(False, repaint=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follows=True, id=id, classes=classes)
        self._lines: list[LogLine] = []
        self._tails: dict[str, _Tail] = {}

    def clear(self) -> None:
        """Forget everything: another program's output comes next."""
        self._lines, self._tails = [], {}
        self.reset_lines()

    def write(self, stream: str, time: datetime, data: bytes) -> None:
        """A piece of output of `stream` ("stdout" or "stderr"), written at `time`."""
        self.write_all([(stream, time, data)])

    def write_all(self, pieces: list[tuple[str, datetime, bytes]]) -> None:
        """Several pieces in their order: drawn once."""
        before = len(self._lines)
        first = min([before, *(tail.line for tail in self._tails.values() if tail.line is not None)])
        for stream, time, data in pieces:
            self._take(stream, time, data)
        if len(self._lines) > self.LIMIT:
            self._forget(len(self._lines) - self.LIMIT + self.LIMIT // 10)
        else:
            self.lines_changed(first, redraw=first < before)

    def _take(self, stream: str, time: datetime, data: bytes) -> None:
        tail = self._tails.get(stream)
        if tail is None:
            tail = self._tails[stream] = _Tail(codecs.getincrementaldecoder("utf-8")("replace"))
        for text in _pieces(tail.decoder.decode(data)):
            ended = text.endswith("\n")
            body = text[:-1] if ended else text
            if tail.line is None:
                tail.line = len(self._lines)
                self._lines.append(LogLine(stream, time, body))
            else:
                self._lines[tail.line].text += body
            if ended or len(self._lines[tail.line].text) > self.LONGEST:
                tail.line = None

    def _forget(self, count: int) -> None:
        del self._lines[:count]
        for tail in self._tails.values():
            if tail.line is not None:
                tail.line = tail.line - count if tail.line >= count else None
        if self.match is not None:
            self.match = None
        self.lines_changed(0, redraw=True)
        if not self.following:
            self.scroll_to(y=max(0, self.scroll_offset.y - count), animate=False)

    # --- lines ---

    def line_count(self) -> int:
        return len(self._lines)

    def line_text(self, index: int) -> str:
        return plain(self._lines[index].text)

    def line_styled(self, index: int) -> Text:
        line = self._lines[index]
        text = coloured(line.text)
        if line.stream == "stderr":
            text.stylize_before(self.get_component_rich_style("log--stderr", partial=True))
        if not self.times:
            return text
        stamp = line.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        return Text.assemble((stamp + " ", self.get_component_rich_style("log--time", partial=True)), text, end="")

    # --- keys ---

    def watch_times(self) -> None:
        self.restyle()
        self.post_message(self.Changed(self))

    def action_follow(self) -> None:
        self.following = True

    def action_times(self) -> None:
        self.times = not self.times


def _pieces(text: str) -> list[str]:
    """The text cut after each newline (and nowhere else, as `str.splitlines` would)."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
