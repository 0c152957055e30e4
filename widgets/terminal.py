"""A terminal on the screen: draws an `engine.terminal.Terminal` and posts what is typed into it.

While it has the keyboard it takes every key but one, the prefix. It does so by `check_consume_key`: Textual drops the
bindings of all its ancestors for a key that the focused widget consumes, priority bindings of the app included. What
remains for the app to do: set `ESCAPE_TO_MINIMIZE = False`, for a maximized widget loses the escape key before any
binding is looked at. Without the keyboard it can be read: scrolled, searched, copied from.

The mouse is in pointer, selecting by keyboard in copy_mode, colours in terminal_drawing. Imports these,
engine.terminal and Textual.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from time import monotonic
from typing import ClassVar
from weakref import WeakKeyDictionary

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from engine.terminal import Row, Terminal

from .copy_mode import CopyMode
from .keys import encode_key, encode_paste
from .once import after
from .own_class import set_own_class
from .passage import Link, Place, first_line, last_line, link_at, prompt_from
from .pointer import Pointer
from .quick_screen import QuickScreen
from .scrollback_search import ScrollbackSearch
from .search_line import SearchLine
from .selection import Selection
from .terminal_drawing import DARK_COLORS, LIGHT_COLORS, drawn, overlaid, reversed_base, with_cursor

BACKSPACE_KEY = 67  # the mode in which the backspace key sends BS (DECBKM)
PREFIX = "ctrl+right_square_bracket"
SYNCHRONIZED_PATIENCE = 0.2
"""Seconds a program may keep the screen as it was while it updates (mode 2026)."""
FULL_PERIOD = 0.05
"""Seconds between two drawings when most lines change: a flood is no film."""
SEARCH_PERIOD = 0.5
"""Seconds after which a search looks through what has been written since."""
BELL_TIME = 0.8
"""Seconds the bell is shown."""

Overlay = tuple[int, int, str]
"""Cells from the first to after the last, and the component class that says how they look."""
Look = tuple[Row | None, tuple[Overlay, ...], tuple[int, int, bool] | None, str]
"""All that decides how a line of the view looks: row, overlays, cursor (column, shape, owned), mark."""


def _encoded(event: events.Key, terminal: Terminal) -> bytes:
    """What a key sends in the modes the terminal is in."""
    keypad = getattr(event, "keypad", "") if terminal.application_keypad else ""
    data = encode_key(event.key, event.character, terminal.application_cursor_keys, keypad)
    if data == b"\r" and terminal.newline:
        return b"\r\n"
    return b"\b" if data == b"\x7f" and BACKSPACE_KEY in terminal.modes else data


class TerminalView(Widget, can_focus=True):
    """Shows a terminal and takes keys, pastes and the mouse for it.

    `captured` says who has the keys: it is set with the focus and by a click, and cleared by the prefix key. Then keys
    go to the bindings of the view and the app as usual, until Enter or Escape gives them back. The class `-captured`
    is set accordingly, for the border's sake.
    """

    ALLOW_SELECT = False  # Textual's own selection; ours follows the scrollback
    DEFAULT_CSS = """
    TerminalView {
        height: 1fr;
        width: 1fr;
        & SearchLine { dock: bottom; height: 1; }
        & .terminal--selection { background: $primary 35%; }
        & .terminal--match { background: $warning 35%; }
        & .terminal--current-match { background: $accent; color: $background; text-style: bold; }
        & .terminal--link { text-style: underline; }
        & .terminal--copy-cursor { text-style: reverse; }
        & .terminal--mark { background: $panel; color: $foreground; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "terminal--selection",
        "terminal--match",
        "terminal--current-match",
        "terminal--link",
        "terminal--copy-cursor",
        "terminal--mark",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash", "search", "Search", key_display="/", tooltip="Find text in all it has shown", id="screen.search"
        ),
        Binding("n", "match(1)", "Next match", tooltip="Go to the next match", id="screen.next-match"),
        Binding(
            "N", "match(-1)", "Previous match", show=False, tooltip="Go to the match before", id="screen.match-before"
        ),
        Binding("v", "copy_mode", "Copy", tooltip="Select and copy by keyboard", id="screen.copy"),
        Binding("o", "link", "Link", show=False, tooltip="Go to the last link; Enter opens it", id="screen.link"),
        Binding(
            "left_curly_bracket",
            "prompt(-1)",
            "Prompt",
            show=False,
            tooltip="Back to the prompt before",
            id="screen.prompt-before",
        ),
        Binding(
            "right_curly_bracket",
            "prompt(1)",
            "Prompt",
            show=False,
            tooltip="On to the next prompt",
            id="screen.next-prompt",
        ),
        Binding("up,k", "scroll(1)", "Up", show=False, id="screen.up", tooltip="A line back"),
        Binding("down,j", "scroll(-1)", "Down", show=False, id="screen.down", tooltip="A line forward"),
        Binding("pageup,b", "page(1)", "Page up", show=False, tooltip="A screen back", id="screen.page-up"),
        Binding(
            "pagedown,space", "page(-1)", "Page down", show=False, tooltip="A screen forward", id="screen.page-down"
        ),
        Binding("home,g", "edge(True)", "Oldest", show=False, tooltip="To the oldest line", id="screen.oldest"),
        Binding("end,G", "edge(False)", "Newest", show=False, tooltip="To the newest line", id="screen.newest"),
    ]

    class ViewMessage(Message):
        """What a view has to say."""

        def __init__(self, view: TerminalView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> TerminalView:
            return self.view

    class Input(ViewMessage):
        """Bytes for the program: keys, pastes, mouse and focus reports."""

        def __init__(self, view: TerminalView, data: bytes) -> None:
            super().__init__(view)
            self.data = data

    class Resized(ViewMessage):
        """The view, and if it `fits` its terminal, has a new size in cells; the program's PTY should get it too."""

        def __init__(self, view: TerminalView, columns: int, lines: int) -> None:
            super().__init__(view)
            self.columns, self.lines = columns, lines

    class Prefix(ViewMessage):
        """The prefix key was pressed: the app has the keys now."""

    class Copied(ViewMessage):
        """The user copied this text."""

        def __init__(self, view: TerminalView, text: str) -> None:
            super().__init__(view)
            self.text = text

    class LinkOpened(ViewMessage):
        """The user wants to go where a link leads: an address of http, https, file or mailto."""

        def __init__(self, view: TerminalView, url: str) -> None:
            super().__init__(view)
            self.url = url

    captured: reactive[bool] = reactive(False)
    fits: reactive[bool] = reactive(True)
    """Whether the terminal gets the view's size at once. Else `Resized` is only a wish, for an owner who has others to
    ask; what of the terminal is too large for the view is cut off, above the cursor and to the right."""
    ended: reactive[bool] = reactive(False)
    """Whether nobody listens to keys any more; what the terminal shows can still be read."""
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
        self._pointer = Pointer(self)
        self._strips: WeakKeyDictionary[Row, Strip] = WeakKeyDictionary()
        self._base: RichStyle | None = None
        self._looks: list[Look] = []
        self._generation = -1
        self._ground: tuple[int, bool, bool] | None = None
        self._back = 0
        self._scrolled = 0
        self._bells = 0
        self._bell: Timer | None = None
        self._pending: Timer | None = None
        self._full_at = 0.0
        self._selection: Selection | None = None
        self._copy: CopyMode | None = None
        self._hovered: Link | None = None
        self._search: ScrollbackSearch | None = None
        self._searching: Timer | None = None
        self._search_from = 0
        self._stays_released = False

    def compose(self) -> ComposeResult:
        yield SearchLine("what to search for")

    @property
    def terminal(self) -> Terminal | None:
        """The terminal that is drawn. Setting one gives it the view's size. A view that is scrolled back stays with the
        lines it shows, if the new terminal has them too."""
        return self._terminal

    @terminal.setter
    def terminal(self, terminal: Terminal | None) -> None:
        self._terminal = terminal
        self._back = self._same_lines(terminal) if terminal and self._back else 0
        self._scrolled = terminal.scrolled if terminal else 0
        self._bells = terminal.bells if terminal else 0
        self._ground = None
        self._pointer.forget()
        self._search = None
        self._fit()
        self._repaint()

    def _same_lines(self, terminal: Terminal) -> int:
        """How far back another terminal has the lines that are shown; 0 when it has not."""
        shown = [look[0].text for look in self._looks if look[0] is not None]
        for back in range(len(shown), terminal.scrollback + 1):
            if all(terminal.row(y - back).text == text for y, text in enumerate(shown)):
                return back
        return 0

    @property
    def scrolled_back(self) -> int:
        """How many lines above the bottom the view is."""
        return self._back

    @property
    def reading(self) -> bool:
        """Whether the keyboard selects (copy mode)."""
        return self._copy is not None

    # Following the terminal

    def refresh_screen(self) -> None:
        """To be called after the terminal was fed. Only lines that changed are drawn again, at the app's frame rate."""
        terminal = self._terminal
        if terminal is None or self._pending is not None:
            return
        if terminal.generation == self._generation and terminal.synchronized:
            self._pending = after(self, SYNCHRONIZED_PATIENCE, self._update)
        elif (wait := self._full_at + FULL_PERIOD - monotonic()) > 0:
            self._pending = after(self, wait, self._update)
        else:
            self._update()

    def _update(self) -> None:
        """Draws what looks different now."""
        if self._pending is not None:
            self._pending.stop()
            self._pending = None
        terminal = self._terminal
        if terminal is None:
            return
        self._follow(terminal)
        self._generation = terminal.generation
        looks = self._looks_now(terminal)
        before: list[Look | None] = [*self._looks, *[None] * (len(looks) - len(self._looks))]
        changed = {y for y, look in enumerate(looks) if look != before[y]}
        self._looks = looks
        if len(changed) > len(looks) // 2:
            self._full_at = monotonic()
        self._refresh_lines(changed)

    def _follow(self, terminal: Terminal) -> None:
        """Takes note of what the terminal did: lines that scrolled off, another width or screen, the bell."""
        ground = (terminal.columns, terminal.alternate, terminal.reverse_video)
        if ground != self._ground:
            if self._ground is not None:
                self._selection = self._copy = self._hovered = None
                self._scrolled = terminal.scrolled  # another width counts lines anew
                self._look_again_later()
            self._ground = ground
            self._strips.clear()
        if self._back or self._copy or self._pointer.dragging:  # the view stays where it is while lines arrive below
            self._back += terminal.scrolled - self._scrolled
        if terminal.scrolled != self._scrolled or terminal.generation != self._generation:
            self._look_again_later()
        self._back = max(0, min(self._back, terminal.scrollback))
        self._scrolled = terminal.scrolled
        if self._selection is not None and not self._pointer.dragging and not self._selection.stands(terminal):
            self._selection = None
        if terminal.bells != self._bells:
            self._bells = terminal.bells
            self._ring()

    def _ring(self) -> None:
        """A short mark; one for all bells of the time it is shown."""
        if self._bell is None:
            self._bell = after(self, BELL_TIME, self._silence)

    def _silence(self) -> None:
        self._bell = None
        self._update()

    # Places

    @property
    def _top(self) -> int:
        """The line of the terminal that is the view's first when it is not scrolled back."""
        if self._terminal is None or self.fits:
            return 0
        return max(0, self._terminal.cursor[1] + 1 - self.content_size.height)

    @property
    def _first(self) -> int:
        """The number of the view's first line, as in passage."""
        return (self._terminal.scrolled if self._terminal else 0) + self._top - self._back

    def place(self, x: int, y: int) -> Place:
        """The place at a cell of the view; the nearest one, where there is none."""
        terminal = self._terminal
        assert terminal is not None
        y = max(0, min(y, self.content_size.height - 1))
        line = max(first_line(terminal), min(self._first + y, last_line(terminal)))
        return Place(line, max(0, min(x, terminal.columns - 1)))

    def cell_at(self, event: events.MouseEvent) -> tuple[int, int]:
        """Column and line of the view where the mouse is, which may be outside of it."""
        x, y = event.get_content_offset_capture(self)
        return x, y

    def place_at(self, event: events.MouseEvent) -> Place:
        return self.place(*self.cell_at(event))

    def scroll_back(self, lines: int) -> None:
        """Moves the view up by `lines`, down if it is less than 0, within the scrollback."""
        if self._terminal is not None:
            back = max(0, min(self._back + lines, self._terminal.scrollback))
            if back != self._back:
                self._back = back
                self._update()

    def _show_line(self, line: int, *, at: int | None = None) -> None:
        """Scrolls until a line is seen: at line `at` of the view, or else no further than it must."""
        if self._terminal is None:
            return
        y, height = line - self._first, self.content_size.height
        if at is not None:
            self.scroll_back(at - y)
        elif not 0 <= y < height:
            self.scroll_back(-y if y < 0 else height - 1 - y)

    # Drawing

    def _looks_now(self, terminal: Terminal) -> list[Look]:
        """How each line of the view is to look. Called for every key, so it is quick where nothing is special."""
        height = self.content_size.height
        top = self._top - self._back
        end = min(top + height, terminal.lines)
        looks: list[Look] = [(terminal.row(y), (), None, "") for y in range(top, end)]
        looks += [(None, (), None, "")] * (height - len(looks))
        if self._search or self._selection or self._hovered or self._copy:
            first = self._first
            looks = [(look[0], self._overlays(first + y, terminal.columns), *look[2:]) for y, look in enumerate(looks)]
        x, y = terminal.cursor[0], terminal.cursor[1] - top
        if terminal.cursor_visible and 0 <= y < height:
            cursor = x, terminal.cursor_style, self.has_focus and self.captured
            looks[y] = looks[y][0], looks[y][1], cursor, ""
        mark = self._mark()
        if mark and looks:
            looks[0] = *looks[0][:3], mark
        return looks

    def _overlays(self, line: int, columns: int) -> tuple[Overlay, ...]:
        """What lies over the cells of a line, later ones over earlier ones."""
        found: list[Overlay] = []
        link = self._hovered
        if link is not None and link.start.line <= line <= link.end.line:
            start = link.start.column if line == link.start.line else 0
            found.append((start, link.end.column + 1 if line == link.end.line else columns, "terminal--link"))
        if self._search is not None:
            for start, end, current in self._search.columns(line):
                found.append((start, end, f"terminal--{'current-' if current else ''}match"))
        selected = self._selection.columns(line, columns) if self._selection is not None else None
        if selected is not None:
            found.append((*selected, "terminal--selection"))
        if self._copy is not None and self._copy.cursor.line == line:
            found.append((self._copy.cursor.column, self._copy.cursor.column + 1, "terminal--copy-cursor"))
        return tuple(found)

    def _mark(self) -> str:
        """What the upper right corner says."""
        parts = ["copy" if self._copy is not None else "", self.search_state]
        parts += [f"{self._back:,} lines back" if self._back else "", "bell" if self._bell is not None else ""]
        return " · ".join(filter(None, parts))

    def _refresh_lines(self, lines: set[int]) -> None:
        """Refreshes the lines, those that follow one another as one region."""
        width = self.content_size.width
        numbered = enumerate(sorted(lines))
        runs = [[y for _, y in run] for _, run in groupby(numbered, lambda each: each[1] - each[0])]
        if runs and width:
            regions = [Region(0, run[0], width, len(run)) for run in runs]
            if isinstance(self.screen, QuickScreen):
                self.screen.draw(self, *regions)
            else:
                self.refresh(*regions)

    def _repaint(self) -> None:
        self._looks, self._generation = [], -1
        self._selection = self._copy = self._hovered = None
        self._update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.content_size.width
        if self._base is None:
            self._base = self.rich_style  # which looks at every widget around this one
        base = self._base
        if self._terminal is None:
            return self._placeholder_line(y, width, base)
        if self._terminal.reverse_video:
            base = reversed_base(base)
        row, overlays, cursor, mark = self._looks[y] if y < len(self._looks) else (None, (), None, "")
        if row is None:
            strip = Strip.blank(width, base)
        else:
            strip = self._strips.get(row) or self._drawn(row, base)
            strip = strip.adjust_cell_length(width, base)
            if overlays:
                spans = [(x, end, self._overlay_style(name)) for x, end, name in overlays]
                strip = overlaid(strip, spans)
            if cursor is not None and cursor[0] < width:
                strip = self._with_cursor(strip, row, *cursor)
        return self._marked(strip, mark, width) if mark else strip

    def _overlay_style(self, name: str) -> RichStyle:
        """What lies over text is seen through: a background that has an opacity leaves the text its own colour."""
        if name in ("terminal--selection", "terminal--match"):
            return RichStyle(bgcolor=self.get_component_rich_style(name).bgcolor)
        return self.get_component_rich_style(name, partial=True)

    def _drawn(self, row: Row, base: RichStyle) -> Strip:
        strip = self._strips[row] = drawn(row, base, self._palette())
        return strip

    def _palette(self) -> tuple[str, ...]:
        """The first 16 colours for the app's theme; none of them when it leaves colours to the outer terminal."""
        if self.app.native_ansi_color:
            return ()
        return DARK_COLORS if self.app.current_theme.dark else LIGHT_COLORS

    def _with_cursor(self, strip: Strip, row: Row, x: int, shape: int, owned: bool) -> Strip:
        if x > 0 and row.is_wide(x - 1):
            x -= 1
        return with_cursor(strip, x, x + 1 + row.is_wide(x), shape, owned)

    def _marked(self, strip: Strip, mark: str, width: int) -> Strip:
        style = self.get_component_rich_style("terminal--mark")
        mark = f" {mark} "[-width:]
        return Strip.join([strip.crop(0, width - len(mark)), Strip([Segment(mark, style)], len(mark))])

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
        self._base = None
        self._strips.clear()

    def watch_fits(self) -> None:
        self._fit()
        self._repaint()

    def watch_placeholder(self) -> None:
        self.refresh()

    def watch_captured(self, captured: bool) -> None:
        set_own_class(self, captured, "-captured")
        self.refresh_bindings()
        self._update()

    def watch_ended(self, ended: bool) -> None:
        if ended:
            self.captured = False

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

    # Keys

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self._terminal is not None and (self.captured or self.reading) and key != self.prefix

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The bindings are for when the program does not have the keys, and for the view's own."""
        own = {"search", "match", "copy_mode", "link", "prompt", "scroll", "page", "edge"}
        if action not in own:
            return True
        if self._terminal is None or self.captured or self.reading or not self.has_focus:
            return False
        return self._search is not None if action == "match" else True

    def on_focus(self) -> None:
        self.captured = not self.ended and not self._stays_released
        self._stays_released = False
        self._report_focus(b"\x1b[I")

    def look(self) -> None:
        """Take the focus for reading, searching and copying; the program does not get the keys."""
        self.captured = False
        self._stays_released = not self.has_focus
        self.focus()

    def on_blur(self) -> None:
        self.captured = False
        self._report_focus(b"\x1b[O")

    def _report_focus(self, data: bytes) -> None:
        if self._terminal is not None and self._terminal.focus_reports:
            self.send(data)

    def send(self, data: bytes) -> None:
        """Bytes for the program."""
        if data and not self.ended:
            self.post_message(self.Input(self, data))

    def on_key(self, event: events.Key) -> None:
        if self._terminal is None or not self.has_focus:
            return
        if self._copy is not None:
            taken = self._read(event.key, self._copy)
        elif self.captured:
            taken = True
            self._typed(event, self._terminal)
        else:
            taken = self._given_back(event)
        if taken:
            event.stop()
            event.prevent_default()

    def _given_back(self, event: events.Key) -> bool:
        """A key while the app has the keys; whether it was one that gives them back."""
        if event.key == "escape" and self._search is not None:
            self._end_search()
            return True
        if event.key not in (self.prefix, "enter", "escape") or self.ended:
            return False
        self.captured = True
        if event.key == self.prefix:
            self.send(encode_key(event.key, event.character))
        return True

    def _typed(self, event: events.Key, terminal: Terminal) -> None:
        """A key while the program has the keys."""
        if event.key == self.prefix:
            self.captured = False
            self.post_message(self.Prefix(self))
            return
        scroll = self._scroll_keys().get(event.key) if not terminal.alternate else None
        if scroll is not None:
            scroll()
            return
        self.scroll_back(-self._back)
        self.send(_encoded(event, terminal))

    def _scroll_keys(self) -> dict[str, Callable[[], None]]:
        """The keys that scroll even while the program has the keys, unless it has the alternate screen up."""
        return {
            "shift+pageup": lambda: self.action_page(1),
            "shift+pagedown": lambda: self.action_page(-1),
            "shift+home": lambda: self.action_edge(True),
            "shift+end": lambda: self.action_edge(False),
        }

    def on_paste(self, event: events.Paste) -> None:
        if self._terminal is not None and self.captured:
            event.stop()
            self.scroll_back(-self._back)
            self.send(encode_paste(event.text, self._terminal.bracketed_paste))

    # Reading

    def action_scroll(self, lines: int) -> None:
        self.scroll_back(lines)

    def action_page(self, by: int) -> None:
        self.scroll_back(by * max(1, self.content_size.height - 1))

    def action_edge(self, oldest: bool) -> None:
        if self._terminal is not None:
            self.scroll_back(self._terminal.scrollback if oldest else -self._back)

    def action_prompt(self, direction: int) -> None:
        """Go to the prompt before (-1) or after (1) the view's first line."""
        terminal = self._terminal
        line = prompt_from(terminal, self._first, direction) if terminal is not None else None
        if line is not None:
            self._show_line(line, at=0)
        elif direction > 0:
            self.action_edge(False)

    # Selecting and copying

    @property
    def selection(self) -> Selection | None:
        return self._selection

    @selection.setter
    def selection(self, selection: Selection | None) -> None:
        self._selection = selection
        self._update()

    def copy_selection(self) -> None:
        """Post what is selected."""
        text = self._selection.text(self._terminal) if self._selection and self._terminal else ""
        if text:
            self.post_message(self.Copied(self, text))

    def action_copy_mode(self) -> None:
        """Select by keyboard, from where the cursor is, or else from the view's last line."""
        terminal = self._terminal
        if terminal is None:
            return
        x, y = terminal.cursor
        line, height = terminal.scrolled + y, self.content_size.height
        seen = self._first <= line < self._first + height
        self._copy = CopyMode(terminal, Place(line, x) if seen else self.place(0, height - 1), height)
        self._selection = None
        self.refresh_bindings()
        self._update()

    def action_link(self) -> None:
        """Go to the last link that is to be seen; Enter opens it."""
        self.action_copy_mode()
        if self._copy is not None:
            start = self._copy.cursor
            self._copy.move(self._first + self.content_size.height - 1, self._copy.terminal.columns - 1)
            bottom = self._copy.cursor
            self._copy.to_link(-1)
            if self._copy.cursor == bottom:
                self._copy.move(*start)
                self._leave_copy_mode()
                self.notify("There is no link.")
                return
            self._read("", self._copy)

    def _read(self, key: str, copy: CopyMode) -> bool:
        """A key in copy mode, which takes them all."""
        if key == "y" or (key == "enter" and copy.selecting):
            self.copy_selection()
            self._leave_copy_mode()
            return True
        if key == "enter" and (link := copy.link()) is not None:
            self._leave_copy_mode()
            self.post_message(self.LinkOpened(self, link.url))
            return True
        if key in ("q", "enter", self.prefix) or (key == "escape" and not copy.selecting):
            self._leave_copy_mode()
            return True
        match key:
            case "escape":
                copy.forget()
            case "slash":
                self.action_search()
            case "n" | "N" if self._search is not None:
                self.action_match(1 if key == "n" else -1)
            case _:
                copy.press(key)
        self._selection = copy.selection()
        self._hovered = copy.link()
        self._show_line(copy.cursor.line)
        self._update()
        return True

    def _leave_copy_mode(self) -> None:
        self._copy = self._selection = self._hovered = None
        self.refresh_bindings()
        self._update()

    # Links

    def hover(self, place: Place | None) -> None:
        """The mouse is here: underlines the link there."""
        terminal = self._terminal
        link = link_at(terminal, place) if terminal is not None and place is not None else None
        if link != self._hovered and self._copy is None:
            self._hovered = link
            self._update()

    def open_link(self, place: Place) -> bool:
        """Asks for the link at a place to be opened; whether there is one."""
        link = link_at(self._terminal, place) if self._terminal is not None else None
        if link is not None:
            self.post_message(self.LinkOpened(self, link.url))
        return link is not None

    # Searching

    @property
    def search_state(self) -> str:
        """Which match of how many was gone to, in words; empty while nothing is searched for."""
        search = self._search
        if search is None:
            return ""
        if not search.count:
            return f"nothing has “{search.term}”"
        return f"{search.number:,} of {search.count:,}" if search.number else f"{search.count:,} matches"

    def action_search(self) -> None:
        self._search_from = self._back
        self.query_one(SearchLine).open()

    def action_match(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) match, round the end."""
        search = self._search
        if search is None or self._terminal is None:
            return
        start = self._copy.cursor if self._copy else search.current or self.place(0, 0)
        place = search.go(direction, start)
        if place is not None:
            self._show_match(place)

    def _show_match(self, place: Place) -> None:
        if self._copy is not None:
            self._copy.move(*place)
            self._selection = self._copy.selection()
        if not 0 <= place.line - self._first < self.content_size.height:
            self._show_line(place.line, at=self.content_size.height // 2)
        self._update()

    def search(self, term: str) -> None:
        """Search for a text in all that can be read, and go to the nearest match."""
        terminal = self._terminal
        if terminal is None:
            return
        self._search = ScrollbackSearch(terminal, term) if term else None
        if self._search is not None and self._search.count:
            here = self.place(0, 0)
            before = Place(here.line, here.column - 1)
            place = self._search.go(1, before)
            if place is not None and place < here:  # it went round the end: the one before is nearer
                place = self._search.go(-1, here)
            if place is not None:
                self._show_match(place)
        self.refresh_bindings()
        self._update()

    def _look_again_later(self) -> None:
        if self._search is not None and self._searching is None:
            self._searching = after(self, SEARCH_PERIOD, self._look_again)

    def _look_again(self) -> None:
        self._searching = None
        if self._search is not None:
            self._search.look()
            self._update()

    def _end_search(self) -> None:
        self._search = None
        self.refresh_bindings()
        self._update()

    @on(SearchLine.Changed)
    def _search_typed(self, event: SearchLine.Changed) -> None:
        event.stop()
        self.search(event.value)

    @on(SearchLine.Submitted)
    @on(SearchLine.Ended)
    def _search_done(self, event: SearchLine.Submitted | SearchLine.Ended) -> None:
        """Hide the line; what is searched for stays marked, unless it was given up."""
        event.stop()
        self.query_one(SearchLine).display = False
        if isinstance(event, SearchLine.Ended):
            self._back = self._search_from  # drawn with the end of the search
            self._end_search()
        self._stays_released = True
        self.focus()

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        line = self.query_one(SearchLine)
        if not (line.display and line.region.contains_point(event.screen_offset)):
            if self._copy is not None:
                self._leave_copy_mode()
            self.captured = self.has_focus and not self.ended
            self._pointer.down(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._pointer.up(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._pointer.move(event)

    def on_leave(self) -> None:
        self.hover(None)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._pointer.wheel(event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._pointer.wheel(event)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._pointer.wheel(event)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._pointer.wheel(event)
