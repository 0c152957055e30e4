"""The output of programs, line by line: followed, paused, searched, filtered, wrapped, with or without times.

Owns what is shown and where one is; the lines are kept in `log_lines`. Imports line_view, log_lines and text.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive

from widgets.line_view import LineView
from widgets.log_lines import LogLine, LogLines, Sieve
from widgets.matching import Matcher, matcher
from widgets.text import coloured

Piece = tuple[str, datetime, bytes]
"""A stream ("stdout" or "stderr"), a time, and what was written."""
TIMES = ("", "time", "relative", "full")
COLOURS = 8


class LogView(LineView):
    """Lines of standard output and standard error in the order they came."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time",
        "log--stderr",
        "log--near",
        *(f"log--source-{number}" for number in range(COLOURS)),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,F", "follow", "Follow", id="logs.follow", tooltip="Stay at the end as lines come"),
        Binding("p", "pause", "Pause", id="logs.pause", tooltip="Show nothing new; it is collected, and shown later"),
        Binding("t", "times", "Times", id="logs.times", tooltip="Times: of day, since the start, with the date, none"),
        Binding("w", "wrap", "Wrap", id="logs.wrap", tooltip="Wrap long lines, or cut them at the edge"),
        Binding(
            "plus,equals_sign",
            "context(1)",
            "Lines around",
            id="logs.more-context",
            show=False,
            tooltip="Show more lines around those that the filter lets through",
        ),
        Binding(
            "minus",
            "context(-1)",
            "Fewer around",
            id="logs.less-context",
            show=False,
            tooltip="Show fewer lines around those that the filter lets through",
        ),
    ]
    LIMIT = 200_000
    """Lines kept; when there are more the oldest tenth goes."""
    SIZE = 32 * 1024 * 1024
    """Characters kept."""
    LONGEST = 16_384
    """Characters of one line; what is longer goes on in the next."""
    WAITING = 16 * 1024 * 1024
    """Bytes collected during a pause; when there are more the oldest go."""

    times: reactive[str] = reactive("", repaint=False)
    """Which times stand before the lines: one of TIMES."""
    wrap: reactive[bool] = reactive(False, repaint=False)
    paused: reactive[bool] = reactive(False, repaint=False)
    filter: reactive[str] = reactive("", repaint=False)
    """Only such lines are shown: words, `/a regular expression/`, either after `!` for lines without."""
    around: reactive[int] = reactive(0, repaint=False)
    """How many lines before and after those that the filter lets through are shown."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(follows=True, id=id, classes=classes)
        self._kept = LogLines(self.LIMIT, self.SIZE, self.LONGEST)
        self._only = Matcher("")
        self._sieve: Sieve | None = None
        self._rows: list[int] = []  # when wrapped: rows up to the end of each line that is shown
        self._waiting: deque[tuple[list[Piece], str]] = deque()
        self._waiting_bytes = self._lost = 0
        self.waiting_lines = 0
        """How many lines came during the pause, or nearly so."""
        self._left_at = 0  # the number of the next line when the end was left
        self._errors = False  # there is standard error, so the streams are told apart
        self.sources: Sequence[str] = ()
        """Whose lines these are; with more than one, the name stands before each line."""
        self.since: datetime | None = None
        """What relative times are relative to; None: the first line."""

    def clear(self) -> None:
        """Forget everything: another program's output comes next."""
        self._kept = LogLines(self.LIMIT, self.SIZE, self.LONGEST)
        self._sieve = Sieve(self._kept, self._only, self.around) if self._only else None
        self._forget_waiting()
        self._rows, self._errors, self._left_at = [], False, 0
        self.set_reactive(LogView.paused, False)
        self.reset_lines()

    def write(self, stream: str, time: datetime, data: bytes) -> None:
        """A piece of output of `stream` ("stdout" or "stderr"), written at `time`."""
        self.write_all([(stream, time, data)])

    def write_all(self, pieces: list[Piece], source: str = "") -> None:
        """Several pieces in their order: drawn once; in a pause later."""
        if self.paused:
            self._keep_waiting(pieces, source)
        elif pieces:
            self._write([(pieces, source)])

    def _write(self, batches: Sequence[tuple[list[Piece], str]]) -> None:
        kept, before, errors = self._kept, self._kept.end, self._errors
        changed = before
        for pieces, source in batches:
            for stream, time, data in pieces:
                self._errors |= stream == "stderr"
                changed = min(changed, kept.take(stream, time, data, source))
        if len(self.sources) > 1:
            changed = min(changed, kept.order(before))
        gone = kept.forget()
        if gone:
            self._move_up(gone)
        if errors != self._errors:  # a mark stands before all lines now
            self._rows = []
            changed = kept.first
        self._changed(max(changed, kept.first), redraw=bool(gone) or changed < before)

    def _take(self, stream: str, time: datetime, data: bytes) -> None:
        self._kept.take(stream, time, data)

    def _changed(self, number: int, *, redraw: bool) -> None:
        """Lines from this number on are new or different."""
        before = self.line_count()
        place = self._sieve.look(number) if self._sieve is not None else number - self._kept.first
        self._lay_out(place)
        self.lines_changed(place, redraw=redraw or place < before)

    def _move_up(self, gone: int) -> None:
        """The oldest lines are gone: what is looked at stays where it is."""
        count = self._sieve.forget() if self._sieve is not None else gone
        rows = self._rows[min(count, len(self._rows)) - 1] if self.wrap and count and self._rows else count
        self._rows = [row - rows for row in self._rows[count:]]
        self.lines_gone(count)
        if not self.following:
            self.scroll_to(y=max(0, self.scroll_offset.y - rows), animate=False)

    # --- the pause ---

    def _keep_waiting(self, pieces: list[Piece], source: str) -> None:
        self._waiting.append((pieces, source))
        self._waiting_bytes += _bytes(pieces)
        self.waiting_lines += sum(data.count(b"\n") for _, _, data in pieces)
        while self._waiting_bytes > self.WAITING and len(self._waiting) > 1:
            gone, _ = self._waiting.popleft()
            self._waiting_bytes -= _bytes(gone)
            self._lost += sum(data.count(b"\n") for _, _, data in gone)
        self.post_message(self.Changed(self))

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = self.waiting_lines = self._lost = 0

    def watch_paused(self, paused: bool) -> None:
        if not paused:
            waiting = list(self._waiting)
            if self._lost:
                pieces, source = waiting[0]
                note = f"[heliostui: {self._lost:,} lines that came in the pause are not kept]\n".encode()
                waiting[0] = ([("stderr", pieces[0][1], note), *pieces], source)
            self._forget_waiting()
            if waiting:
                self._write(waiting)
        self.post_message(self.Changed(self))

    # --- lines ---

    def _line(self, index: int) -> LogLine:
        if self._sieve is not None:
            index = self._sieve.numbers[index] - self._kept.first
        return self._kept.kept[index]

    def line_count(self) -> int:
        return len(self._sieve.numbers) if self._sieve is not None else len(self._kept.kept)

    def line_text(self, index: int) -> str:
        return self._line(index).plain

    def line_styled(self, index: int) -> Text:
        line = self._line(index)
        text = coloured(line.text)
        if line.stream == "stderr":
            text.stylize_before(self.get_component_rich_style("log--stderr", partial=True))
        if self._sieve is not None and not self._sieve.matches(line.number):
            text.stylize(self.get_component_rich_style("log--near", partial=True))
        before = self._before(line)
        if not before:
            return text
        return Text.assemble(
            *((words, self.get_component_rich_style(name, partial=True)) for words, name in before), text, end=""
        )

    def _before(self, line: LogLine) -> list[tuple[str, str]]:
        """What stands before a line, with the component class of each part: its time, whose it is, which stream."""
        parts = []
        if self.times:
            parts.append((self._stamp(line.time) + " ", "log--time"))
        if len(self.sources) > 1:
            width = min(16, max(map(cell_len, self.sources)))
            place = self.sources.index(line.source) if line.source in self.sources else 0
            parts.append((f"{line.source[:width]:<{width}} ", f"log--source-{place % COLOURS}"))
        if self._errors:
            parts.append(("! ", "log--stderr") if line.stream == "stderr" else ("  ", "log--time"))
        return parts

    def _stamp(self, time: datetime) -> str:
        if self.times == "relative":
            since = self.since if self.since is not None else self._kept.kept[0].time
            return f"{(time - since).total_seconds():+12.3f}"
        form = "%Y-%m-%d %H:%M:%S.%f" if self.times == "full" else "%H:%M:%S.%f"
        return time.astimezone().strftime(form)[:-3]

    @property
    def total(self) -> int:
        """How many lines are kept, whether they are shown or not."""
        return len(self._kept.kept)

    @property
    def kept_size(self) -> int:
        """Characters that are kept."""
        return self._kept.characters

    @property
    def dropped(self) -> int:
        """How many lines are not kept any more."""
        return self._kept.first

    @property
    def unseen(self) -> int:
        """How many lines have come since the end was left."""
        return 0 if self.following else max(0, self._kept.end - self._left_at)

    @property
    def matching(self) -> int:
        """How many lines the filter lets through, without those around them."""
        return self._sieve.matching if self._sieve is not None else self.total

    def shown_text(self) -> str:
        """All that is shown, as text: with what stands before the lines, without colours."""
        lines = (self._line(index) for index in range(self.line_count()))
        return "".join("".join(words for words, _ in self._before(line)) + line.plain + "\n" for line in lines)

    def go_to_time(self, time: datetime) -> None:
        """Show the first line that is not older."""
        numbers = range(self.line_count())
        index = bisect_left(numbers, time, key=lambda index: self._line(index).time)
        self.following = False
        self.scroll_to(y=self.row_of(min(index, max(0, self.line_count() - 1))), animate=False)

    # --- the filter ---

    @property
    def only(self) -> Matcher:
        """What `filter` means."""
        return self._only

    def watch_filter(self) -> None:
        self._only = matcher(self.filter, inverse=True)
        self._choose()

    def watch_around(self) -> None:
        if self._sieve is not None:
            self._choose()

    def _choose(self) -> None:
        """Other lines are shown; the one at the top stays, or the next after it."""
        top = self._line(self._top_line()).number if self._top_line() < self.line_count() else self._kept.end
        follows = self.following
        self._sieve = Sieve(self._kept, self._only, self.around) if self._only else None
        if self._sieve is not None:
            self._sieve.look(self._kept.first)
        self._lay_out(0)
        self._widest = 0
        if self.match is not None:
            self.match = None
        self.lines_changed(0, redraw=True)
        if not follows:
            index = bisect_left(range(self.line_count()), top, key=lambda index: self._line(index).number)
            self.scroll_to(y=self.row_of(min(index, max(0, self.line_count() - 1))), animate=False, force=True)

    # --- wrapping ---

    def _begins(self, line: LogLine) -> list[int]:
        """In which cells the rows of a line begin."""
        width = max(1, self.size.width)
        text = "".join(words for words, _ in self._before(line)) + line.plain
        if text.isascii():
            return list(range(0, max(1, len(text)), width))
        begins, used = [0], 0
        for character in text:
            cells = cell_len(character)
            if used + cells - begins[-1] > width:
                begins.append(used)
            used += cells
        return begins

    def _lay_out(self, first: int) -> None:
        """Count the rows of lines from this place on."""
        if self.wrap and self.line_count():
            del self._rows[first:]
            rows = self._rows[-1] if self._rows else 0
            width = max(1, self.size.width)
            before = sum(cell_len(words) for words, _ in self._before(self._line(0)))  # the same for all
            for index in range(first, self.line_count()):
                line = self._line(index)
                text = line.plain
                rows += max(1, -(-(before + len(text)) // width)) if text.isascii() else len(self._begins(line))
                self._rows.append(rows)

    def row_count(self) -> int:
        return (self._rows[-1] if self._rows else 0) if self.wrap else self.line_count()

    def line_at(self, row: int) -> tuple[int, int]:
        if not self.wrap:
            return row, 0
        index = bisect_right(self._rows, row)
        return index, self._begins(self._line(index))[row - self.row_of(index)]

    def row_of(self, index: int) -> int:
        return (self._rows[index - 1] if index else 0) if self.wrap else index

    def _resize(self, count: int) -> None:
        if self.wrap:
            self.virtual_size = Size(self.size.width, count)
        else:
            super()._resize(count)

    def _lay_out_anew(self) -> None:
        """Rows are different ones; the line at the top stays there."""
        top = self._top_line()
        self._rows = []
        self._lay_out(0)
        self.restyle()
        self._resize(self.row_count())
        if self.following:
            self._to_end()
        elif top < self.line_count():
            self.scroll_to(y=self.row_of(top), animate=False, force=True)
        self.post_message(self.Changed(self))

    def on_resize(self, event: events.Resize) -> None:
        if self.wrap:
            self._lay_out_anew()
        super().on_resize(event)

    def watch_wrap(self) -> None:
        top = self.scroll_offset.y if self.wrap else bisect_right(self._rows, self.scroll_offset.y)
        self._rows = []
        self._lay_out(0)
        self.scroll_to(x=0, animate=False)
        self.restyle()
        self._resize(self.row_count())
        if self.following:
            self._to_end()
        else:
            self.scroll_to(y=self.row_of(min(top, self.line_count())), animate=False, force=True)
        self.post_message(self.Changed(self))

    # --- keys ---

    def watch_following(self, following: bool) -> None:
        self._left_at = self._kept.end
        super().watch_following(following)

    def watch_times(self) -> None:
        self._widest = 0
        self._lay_out_anew()

    def action_follow(self) -> None:
        self.paused = False
        self.following = True

    def action_pause(self) -> None:
        self.paused = not self.paused

    def action_times(self) -> None:
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]

    def action_wrap(self) -> None:
        self.wrap = not self.wrap

    def action_context(self, by: int) -> None:
        self.around = min(99, max(0, self.around + by))

    def action_edge(self, last: bool) -> None:
        if last:
            self.paused = False
        super().action_edge(last)


def _bytes(pieces: list[Piece]) -> int:
    return sum(len(data) for _, _, data in pieces)
