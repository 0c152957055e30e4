"""The control functions: what each escape and control sequence does to screen, modes and answers.

Tables from a sequence to a function; a control sequence is looked up by its marker and final characters and gets its
parameters. Imports answers, charsets, commands, modes, rectangles, screen and sgr.

Sources: ECMA-48, DEC STD 070, and xterm's ctlseqs (invisible-island.net/xterm/ctlseqs), whose names the tables use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import rectangles
from .answers import Answers
from .commands import Commands
from .modes import EXTENDED_REVERSE_WRAP, KEYPAD, REVERSE_WRAP, Modes
from .rows import WRAPPED
from .screen import Screen

Parameters = tuple[int, ...]
Function = Callable[[Parameters], None]


def numbers(parameters: str) -> Parameters:
    """The numbers of a control sequence; 0 stands for one left out. Subparameters are dropped."""
    return tuple(min(int(p.partition(":")[0] or 0), 65_535) for p in parameters.split(";"))


def control_sequences(screen: Screen, modes: Modes, answers: Answers, commands: Commands) -> dict[str, Function]:
    """All of them but SGR and DECSTR."""
    return _moving(screen, modes) | _editing(screen) | _settings(screen, modes, answers, commands) | _asking(answers)


def _counted(act: Callable[[int], None]) -> Function:
    """A function whose only parameter is a count, 1 if left out."""
    return lambda p: act(p[0] or 1)


def _moving(screen: Screen, modes: Modes) -> dict[str, Function]:
    move_to, move_to_column, move_to_line = screen.move_to, screen.move_to_column, screen.move_to_line

    def cursor_position(p: Parameters) -> None:
        move_to((p[1] or 1) - 1 if len(p) > 1 else 0, (p[0] or 1) - 1)

    def next_line(p: Parameters) -> None:
        screen.down(p[0] or 1)
        screen.carriage_return()

    def previous_line(p: Parameters) -> None:
        screen.up(p[0] or 1)
        screen.carriage_return()

    return {
        "A": _counted(screen.up),
        "B": _counted(screen.down),
        "C": _counted(screen.forward),
        "D": _counted(partial(backward, screen, modes)),
        "E": next_line,
        "F": previous_line,
        "G": lambda p: move_to_column((p[0] or 1) - 1),
        "H": cursor_position,
        "I": _counted(screen.tab),
        "Z": _counted(screen.back_tab),
        "`": lambda p: move_to_column((p[0] or 1) - 1),
        "a": _counted(screen.move_right),
        "d": lambda p: move_to_line((p[0] or 1) - 1),
        "e": _counted(screen.down),
        "f": cursor_position,
    }


def backward(screen: Screen, modes: Modes, count: int = 1) -> None:
    """CUB and BS. With mode 45 back over the beginning of a line that was wrapped, with 1045 of any line."""
    extended = EXTENDED_REVERSE_WRAP in modes.on
    if not (screen.autowrap and (extended or REVERSE_WRAP in modes.on)):
        screen.back(count)
        return
    count = min(count, screen.columns * screen.lines)
    if screen.pending and count:
        screen.pending, count = False, count - 1
    while count:
        first = screen.left if screen.x >= screen.left else 0
        step = min(count, screen.x - first)
        screen.back(step)
        count -= step
        if not count:
            return
        wrapped = screen.y > 0 and screen.buffer[screen.y - 1][2] & WRAPPED
        if screen.y == screen.top and extended:
            screen.y = screen.bottom
        elif screen.y in (0, screen.top) or not (wrapped or extended):
            return
        else:
            screen.y -= 1
        screen.x = screen.right
        count -= 1


def _editing(screen: Screen) -> dict[str, Function]:
    def erase_in_line(p: Parameters) -> None:
        if p[0] == 0:
            screen.erase_to_end()
        elif p[0] <= 2:
            screen.erase_in_line(0, screen.x + 1 if p[0] == 1 else screen.columns)

    def erase_in_display(p: Parameters) -> None:
        match p[0]:
            case 0:
                erase_in_line(p)
                screen.erase_lines(screen.y + 1, screen.lines)
            case 1:
                erase_in_line(p)
                screen.erase_lines(0, screen.y)
            case 2:
                screen.erase_lines(0, screen.lines)
            case 3:
                screen.history.clear()

    return {
        "@": _counted(screen.insert_blanks),
        "J": erase_in_display,
        "?J": erase_in_display,  # nothing is ever protected
        "K": erase_in_line,
        "?K": erase_in_line,
        "L": _counted(screen.insert_lines),
        "M": _counted(screen.delete_lines),
        "P": _counted(screen.delete_cells),
        "S": _counted(screen.scroll_up),
        "T": lambda p: screen.scroll_down(p[0] or 1) if len(p) == 1 else None,
        "X": lambda p: screen.erase_in_line(screen.x, min(screen.x + (p[0] or 1), screen.columns)),
        "b": _counted(screen.repeat),
        "'}": lambda p: screen.insert_columns(screen.x, p[0] or 1),
        "'~": lambda p: screen.delete_columns(screen.x, p[0] or 1),
        "$z": partial(rectangles.erase, screen),
        "$x": partial(rectangles.fill, screen),
        "$v": partial(rectangles.copy, screen),
    }


def _settings(screen: Screen, modes: Modes, answers: Answers, commands: Commands) -> dict[str, Function]:
    def clear_tabs(p: Parameters) -> None:
        if p[0] == 0:
            screen.clear_tab()
        elif p[0] == 3:
            screen.tabs.clear()

    def margins(p: Parameters) -> None:
        screen.set_margins((p[0] or 1) - 1, (p[1] if len(p) > 1 and p[1] else screen.lines) - 1)

    def side_margins_or_save(p: Parameters) -> None:
        if screen.side_margins:
            screen.set_side_margins((p[0] or 1) - 1, (p[1] if len(p) > 1 and p[1] else screen.columns) - 1)
        else:
            screen.save()

    def cursor_style(p: Parameters) -> None:
        if p[0] <= 6:
            answers.cursor_style = p[0]

    def window(p: Parameters) -> None:
        if p[0] in (22, 23):
            if len(p) < 2 or p[1] != 1:  # 1 is the icon's name alone
                (commands.push_title if p[0] == 22 else commands.pop_title)()
        else:
            answers.window(p[0])

    return {
        "g": clear_tabs,
        "h": lambda p: modes.set_ansi(p, True),
        "l": lambda p: modes.set_ansi(p, False),
        "?h": lambda p: modes.set_private(p, True),
        "?l": lambda p: modes.set_private(p, False),
        "?s": modes.save,
        "?r": modes.restore,
        "r": margins,
        "s": side_margins_or_save,
        "u": lambda p: screen.restore(),
        "t": window,
        " q": cursor_style,
    }


def _asking(answers: Answers) -> dict[str, Function]:
    def only_zero(answer: Callable[[], None]) -> Function:
        return lambda p: None if p[0] else answer()

    return {
        "c": only_zero(answers.primary_attributes),
        ">c": only_zero(answers.secondary_attributes),
        "=c": only_zero(answers.tertiary_attributes),
        "n": lambda p: answers.status(p[0]),
        "?n": lambda p: answers.private_status(p[0]),
        "x": lambda p: answers.parameters(p[0]),
        "$p": lambda p: answers.ansi_mode(p[0]),
        "?$p": lambda p: answers.mode(p[0]),
        "?m": lambda p: answers.modifier_keys(p[0]),
        ">q": only_zero(answers.name),
    }


def escape_sequences(screen: Screen, modes: Modes, answers: Answers) -> dict[str, Callable[[], None]]:
    """All of them but RIS and most designations of character sets."""

    def back_index() -> None:
        if screen.x == screen.left and screen.inside:
            screen.insert_columns(screen.left, 1)
        else:
            screen.back(1)

    def forward_index() -> None:
        if screen.x == screen.right and screen.inside:
            screen.delete_columns(screen.left, 1)
        else:
            screen.forward(1)

    functions = {
        "6": back_index,
        "7": screen.save,
        "8": screen.restore,
        "9": forward_index,
        "#8": lambda: screen.fill("E"),
        "(0": lambda: screen.designate(0, "0"),
        "(B": lambda: screen.designate(0, "B"),
        "D": screen.linefeed,
        "E": screen.next_line,
        "H": screen.set_tab,
        "M": screen.reverse_linefeed,
        "N": lambda: screen.set_charsets(screen.charsets._replace(single=2)),
        "O": lambda: screen.set_charsets(screen.charsets._replace(single=3)),
        "Z": answers.primary_attributes,
        "n": lambda: screen.set_charsets(screen.charsets._replace(locked=2)),
        "o": lambda: screen.set_charsets(screen.charsets._replace(locked=3)),
        "=": lambda: modes.on.add(KEYPAD),
        ">": lambda: modes.on.discard(KEYPAD),
    }
    return {f"\x1b{sequence}": act for sequence, act in functions.items()}


def control_characters(screen: Screen, modes: Modes) -> dict[str, Callable[[], None]]:
    """All of them but BEL; and CR LF, for it is so common."""

    def linefeed() -> None:
        if screen.newline:
            screen.carriage_return()
        screen.linefeed()

    return {
        "\b": lambda: backward(screen, modes),
        "\t": screen.tab,
        "\n": linefeed,
        "\v": linefeed,
        "\f": linefeed,
        "\r": screen.carriage_return,
        "\r\n": screen.next_line,
        "\x0e": lambda: screen.set_charsets(screen.charsets._replace(locked=1)),
        "\x0f": lambda: screen.set_charsets(screen.charsets._replace(locked=0)),
    }
