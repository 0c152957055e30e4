"""Putting a terminal back after a full-screen program."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.terminal import Terminal
from heliostui.commandline.modes import Modes

VIM = b"\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[?25l\x1b[?1000;1006h\x1b[31mtext"


def undo(*pieces: bytes) -> bytes:
    modes = Modes()
    for piece in pieces:
        modes.feed(piece)
    return modes.undo()


def test_every_mode_that_is_left_on_is_switched_back() -> None:
    back = undo(VIM)
    for switch in (b"\x1b[?1049l", b"\x1b[?1l", b"\x1b[?2004l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1006l"):
        assert switch in back
    assert back.endswith(b"\x1b[?1049l")


def test_what_a_program_switched_back_itself_is_left_alone() -> None:
    assert b"?" not in undo(VIM, b"\x1b[?1000;1006l\x1b[?25h\x1b[?2004l\x1b[?1l\x1b[?1049l")


def test_nothing_is_written_where_nothing_was_shown() -> None:
    assert Modes().undo() == b""


def test_hostile_numbers_are_harmless() -> None:
    assert b"99999999" not in undo(b"\x1b[?99999999999999h\x1b[?;;;h")


@given(st.integers(0, len(VIM)), st.integers(0, len(VIM)))
def test_sequences_may_be_cut_anywhere(first: int, second: int) -> None:
    first, second = sorted((first, second))
    assert undo(VIM[:first], VIM[first:second], VIM[second:]) == undo(VIM)


def test_a_terminal_shows_its_shell_again_and_the_cursor() -> None:
    terminal = Terminal(40, 5)
    terminal.feed(b"$ vim")
    terminal.feed(VIM)
    terminal.feed(undo(VIM))
    assert terminal.row(0).text.startswith("$ vim")
