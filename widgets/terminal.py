"""A terminal on the screen: draws an `engine.terminal.Terminal` and posts what is typed into it.

While it has the keyboard it takes every key but one, the prefix. It does so by `check_consume_key`: Textual drops the
bindings of all its ancestors for a key that the focused widget consumes, priority bindings of the app included. What
remains for the app to do: set `ESCAPE_TO_MINIMIZE = False`, for a maximized widget loses the escape key before any
binding is looked at. Imports engine.terminal, keys and Textual.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from weakref import WeakKeyDictionary

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from engine.terminal import Color, Row, Style, Terminal

from .keys import encode_key, encode_mouse, encode_paste

PREFIX = "ctrl+right_square_bracket"
WHEEL_LINES = 3
SYNCHRONIZED_PATIENCE = 0.2
"""Seconds a program may keep the screen as it was while it updates (mode 2026)."""


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


def _cursor_cell(segment: Segment, owned: bool) -> Segment:
    """The cell under the cursor: reversed while the keys go to the terminal, else underlined."""
    style = segment.style or RichStyle()
    return Segment(segment.text, style + (RichStyle(reverse=not style.reverse) if owned else RichStyle(underline=True)))


class TerminalView(Widget, can_focus=True):
    """Shows a terminal and takes keys, pastes and the mouse for it.

    `captured` says who has the keys: it is set with the focus and by a click, and cleared by the prefix key. Then keys
    go to the bindings of the app as usual, until Enter or Escape gives them back. The class `-captured` is set
    accordingly, for the border's sake.
    """

    DEFAULT_CSS = """
    TerminalView { height: 1fr; width: 1fr; }
    """

    class Input(Message):
        """Bytes for the program: keys, pastes, mouse and focus reports."""

        def __init__(self, view: TerminalView, data: bytes) -> None:
            super().__init__()
            self.view, self.data = view, data

        @property
        def control(self) -> TerminalView:
            return self.view

    class Resized(Message):
        """The view, and if it `fits` its terminal, has a new size in cells; the program's PTY should get it too."""

        def __init__(self, view: TerminalView, columns: int, lines: int) -> None:
            super().__init__()
            self.view, self.columns, self.lines = view, columns, lines

        @property
        def control(self) -> TerminalView:
            return self.view

    class Prefix(Message):
        """The prefix key was pressed: the app has the keys now."""

        def __init__(self, view: TerminalView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TerminalView:
            return self.view

    captured: reactive[bool] = reactive(False)
    fits: reactive[bool] = reactive(True)
    """Whether the terminal gets the view's size at once. Else `Resized` is only a wish, for an owner who has others to
    ask; what of the terminal is too large for the view is cut off, above the cursor and to the right."""
    placeholder: reactive[str] = reactive("No terminal")
    """Shown while there is no terminal."""

    def __init__(
        self,
        prefix: str = PREFIX,
        *,
        placeholder: str = "No terminal",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """`prefix` is the Textual name of the one key that is never sent unless pressed twice."""
        super().__init__(name=name, id=id, classes=classes)
        self.prefix = prefix
        self.set_reactive(TerminalView.placeholder, placeholder)
        self._terminal: Terminal | None = None
        self._strips: WeakKeyDictionary[Row, Strip] = WeakKeyDictionary()
        self._shown: list[Row | None] = []
        self._shown_cursor: tuple[int, int] | None = None
        self._generation = -1
        self._back = 0
        self._scrolled = 0
        self._patience: Timer | None = None

    @property
    def terminal(self) -> Terminal | None:
        """The terminal that is drawn. Setting one gives it the view's size."""
        return self._terminal

    @terminal.setter
    def terminal(self, terminal: Terminal | None) -> None:
        self._terminal = terminal
        self._back = 0
        self._scrolled = terminal.scrolled if terminal else 0
        self._fit()
        self._repaint()

    @property
    def scrolled_back(self) -> int:
        """How many lines above the bottom the view is."""
        return self._back

    # Drawing

    def refresh_screen(self) -> None:
        """To be called after the terminal was fed. Only lines that changed are drawn again, at the app's frame rate."""
        terminal = self._terminal
        if terminal is None:
            return
        if terminal.generation == self._generation and terminal.synchronized:
            if self._patience is None:
                self._patience = self.set_timer(SYNCHRONIZED_PATIENCE, self._update)
            return
        self._update()

    def _update(self) -> None:
        terminal = self._terminal
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if terminal is None:
            return
        self._generation = terminal.generation
        if self._back:  # the view stays where it is while lines arrive below
            self._back += terminal.scrolled - self._scrolled
        self._back = min(self._back, terminal.scrollback)
        self._scrolled = terminal.scrolled
        rows = self._visible_rows()
        cursor = self._cursor()
        changed = {y for y, row in enumerate(rows) if y >= len(self._shown) or row is not self._shown[y]}
        if cursor != self._shown_cursor:
            changed |= {each[1] for each in (cursor, self._shown_cursor) if each}
        self._shown, self._shown_cursor = rows, cursor
        self._refresh_lines(changed)

    def _visible_rows(self) -> list[Row | None]:
        terminal = self._terminal
        if terminal is None:
            return []
        first, end = self._top - self._back, terminal.lines
        return [terminal.row(y) if y < end else None for y in range(first, first + self.content_size.height)]

    @property
    def _top(self) -> int:
        """The line of the terminal that is the view's first when it is not scrolled back."""
        if self._terminal is None or self.fits:
            return 0
        return max(0, self._terminal.cursor[1] + 1 - self.content_size.height)

    def _refresh_lines(self, lines: set[int]) -> None:
        """Refreshes the lines, those that follow one another as one region."""
        width = self.content_size.width
        numbered = enumerate(sorted(lines))
        runs = [[y for _, y in run] for _, run in groupby(numbered, lambda each: each[1] - each[0])]
        if runs and width:
            self.refresh(*(Region(0, run[0], width, len(run)) for run in runs))

    def _repaint(self) -> None:
        self._shown, self._shown_cursor, self._generation = [], None, -1
        self._update()
        self.refresh()

    def _cursor(self) -> tuple[int, int] | None:
        """Where on the view the cursor is drawn."""
        terminal = self._terminal
        if terminal is None or not terminal.cursor_visible:
            return None
        x, y = terminal.cursor
        y += self._back - self._top
        return (x, y) if x < self.content_size.width and y < self.content_size.height else None

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        base = self.rich_style
        if self._terminal is None:
            return self._placeholder_line(y, width, base)
        row = self._shown[y] if y < len(self._shown) else None
        if row is None:
            return Strip.blank(width, base)
        strip = self._strips.get(row)
        if strip is None:
            strip = self._strips[row] = self._drawn(row, base)
        strip = strip.adjust_cell_length(width, base)
        if self._shown_cursor is not None and self._shown_cursor[1] == y:
            strip = self._with_cursor(strip, row, self._shown_cursor[0], width)
        if self._back and y == 0:
            mark = Strip([Segment(f" {self._back} lines back ", base + RichStyle(reverse=True))])
            if mark.cell_length < width:
                strip = Strip.join([strip.crop(0, width - mark.cell_length), mark])
        return strip

    def _drawn(self, row: Row, base: RichStyle) -> Strip:
        palette = self._palette()
        segments = [Segment(text, _rich_style(style, base, palette)) for text, style in row.spans()]
        return Strip(segments, len(row.line[0]))

    def _palette(self) -> tuple[str, ...]:
        """The first 16 colours for the app's theme; none of them when it leaves colours to the outer terminal."""
        if self.app.native_ansi_color:
            return ()
        return DARK_COLORS if self.app.current_theme.dark else LIGHT_COLORS

    def _with_cursor(self, strip: Strip, row: Row, x: int, width: int) -> Strip:
        if x > 0 and row.is_wide(x - 1):
            x -= 1
        end = x + 1 + row.is_wide(x)
        if end > width:
            return strip
        left, under, right = strip.divide([x, end, width])
        owned = self.has_focus and self.captured
        return Strip.join([left, Strip(_cursor_cell(segment, owned) for segment in under), right])

    def _placeholder_line(self, y: int, width: int, base: RichStyle) -> Strip:
        texts = self.placeholder.splitlines()
        at = y - max(0, (self.content_size.height - len(texts)) // 2)
        if not 0 <= at < len(texts):
            return Strip.blank(width, base)
        text = texts[at][:width]
        left = Segment(" " * ((width - len(text)) // 2), base)
        return Strip([left, Segment(text, base + RichStyle(dim=True))]).adjust_cell_length(width, base)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def watch_fits(self) -> None:
        self._fit()
        self._repaint()

    def watch_placeholder(self) -> None:
        self.refresh()

    def watch_captured(self, captured: bool) -> None:
        self.set_class(captured, "-captured")
        self.refresh_bindings()
        self._refresh_cursor()

    def _refresh_cursor(self) -> None:
        if self._shown_cursor is not None:
            self._refresh_lines({self._shown_cursor[1]})

    # Size

    def on_resize(self) -> None:
        self._fit()
        self._repaint()

    def on_show(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Gives the terminal the view's size, unless the view has none (it is hidden)."""
        columns, lines = self.content_size
        terminal = self._terminal
        if terminal is None or not columns or not lines or (columns, lines) == (terminal.columns, terminal.lines):
            return
        if self.fits:
            terminal.resize(columns, lines)
        self.post_message(self.Resized(self, columns, lines))

    # Scrolling back

    def scroll_back(self, lines: int) -> None:
        """Moves the view up by `lines`, down if it is less than 0, within the scrollback."""
        if self._terminal is not None:
            back = max(0, min(self._back + lines, self._terminal.scrollback))
            if back != self._back:
                self._back = back
                self._repaint()

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self._terminal is not None and self.captured and key != self.prefix

    def on_focus(self) -> None:
        self.captured = True
        self._report_focus(b"\x1b[I")

    def on_blur(self) -> None:
        self.captured = False
        self._report_focus(b"\x1b[O")

    def _report_focus(self, data: bytes) -> None:
        if self._terminal is not None and self._terminal.focus_reports:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if data:
            self.post_message(self.Input(self, data))

    def on_key(self, event: events.Key) -> None:
        terminal = self._terminal
        if terminal is None:
            return
        if not self.captured:
            if event.key not in (self.prefix, "enter", "escape"):
                return
            self.captured = True
            if event.key != self.prefix:
                event.stop()
                event.prevent_default()
                return
        elif event.key == self.prefix:
            self.captured = False
            self.post_message(self.Prefix(self))
            event.stop()
            event.prevent_default()
            return
        event.stop()
        event.prevent_default()
        if event.key in ("shift+pageup", "shift+pagedown"):
            page = max(1, self.content_size.height - 1)
            self.scroll_back(page if event.key == "shift+pageup" else -page)
            return
        self.scroll_back(-self._back)
        self._send(encode_key(event.key, event.character, terminal.application_cursor_keys))

    def on_paste(self, event: events.Paste) -> None:
        if self._terminal is not None and self.captured:
            event.stop()
            self.scroll_back(-self._back)
            self._send(encode_paste(event.text, self._terminal.bracketed_paste))

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.captured = self.has_focus
        if self._wants_mouse(event):
            self.capture_mouse()
            self._send_mouse(event, event.button - 1, True)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.release_mouse()
        if self._wants_mouse(event) and self._terminal is not None and self._terminal.mouse != 9:
            self._send_mouse(event, event.button - 1, False)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        wanted = self._terminal.mouse if self._terminal is not None else 0
        if self._wants_mouse(event) and (wanted == 1003 or (wanted == 1002 and event.button)):
            self._send_mouse(event, 32 + (event.button - 1 if event.button else 3), True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 64)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 65)

    def _wheel(self, event: events.MouseEvent, button: int) -> None:
        """To the program when it asked for the mouse; as arrow keys to any other on the alternate screen (as most
        terminals do, so that less scrolls); else through the scrollback."""
        terminal = self._terminal
        if terminal is None:
            return
        event.stop()
        event.prevent_default()
        up = button == 64
        if self._wants_mouse(event):
            self._send_mouse(event, button, True)
        elif terminal.alternate:
            self._send(encode_key("up" if up else "down", None, terminal.application_cursor_keys) * WHEEL_LINES)
        else:
            self.scroll_back(WHEEL_LINES if up else -WHEEL_LINES)

    def _wants_mouse(self, event: events.MouseEvent) -> bool:
        """Whether the event is the program's: with shift it stays ours, as in every terminal."""
        return self._terminal is not None and self._terminal.mouse > 0 and not event.shift and not self._back

    def _send_mouse(self, event: events.MouseEvent, button: int, pressed: bool) -> None:
        terminal = self._terminal
        if terminal is None:
            return
        event.stop()
        x, y = event.get_content_offset_capture(self)
        x, y = max(0, min(x, terminal.columns - 1)), max(0, min(y, terminal.lines - 1))
        button += 8 * event.meta + 16 * event.ctrl
        self._send(encode_mouse(button, x, y, pressed, 1006 if terminal.mouse_sgr else 1000))
