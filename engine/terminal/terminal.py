"""The terminal: what each control sequence means. Joins parser, screen and modes; imports the rest of the package.

Sources: ECMA-48, DEC STD 070, and xterm's ctlseqs (invisible-island.net/xterm/ctlseqs), whose names the tables use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from weakref import WeakValueDictionary

from .parser import STRING_LIMIT, TOKEN, Parser, without_controls
from .redraw import redraw
from .rows import Line, Row, cut
from .screen import Screen
from .width import FILLER

_FEED_SIZE = 65_536
_SYNCHRONIZED_LIMIT = 65_536
_DEFAULT_MODES = frozenset({7, 25})
_MODES = frozenset({1, 6, 7, 9, 25, 47, 66, 1000, 1002, 1003, 1004, 1006, 1047, 1048, 1049, 2004, 2026})
_MOUSE_MODES = (9, 1000, 1002, 1003)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
Parameters = tuple[int, ...]


@lru_cache(maxsize=4096)
def _numbers(parameters: str) -> Parameters:
    """The numbers of a control sequence; 0 stands for one left out. Subparameters are dropped."""
    return tuple(min(int(p.partition(":")[0] or 0), 65_535) for p in parameters.split(";"))


class Terminal:
    """A terminal without a window: feed it what a program writes, read the rows it would show.

    `reply` is called, while feeding, with the bytes the terminal answers to the program (reports the program asked
    for). A terminal has at least 2 columns and 1 line. Not thread safe.
    """

    def __init__(
        self,
        columns: int = 80,
        lines: int = 24,
        history: int = 10_000,
        reply: Callable[[bytes], None] | None = None,
    ) -> None:
        self._reply = reply or (lambda _: None)
        self._screen = Screen(max(2, columns), max(1, lines), history)
        self._parser = Parser()
        self._rows: WeakValueDictionary[int, Row] = WeakValueDictionary()
        self._held = 0
        self.generation = 0
        """Grows with every change of the visible screen, but not while the program holds it (mode 2026)."""
        self._csi = self._csi_table()
        self._escapes = self._escape_table()
        self._controls = self._control_table()
        self._reset_modes()

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
    def alternate(self) -> bool:
        """Whether a full-screen program has the alternate screen up."""
        return self._screen.alternate

    @property
    def scrollback(self) -> int:
        """Lines that have scrolled off and can still be read; 0 on the alternate screen."""
        return 0 if self._screen.alternate else len(self._screen.history)

    @property
    def scrolled(self) -> int:
        """Lines that have ever scrolled off, to keep a view of the scrollback where it is while more arrive."""
        return self._screen.scrolled

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
        screen = self._screen
        row = Row(line, cut(line, screen.columns), screen.styles.styles, screen.clusters)
        self._rows[id(line)] = row
        return row

    def text(self) -> str:
        """The visible screen as plain text, without blanks at the end of lines."""
        return "\n".join(self.row(y).text.rstrip() for y in range(self.lines))

    def redraw(self, history: int = 0) -> bytes:
        """A stream that brings a fresh terminal of the same size to this state: see `redraw.py`.

        `history` is how many lines of scrollback it carries at most.
        """
        return redraw(self, self._screen, history) + self._parser.unfinished()

    # Modes that decide what the keyboard and the mouse send

    @property
    def cursor_visible(self) -> bool:
        return 25 in self.modes

    @property
    def application_cursor_keys(self) -> bool:
        return 1 in self.modes

    @property
    def application_keypad(self) -> bool:
        return 66 in self.modes

    @property
    def bracketed_paste(self) -> bool:
        return 2004 in self.modes

    @property
    def focus_reports(self) -> bool:
        return 1004 in self.modes

    @property
    def mouse(self) -> int:
        """The mouse events the program wants: 0 none, 9 presses, 1000 and releases, 1002 and drags, 1003 all moves."""
        return max((mode for mode in _MOUSE_MODES if mode in self.modes), default=0)

    @property
    def mouse_sgr(self) -> bool:
        """Whether mouse events are to be sent in the form of mode 1006."""
        return 1006 in self.modes

    @property
    def synchronized(self) -> bool:
        """Whether the program is in the middle of an update (mode 2026) and `generation` is held."""
        return 2026 in self.modes

    # Feeding

    def feed(self, data: bytes) -> None:
        """Takes what the program wrote, in pieces of any size. Never raises."""
        for start in range(0, len(data), _FEED_SIZE):
            self._run(self._parser.tokens(data[start : start + _FEED_SIZE]))
            if self._screen.styles.full:
                self._screen.collect_styles()
                self._rows.clear()
        self._held = self._held + len(data) if self.synchronized else 0
        if self._held > _SYNCHRONIZED_LIMIT:
            self.modes.discard(2026)
        if data and not self.synchronized:
            self.generation += 1

    def resize(self, columns: int, lines: int) -> None:
        """Gives the terminal a new size. Lines are not wrapped anew; see `Screen.resize`."""
        columns, lines = max(2, columns), max(1, lines)
        if (columns, lines) != (self.columns, self.lines):
            self._screen.resize(columns, lines)
            self._rows.clear()
            self.generation += 1

    def _run(self, tokens: list[tuple[str, ...]]) -> None:
        """Carries the tokens out. The two commonest cases, text at or within the end of a line, are done in place."""
        screen = self._screen
        csi = self._csi
        for sgr, text, marker, parameters, final, control, command, escape, odd, _ in tokens:
            if text:
                if sgr:
                    known = screen.styles.known.get((screen.style, sgr))
                    screen.style = screen.styles.after(screen.style, sgr) if known is None else known
                x, y = screen.x, screen.y
                end = x + len(text)
                if (  # which a pending wrap does not fulfil: it stays on the last column
                    end < screen.columns and text.isascii() and not (screen.insert or screen.charsets[screen.shifted])
                ):
                    cells, styles = screen.buffer[y]
                    length = len(cells)
                    if x == length:
                        screen.buffer[y] = cells + text, styles + chr(screen.style) * len(text)
                        screen.x = end
                        continue
                    if x < length <= screen.columns and FILLER not in cells:
                        run = chr(screen.style) * len(text)
                        screen.buffer[y] = cells[:x] + text + cells[end:], styles[:x] + run + styles[end:]
                        screen.x = end
                        continue
                screen.put(text)
            elif final:
                if final == "m":
                    if not marker:
                        screen.style = screen.styles.after(screen.style, parameters)
                else:
                    handler = csi.get(marker + final)
                    if handler:
                        handler(_numbers(parameters))
            elif control:
                if control.startswith("\r\n"):
                    screen.carriage_return()
                    screen.linefeed()
                    if len(control) > 2:
                        screen.put_lines(control[2:])
                else:
                    self._control(control)
            elif escape:
                action = self._escapes.get(escape)
                if action:
                    action()
            elif command:
                self._command(command)
            elif odd:
                self._odd(odd)

    def _control(self, control: str) -> None:
        action = self._controls.get(control)
        if action:
            action()

    def _odd(self, odd: str) -> None:
        """Control characters inside a control sequence act first (as vttest checks)."""
        controls, rest = without_controls(odd)
        for control in controls:
            self._control(control)
        if rest:
            self._run([token for token in TOKEN.findall(rest) if not token[8]])

    def _command(self, command: str) -> None:
        """An operating system command (OSC): 0 and 2 set the title, all others are ignored."""
        number, _, value = command.partition(";")
        if number in ("0", "2") and len(command) <= STRING_LIMIT:
            self.title = _CONTROL.sub("", value)

    def _control_table(self) -> dict[str, Callable[[], None]]:
        screen = self._screen
        return {
            "\b": screen.backspace,
            "\t": screen.tab,
            "\n": screen.linefeed,
            "\v": screen.linefeed,
            "\f": screen.linefeed,
            "\r": screen.carriage_return,
            "\x0e": lambda: self._shift(True),
            "\x0f": lambda: self._shift(False),
        }

    # Escape sequences

    def _escape_table(self) -> dict[str, Callable[[], None]]:
        screen = self._screen
        charsets = {
            f"{target}{name}": lambda index=index, on=name == "0": self._designate(index, on)
            for index, target in enumerate("()")
            for name in ("0", "A", "B", "1", "2")
        }
        return {
            **charsets,
            "7": screen.save,
            "8": screen.restore,
            "#8": lambda: screen.fill("E"),
            "D": screen.linefeed,
            "E": self._next_line,
            "H": screen.set_tab,
            "M": screen.reverse_linefeed,
            "c": self._reset,
            "=": lambda: self.modes.add(66),
            ">": lambda: self.modes.discard(66),
        }

    def _shift(self, out: bool) -> None:
        self._screen.shifted = out

    def _designate(self, index: int, line_drawing: bool) -> None:
        g0, g1 = self._screen.charsets
        self._screen.charsets = (g0, line_drawing) if index else (line_drawing, g1)

    def _next_line(self) -> None:
        self._screen.carriage_return()
        self._screen.linefeed()

    def _reset_modes(self) -> None:
        self.modes: set[int] = set(_DEFAULT_MODES)
        """The private modes that are set; for those the screen itself keeps ask `_is_set`."""
        self.cursor_style = 0
        """DECSCUSR: 0 default, 1 and 2 block, 3 and 4 underline, 5 and 6 bar; the odd ones blink."""
        self.title = ""

    def _reset(self) -> None:
        self._screen.reset()
        self._reset_modes()

    def _soft_reset(self, _: Parameters) -> None:
        self._screen.soft_reset()
        self.modes -= {1, 66}
        self.modes |= {25}

    # Control sequences

    def _csi_table(self) -> dict[str, Callable[[Parameters], None]]:
        """Marker and final characters of each control sequence, and what it does."""
        screen = self._screen
        return {
            "@": lambda p: screen.insert_blanks(p[0] or 1),
            "A": lambda p: screen.up(p[0] or 1),
            "B": lambda p: screen.down(p[0] or 1),
            "C": lambda p: screen.move_to_column(screen.x + (p[0] or 1)),
            "D": lambda p: screen.move_to_column(screen.x - (p[0] or 1)),
            "E": self._cursor_next_line,
            "F": self._cursor_previous_line,
            "G": lambda p: screen.move_to_column((p[0] or 1) - 1),
            "H": self._cursor_position,
            "I": lambda p: screen.tab(p[0] or 1),
            "J": self._erase_in_display,
            "K": self._erase_in_line,
            "L": lambda p: screen.insert_lines(p[0] or 1),
            "M": lambda p: screen.delete_lines(p[0] or 1),
            "P": lambda p: screen.delete_cells(p[0] or 1),
            "S": lambda p: screen.scroll_up(screen.top, p[0] or 1),
            "T": lambda p: screen.scroll_down(screen.top, p[0] or 1) if len(p) == 1 else None,
            "X": lambda p: screen.erase_in_line(screen.x, min(screen.x + (p[0] or 1), screen.columns)),
            "Z": lambda p: screen.back_tab(p[0] or 1),
            "`": lambda p: screen.move_to_column((p[0] or 1) - 1),
            "a": lambda p: screen.move_to_column(screen.x + (p[0] or 1)),
            "b": lambda p: screen.repeat(p[0] or 1),
            "c": lambda p: self._report("\x1b[?62;22c") if not p[0] else None,
            ">c": lambda p: self._report("\x1b[>1;10;0c") if not p[0] else None,
            "d": lambda p: screen.move_to(screen.x, (p[0] or 1) - 1),
            "e": lambda p: screen.down(p[0] or 1),
            "f": self._cursor_position,
            "g": self._clear_tabs,
            "h": lambda p: self._set_ansi_modes(p, True),
            "l": lambda p: self._set_ansi_modes(p, False),
            "?h": lambda p: self._set_modes(p, True),
            "?l": lambda p: self._set_modes(p, False),
            "n": self._device_status,
            "?n": self._private_device_status,
            "r": self._set_margins,
            "s": lambda p: screen.save(),
            "u": lambda p: screen.restore(),
            "t": self._window_report,
            " q": self._set_cursor_style,
            "!p": self._soft_reset,
            "$p": self._report_ansi_mode,
            "?$p": self._report_mode,
            ">q": lambda p: self._report("\x1bP>|heliostui\x1b\\") if not p[0] else None,
        }

    def _cursor_position(self, p: Parameters) -> None:
        self._screen.move_to((p[1] if len(p) > 1 and p[1] else 1) - 1, (p[0] or 1) - 1)

    def _cursor_next_line(self, p: Parameters) -> None:
        self._screen.down(p[0] or 1)
        self._screen.carriage_return()

    def _cursor_previous_line(self, p: Parameters) -> None:
        self._screen.up(p[0] or 1)
        self._screen.carriage_return()

    def _erase_in_line(self, p: Parameters) -> None:
        screen = self._screen
        if p[0] <= 2:
            end = screen.x + 1 if p[0] == 1 else screen.columns
            screen.erase_in_line(0 if p[0] else screen.x, end)

    def _erase_in_display(self, p: Parameters) -> None:
        screen = self._screen
        match p[0]:
            case 0:
                self._erase_in_line(p)
                screen.erase_lines(screen.y + 1, screen.lines)
            case 1:
                self._erase_in_line(p)
                screen.erase_lines(0, screen.y)
            case 2:
                screen.erase_lines(0, screen.lines)
            case 3:
                screen.history.clear()

    def _clear_tabs(self, p: Parameters) -> None:
        if p[0] == 0:
            self._screen.clear_tab()
        elif p[0] == 3:
            self._screen.tabs.clear()

    def _set_margins(self, p: Parameters) -> None:
        bottom = p[1] if len(p) > 1 and p[1] else self.lines
        self._screen.set_margins((p[0] or 1) - 1, bottom - 1)

    def _set_cursor_style(self, p: Parameters) -> None:
        if p[0] <= 6:
            self.cursor_style = p[0]

    # Modes

    def _set_ansi_modes(self, p: Parameters, on: bool) -> None:
        if 4 in p:
            self._screen.insert = on

    def _set_modes(self, p: Parameters, on: bool) -> None:
        for mode in p:
            if mode in _MODES:
                self._set_mode(mode, on)

    def _set_mode(self, mode: int, on: bool) -> None:
        screen = self._screen
        if mode in _MOUSE_MODES:
            self.modes.difference_update(_MOUSE_MODES)
        (self.modes.add if on else self.modes.discard)(mode)
        match mode:
            case 6:
                screen.set_origin(on)
            case 7:
                screen.autowrap = on
            case 47 | 1047:
                (screen.show_alternate if on else screen.show_main)()
            case 1048:
                (screen.save if on else screen.restore)()
            case 1049 if on:
                screen.save()
                if screen.alternate:
                    screen.erase_lines(0, screen.lines)
                screen.show_alternate()
            case 1049:
                screen.show_main()
                screen.restore()

    def _is_set(self, mode: int) -> bool:
        screen = self._screen
        kept = {6: screen.origin, 7: screen.autowrap, **dict.fromkeys((47, 1047, 1049), screen.alternate)}
        return kept.get(mode, mode in self.modes)

    # Reports

    def _report(self, answer: str) -> None:
        self._reply(answer.encode())

    def _device_status(self, p: Parameters) -> None:
        if p[0] == 5:
            self._report("\x1b[0n")
        elif p[0] == 6:
            self._report(f"\x1b[{self._cursor_report()}R")

    def _private_device_status(self, p: Parameters) -> None:
        if p[0] == 6:
            self._report(f"\x1b[?{self._cursor_report()}R")

    def _cursor_report(self) -> str:
        screen = self._screen
        return f"{screen.y + 1 - (screen.top if screen.origin else 0)};{screen.x + 1}"

    def _window_report(self, p: Parameters) -> None:
        if p[0] == 18:
            self._report(f"\x1b[8;{self.lines};{self.columns}t")

    def _report_mode(self, p: Parameters) -> None:
        state = 0 if p[0] not in _MODES else 1 if self._is_set(p[0]) else 2
        self._report(f"\x1b[?{p[0]};{state}$y")

    def _report_ansi_mode(self, p: Parameters) -> None:
        state = 0 if p[0] != 4 else 1 if self._screen.insert else 2
        self._report(f"\x1b[{p[0]};{state}$y")
