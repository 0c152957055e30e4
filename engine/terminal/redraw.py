"""Redraw: the state of a terminal as a stream that recreates it.

The stream is meant for a fresh terminal of the same size: ours (a client that attaches late) or the user's own. It
draws the scrollback that was asked for, the screen (on the alternate screen: the main one first), then puts tab stops,
margins, modes, saved cursor, pen and cursor as they were. Order matters: see `_state`. Imports screen, rows and styles.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from .rows import Line, Row, cut, padded
from .screen import TAB_WIDTH, Saved, Screen
from .styles import DEFAULT
from .width import FILLER

if TYPE_CHECKING:
    from .terminal import Terminal

_PLAIN_MODES = (1, 9, 66, 1000, 1002, 1003, 1004, 1006, 2004)


def redraw(terminal: Terminal, screen: Screen, history: int) -> bytes:
    out = ["\x1b[m\x1b[H\x1b[2J"]
    if terminal.title:
        out.append(f"\x1b]2;{terminal.title}\x1b\\")
    main = screen.behind if screen.alternate else screen.buffer
    scrollback = islice(screen.history, max(0, len(screen.history) - history), None)
    out += [f"{_line(screen, line)}\r\n" for line in scrollback]
    out.append(_lines(screen, main))
    if screen.alternate:
        out.append(_cursor(screen, main, screen.saved_behind))
        out.append("\x1b[?1049h\x1b[?6l\x1b(B\x1b)B\x0f\x1b[m\x1b[H")
        out.append(_lines(screen, screen.buffer))
    out.append(_tabs(screen))
    out.append(_cursor(screen, screen.buffer, screen.saved) + "\x1b7")
    out.append(_state(terminal, screen))
    return "".join(out).encode()


def _state(terminal: Terminal, screen: Screen) -> str:
    """Everything but the text. Margins and origin mode move the cursor, and insert mode and autowrap change what
    printing does, so the cursor comes between them."""
    now = Saved(screen.x, screen.y, screen.pending, screen.style, screen.origin, screen.charsets, screen.shifted)
    margins = f"\x1b[{screen.top + 1};{screen.bottom + 1}r" if screen.bottom > screen.top else ""
    out = [f"\x1b[?6l{margins}", _cursor(screen, screen.buffer, now, screen.top)]
    out += [f"\x1b[?{mode}h" for mode in _PLAIN_MODES if mode in terminal.modes]
    if not terminal.cursor_visible:
        out.append("\x1b[?25l")
    if terminal.cursor_style:
        out.append(f"\x1b[{terminal.cursor_style} q")
    if screen.insert:
        out.append("\x1b[4h")
    if not screen.autowrap:
        out.append("\x1b[?7l")
    return "".join(out)


def _cursor(screen: Screen, buffer: list[Line], state: Saved, top: int = 0) -> str:
    """Cursor, pen and character sets, while the top margin is at `top`.

    A pending wrap is made by writing the last cell of the line once more.
    """
    x, again = state.x, ""
    if state.pending:
        cells, styles = padded(cut(buffer[state.y], screen.columns), screen.columns)
        x = screen.columns - (2 if cells[-1] == FILLER else 1)
        again = f"\x1b(B\x0f{screen.styles.styles[ord(styles[-1])].sgr()}{screen.clusters.text(cells[x:])}"
    return "".join(
        (
            "\x1b[?6h" if state.origin else "\x1b[?6l",
            f"\x1b[{state.y + 1 - (top if state.origin else 0)};{x + 1}H",
            again,
            screen.styles.styles[state.style].sgr(),
            *(f"\x1b{target}{'0' if drawing else 'B'}" for target, drawing in zip("()", state.charsets, strict=True)),
            "\x0e" if state.shifted else "\x0f",
        )
    )


def _lines(screen: Screen, buffer: list[Line]) -> str:
    return "\r\n".join(_line(screen, line) for line in buffer)


def _line(screen: Screen, line: Line) -> str:
    """The text of a line in its styles, which starts and ends in the default style."""
    out = []
    spans = Row(line, cut(line, screen.columns), screen.styles.styles, screen.clusters).spans()
    for text, style in spans:
        out.append(text if style == DEFAULT else f"{style.sgr()}{text}\x1b[m")
    return "".join(out)


def _tabs(screen: Screen) -> str:
    if screen.tabs == list(range(TAB_WIDTH, screen.columns, TAB_WIDTH)):
        return ""
    return "\x1b[3g" + "".join(f"\x1b[{x + 1}G\x1bH" for x in screen.tabs)
