"""The terminal: a stream goes in, and what it means is carried out.

Joins the parser with the control functions. Imports the rest of the package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

from . import selection
from .answers import Answers
from .colors import Colors
from .commands import Commands
from .functions import Function, Parameters, control_characters, control_sequences, escape_sequences, numbers
from .memory import collect
from .modes import CURSOR, CURSOR_KEYS, FOCUS, KEYPAD, MOUSE, MOUSE_ENCODINGS, PASTE, REVERSE_VIDEO, SYNCHRONIZED, Modes
from .parser import CLIPBOARD, CLIPBOARD_LIMIT, STRING_LIMIT, TOKEN, Parser, without_controls
from .redraw import redraw
from .rows import Line, Row, overwritten
from .screen import Screen
from .sgr import applied
from .width import FILLER, is_narrow

_FEED_SIZE = 65_536
_SYNCHRONIZED_LIMIT = 65_536
_ACTIONS = 10_000


class Terminal:
    """A terminal without a window: feed it what a program writes, read the rows it would show.

    `reply` is called, while feeding, with the bytes the terminal answers to the program (reports the program asked
    for); `copy` with the text that the program puts on the clipboard (OSC 52, up to 1 MiB). A terminal has at least
    2 columns and 1 line. Not thread safe.

    Rows are counted from the top of the screen, below 0 in the scrollback. A place that is to stay with its text while
    lines scroll by is kept as `scrolled + row`: that number of a line does not change until the width does. Then
    `resize` says where places have gone.
    """

    def __init__(
        self,
        columns: int = 80,
        lines: int = 24,
        history: int = 10_000,
        reply: Callable[[bytes], None] | None = None,
        copy: Callable[[str], None] | None = None,
    ) -> None:
        self._screen = Screen(max(2, columns), max(1, lines), history)
        self._modes = Modes(self._screen)
        self._answers = Answers(self._screen, self._modes, lambda text: reply(text.encode()) if reply else None)
        self._commands = Commands(self._screen, self._answers, copy or (lambda _: None))
        self._parser = Parser()
        self._rows: WeakValueDictionary[int, Row] = WeakValueDictionary()
        self._held = 0
        self.generation = 0
        """Grows with every change of the visible screen, but not while the program holds it (mode 2026)."""
        self.bells = 0
        """How often the bell was rung."""
        parts = self._screen, self._modes, self._answers
        self._functions = control_sequences(*parts, self._commands) | {"!p": self._soft_reset}
        self._escapes = escape_sequences(*parts) | {"\x1bc": self._reset}
        self._controls = control_characters(self._screen, self._modes) | {"\a": self._ring}
        self._actions: dict[str, tuple[Function, Parameters]] = {}

    # What it shows

    @property
    def columns(self) -> int:
        return self._screen.columns

    @property
    def lines(self) -> int:
        return self._screen.lines

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and line, both from 0."""
        return self._screen.x, self._screen.y

    @property
    def cursor_style(self) -> int:
        """DECSCUSR: 0 default, 1 and 2 block, 3 and 4 underline, 5 and 6 bar; the odd ones blink."""
        return self._answers.cursor_style

    @property
    def alternate(self) -> bool:
        """Whether a full-screen program has the alternate screen up."""
        return self._screen.alternate

    @property
    def scrollback(self) -> int:
        """Lines that have scrolled off and can still be read; 0 on the alternate screen."""
        return 0 if self._screen.alternate else len(self._screen.history)

    @property
    def scrolled(self) -> int:
        """Lines that have scrolled off, also those that can't be read any more. Less when a larger screen takes some
        back, so that `scrolled + y` stays the number of one line: see the class."""
        return self._screen.scrolled

    @property
    def title(self) -> str:
        """As the program last set it (OSC 0 and 2), without control characters."""
        return self._commands.title

    @property
    def directory(self) -> str | None:
        """The working directory that the program last told (OSC 7), if it did."""
        return self._commands.directory

    @property
    def exit_status(self) -> int | None:
        """Of the last command, if the shell told it (OSC 133;D)."""
        return self._commands.exit_status

    @property
    def colors(self) -> Colors:
        """What programs that ask for colours are told."""
        return self._answers.colors

    @colors.setter
    def colors(self, colors: Colors) -> None:
        self._answers.colors = colors

    def row(self, y: int) -> Row:
        """Line `y` of the screen; below 0 of the scrollback (-1 scrolled off last).

        Raises IndexError outside of `-scrollback <= y < lines`.
        """
        screen = self._screen
        if not -self.scrollback <= y < screen.lines:
            raise IndexError(f"line {y} is not between {-self.scrollback} and {screen.lines - 1}")
        line = screen.buffer[y] if y >= 0 else screen.history[y]
        row = self._rows.get(id(line))  # the row keeps its line alive, so no other line can have that id
        return row if row is not None else self._new_row(line)

    def _new_row(self, line: Line) -> Row:
        """The row of a line; the same for as long as someone holds it."""
        row = Row(line, self._screen.styles.styles, self._screen.clusters)
        self._rows[id(line)] = row
        return row

    def text(self) -> str:
        """The visible screen as plain text, without blanks at the end of lines."""
        return "\n".join(self.row(y).text.rstrip() for y in range(self.lines))

    def text_between(self, start: tuple[int, int], end: tuple[int, int], block: bool = False) -> str:
        """The text from `start` to `end`, each a row and a column, the end included; as a `block` the rectangle.

        Rows that were wrapped are joined, blanks at the end of lines are left out. Raises IndexError as `row` does.
        """
        return selection.text_between(self.row, self.columns, start, end, block)

    def redraw(self, history: int = 0) -> bytes:
        """A stream that brings a fresh terminal of the same size to this state: see `redraw.py`.

        `history` is how many lines of scrollback it carries at most; they are fewer when they would take more than
        4 Mi characters.
        """
        return redraw(self._screen, self._modes, self._answers, self._commands, history) + self._parser.unfinished()

    def renew(self) -> None:
        """Be as a fresh terminal, but keep the scrollback: a redraw can be fed, whose scrollback follows that."""
        screen = self._screen
        history, scrolled, styles, clusters = list(screen.history), screen.scrolled, screen.styles, screen.clusters
        self._parser = Parser()
        self._reset()
        screen.styles, screen.clusters = styles, clusters  # those of the lines that stay
        screen.history.extend(history)
        screen.scrolled = scrolled

    # Modes that decide what is drawn, and what the keyboard and the mouse send

    @property
    def modes(self) -> frozenset[int]:
        """The private modes that are set, by number, but for those that only concern the screen."""
        return frozenset(self._modes.on)

    @property
    def reverse_video(self) -> bool:
        """Whether foreground and background change places on the whole screen (DECSCNM)."""
        return REVERSE_VIDEO in self._modes.on

    @property
    def cursor_visible(self) -> bool:
        return CURSOR in self._modes.on

    @property
    def application_cursor_keys(self) -> bool:
        return CURSOR_KEYS in self._modes.on

    @property
    def application_keypad(self) -> bool:
        return KEYPAD in self._modes.on

    @property
    def newline(self) -> bool:
        """Whether Enter is to send CR LF (LNM)."""
        return self._screen.newline

    @property
    def bracketed_paste(self) -> bool:
        return PASTE in self._modes.on

    @property
    def focus_reports(self) -> bool:
        return FOCUS in self._modes.on

    @property
    def mouse(self) -> int:
        """The mouse events the program wants: 0 none, 9 presses, 1000 and releases, 1002 and drags, 1003 all moves."""
        return max((mode for mode in MOUSE if mode in self._modes.on), default=0)

    @property
    def mouse_encoding(self) -> int:
        """The form they are to be sent in: 0 the old one, 1005 with UTF-8, 1006 SGR, 1015 urxvt's."""
        return max((mode for mode in MOUSE_ENCODINGS if mode in self._modes.on), default=0)

    @property
    def mouse_sgr(self) -> bool:
        """Whether mouse events are to be sent in the form of mode 1006."""
        return self.mouse_encoding == 1006

    @property
    def synchronized(self) -> bool:
        """Whether the program is in the middle of an update (mode 2026) and `generation` is held."""
        return SYNCHRONIZED in self._modes.on

    # Feeding

    def feed(self, data: bytes) -> None:
        """Takes what the program wrote, in pieces of any size. Never raises."""
        for start in range(0, len(data), _FEED_SIZE):
            self._run(self._parser.tokens(data[start : start + _FEED_SIZE]))
            if self._screen.styles.full or self._screen.clusters.full:
                collect(self._screen)
        self._held = self._held + len(data) if self.synchronized else 0
        if self._held > _SYNCHRONIZED_LIMIT:
            self._modes.on.discard(SYNCHRONIZED)
        if data and not self.synchronized:
            self.generation += 1

    def resize(self, columns: int, lines: int, places: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
        """Gives the terminal a new size, and wraps the lines of main screen and scrollback anew for it.

        Returns where the `places`, each a row and a column, have gone; those lost are at the end that is nearest.
        """
        columns, lines = max(2, columns), max(1, lines)
        if (columns, lines) == (self.columns, self.lines):
            return list(places)
        self.generation += 1
        return self._screen.resize(columns, lines, places)

    def _run(self, tokens: list[tuple[str, ...]]) -> None:
        """Carries the tokens out. Most of all is text within a line: that is done in place."""
        screen, actions, escapes, controls = self._screen, self._actions, self._escapes, self._controls
        known = screen.styles.known
        for sgr, text, sequence, control, other in tokens:
            if sgr:
                style = known.get((screen.style, sgr))
                screen.style = screen.styles.after(screen.style, sgr, applied) if style is None else style
            if text:
                x, y = screen.x, screen.y
                end = x + len(text)
                if end < screen.limit and is_narrow(
                    text
                ):  # which a pending wrap can't fulfil: it is on the last column
                    cells, styles, flags = screen.buffer[y]
                    length, run = len(cells), chr(screen.style) * len(text)
                    if x == length:
                        screen.buffer[y] = cells + text, styles + run, flags
                    elif x > length:
                        screen.buffer[y] = cells.ljust(x) + text, styles.ljust(x, "\0") + run, flags
                    elif FILLER not in cells:
                        screen.buffer[y] = cells[:x] + text + cells[end:], styles[:x] + run + styles[end:], flags
                    else:
                        screen.buffer[y] = overwritten((cells, styles, flags), x, text, run)
                    screen.x = end
                else:
                    screen.put(text)
            elif sequence:
                function, parameters = actions.get(sequence) or self._action(sequence)
                function(parameters)
            elif control:
                act = controls.get(control)
                if act:
                    act()
                elif len(control) > 2:  # CR LF and plain lines; all other characters mean nothing
                    controls["\r\n"]()
                    screen.put_lines(control[2:])
            elif other:
                act = escapes.get(other)
                if act:
                    act()
                else:
                    self._other(other)
                known = screen.styles.known  # of another table, if the old one was full

    def _action(self, sequence: str) -> tuple[Function, Parameters]:
        """What a control sequence does, and with which parameters. Remembered: programs repeat themselves."""
        body = sequence.lstrip("<=>?")
        marker = sequence[: len(sequence) - len(body)]
        final = body.lstrip("0123456789:;")
        parameters = body[: len(body) - len(final)]
        action = self._functions.get(marker + final, _ignore), numbers(parameters)
        if len(self._actions) >= _ACTIONS:
            self._actions.clear()
        self._actions[sequence] = action
        return action

    def _other(self, token: str) -> None:
        """A string, a control sequence that is odd, or the designation of a character set."""
        kind, last = token[1:2], token[-1]
        if kind == "[":
            self._odd(token)
        elif kind == "]":
            limit = CLIPBOARD_LIMIT if token[1:5] == CLIPBOARD else STRING_LIMIT
            command = token[2:].removesuffix("\a")
            if len(command) <= limit and last not in "\x18\x1a":
                self._commands.run(command, "\a" if last == "\a" else "\x1b\\")
        elif kind == "P":
            if len(token) <= STRING_LIMIT + 2 and last not in "\x18\x1a":
                self._answers.string(token[2:])
        elif kind in ("(", ")", "*", "+"):
            self._screen.designate("()*+".index(kind), token[2:])

    def _odd(self, odd: str) -> None:
        """Control characters inside a control sequence act first (as vttest checks)."""
        controls, rest = without_controls(odd)
        for control in controls:
            action = self._controls.get(control)
            if action:
                action()
        if rest:
            self._run([token for token in TOKEN.findall(rest) if not token[4]])

    def _ring(self) -> None:
        self.bells += 1

    def _reset(self) -> None:
        """RIS."""
        self._screen.clear()
        self._modes.reset()
        self._commands.reset()
        self._answers.cursor_style = 0

    def _soft_reset(self, _: Parameters) -> None:
        """DECSTR."""
        self._screen.soft_reset()
        self._modes.soft_reset()


def _ignore(_: Parameters) -> None:
    """A control sequence that means nothing here."""
