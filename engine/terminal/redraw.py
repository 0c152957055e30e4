"""Redraw: the state of a terminal as a stream that recreates it.

The stream is meant for a fresh terminal of the same size: ours (a client that attaches late) or the user's own. It
draws the scrollback that was asked for, the screen (on the alternate screen: the main one first), then puts tab stops,
margins, modes, saved cursor, pen and cursor as they were. Order matters: see `_state`. Imports answers, charsets,
commands, modes, rows, screen and sgr.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from urllib.parse import quote

from .answers import Answers
from .commands import Commands
from .grid import TAB_WIDTH
from .modes import DEFAULT as DEFAULT_MODES
from .modes import MOUSE, MOUSE_ENCODINGS, PLAIN, SYNCHRONIZED, Modes
from .rows import OUTPUT, PROMPT, WRAPPED, Line, Row, part
from .screen import Saved, Screen
from .sgr import sgr
from .styles import DEFAULT, Style
from .width import FILLER

WIDE = "\u3000"
SCROLLBACK_SIZE = 4 << 20
"""Characters that scrollback may take of a redraw."""


def redraw(screen: Screen, modes: Modes, answers: Answers, commands: Commands, history: int) -> bytes:
    out = ["\x1b[m\x1b[H\x1b[2J", _said(commands)]
    main = screen.behind if screen.alternate else screen.buffer
    out.append(_lines(screen, _scrollback(screen, history), main))
    if screen.alternate:
        out.append(_saved(screen, main, screen.saved_behind, "\x1b[?1049h"))
        out.append("\x1b[?6l\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[m\x1b]8;;\x1b\\\x1b[H")
        out.append(_lines(screen, [], screen.buffer))
    out.append(_tabs(screen))
    out.append(_saved(screen, screen.buffer, screen.saved, "\x1b7"))
    out.append(_modes(modes))
    out.append(_state(screen, answers))
    if SYNCHRONIZED in modes.on:
        out.append("\x1b[?2026h")
    return "".join(out).encode()


def _said(commands: Commands) -> str:
    """Titles, directory and exit status."""
    out = [f"\x1b]2;{title}\x1b\\\x1b[22;2t" for title in commands.titles]
    if commands.title or commands.titles:
        out.append(f"\x1b]2;{commands.title}\x1b\\")
    if commands.directory is not None:
        out.append(f"\x1b]7;file://{quote(commands.directory)}\x1b\\")
    if commands.exit_status is not None:
        out.append(f"\x1b]133;D;{commands.exit_status}\x1b\\")
    return "".join(out)


def _modes(modes: Modes) -> str:
    """The modes that are nothing but numbers, those that XTSAVE kept first."""
    out = []
    for mode, on in modes.saved.items():
        out.append(f"\x1b[?{mode}{'h' if on else 'l'}\x1b[?{mode}s")
    changed = {mode for mode in PLAIN if (mode in modes.on) != (mode in DEFAULT_MODES) or mode in modes.saved}
    for mode in sorted(changed.difference(MOUSE, MOUSE_ENCODINGS)):
        out += [f"\x1b[?{mode}{'h' if mode in modes.on else 'l'}"]
    for group in (MOUSE, MOUSE_ENCODINGS):
        if not modes.saved.keys().isdisjoint(group):
            out.append(f"\x1b[?{group[0]}l")
        out += [f"\x1b[?{mode}h" for mode in group if mode in modes.on]
    return "".join(out)


def _state(screen: Screen, answers: Answers) -> str:
    """Everything but the text. Margins and origin mode move the cursor, and insert mode and autowrap change what
    printing does, so the cursor comes between them; a single shift holds for the next character, so it comes last."""
    now = Saved(screen.x, screen.y, screen.pending, screen.style, screen.origin, screen.charsets)
    out = ["\x1b[?6l", _margins(screen), _cursor(screen, screen.buffer, now, screen.top, screen.left)]
    if answers.cursor_style:
        out.append(f"\x1b[{answers.cursor_style} q")
    if screen.insert:
        out.append("\x1b[4h")
    if screen.newline:
        out.append("\x1b[20h")
    if not screen.autowrap:
        out.append("\x1b[?7l")
    if screen.charsets.single:
        out.append("\x1bN" if screen.charsets.single == 2 else "\x1bO")
    return "".join(out)


def _margins(screen: Screen) -> str:
    out = f"\x1b[{screen.top + 1};{screen.bottom + 1}r" if screen.bottom > screen.top else ""
    if screen.side_margins:
        out += f"\x1b[?69h\x1b[{screen.left + 1};{screen.right + 1}s"
    return out


def _saved(screen: Screen, buffer: list[Line], saved: Saved, save: str) -> str:
    """A cursor that is saved by `save`. If its wrap is pending at a side margin, that margin is set for the while."""
    if not saved.pending or saved.x == screen.columns - 1:
        return _cursor(screen, buffer, saved) + save
    return f"\x1b[?69h\x1b[1;{saved.x + 1}s{_cursor(screen, buffer, saved)}{save}\x1b[?6l\x1b[?69l"


def _cursor(screen: Screen, buffer: list[Line], state: Saved, top: int = 0, left: int = 0) -> str:
    """Cursor, pen and character sets, while the margins begin at `top` and `left`.

    A pending wrap is made by writing the last cell of the line once more.
    """
    x, again = state.x, ""
    if state.pending:
        width = 1 + (buffer[state.y][0][x : x + 1] == FILLER)
        x += 1 - width
        cells, styles, _ = part(buffer[state.y], x, x + width)
        again = f"\x1b(B\x0f{_pen(screen.styles.styles[ord(styles[0])])}{screen.clusters.text(cells)}"
    line, column = (state.y - top, x - left) if state.origin else (state.y, x)
    return "".join(
        (
            "\x1b[?6h" if state.origin else "\x1b[?6l",
            f"\x1b[{line + 1};{column + 1}H",
            again,
            _pen(screen.styles.styles[state.style]),
            *(f"\x1b{target}{name}" for target, name in zip("()*+", state.charsets.sets, strict=True)),
            ("\x0f", "\x0e", "\x1bn", "\x1bo")[state.charsets.locked],
        )
    )


def _pen(style: Style) -> str:
    """Brings about the style, whatever was before."""
    return f"\x1b[{sgr(style)}m\x1b]8;;{style.link or ''}\x1b\\"


def _scrollback(screen: Screen, count: int) -> list[tuple[Line, str]]:
    """The newest lines of the scrollback and how each is drawn: `count` of them, or fewer if they are long to tell."""
    found: list[tuple[Line, str]] = []
    room = SCROLLBACK_SIZE
    for line in islice(reversed(screen.history), count):
        text = _line(screen, line)
        room -= len(text)
        if room < 0:
            break
        found.append((line, text))
    return found[::-1]


def _lines(screen: Screen, above: list[tuple[Line, str]], lines: Iterable[Line]) -> str:
    """The lines `above` and those on the screen, from the cursor on."""
    out: list[str] = []
    before: Line | None = None
    for line, text in [*above, *((line, _line(screen, line)) for line in lines)]:
        if before is not None:
            out.append(_between(screen, before, line))
        out.append(text)
        before = line
    return "".join(out)


def _line(screen: Screen, line: Line) -> str:
    """A line in its styles; marks come after the text, when the cursor is there for sure."""
    out: list[str] = []
    for text, style in Row(line, screen.styles.styles, screen.clusters).spans():
        out.append(text if style == DEFAULT else f"{_pen(style)}{text}\x1b[m" + "\x1b]8;;\x1b\\" * bool(style.link))
    out += [f"\x1b]133;{mark}\x1b\\" for flag, mark in ((PROMPT, "A"), (OUTPUT, "C")) if line[2] & flag]
    return "".join(out)


def _between(screen: Screen, before: Line, line: Line) -> str:
    """What brings the cursor to the next line. A line that is wrapped has to go on by itself: by the text of the
    next one where that does it, else by a character that is taken away again. (A background would fill the line that
    scrolls in.)"""
    if not before[2] & WRAPPED:
        return "\r\n"
    full = len(before[0]) == screen.columns
    if line[0] and (full or line[0][1:2] == FILLER) and not screen.styles.blank(ord(line[1][0])):
        return ""
    return f"{' ' if full else WIDE}\r\x1b[K"


def _tabs(screen: Screen) -> str:
    if screen.tabs == list(range(TAB_WIDTH, screen.columns, TAB_WIDTH)):
        return ""
    return "\x1b[3g" + "".join(f"\x1b[{x + 1}G\x1bH" for x in screen.tabs)
