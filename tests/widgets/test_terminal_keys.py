"""What the keys, the mouse and a paste send: xterm's answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.keys import encode_key, encode_mouse, encode_paste


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("A", "A", b"A"),
        ("question_mark", "?", b"?"),
        ("é", "é", "é".encode()),
        ("space", " ", b" "),
        ("enter", "\r", b"\r"),
        ("shift+enter", None, b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("escape", "\x1b", b"\x1b"),
        ("backspace", "\x7f", b"\x7f"),
        ("ctrl+backspace", None, b"\x08"),
        ("alt+backspace", None, b"\x1b\x7f"),
        ("alt+enter", None, b"\x1b\r"),
        ("ctrl+a", "\x01", b"\x01"),
        ("ctrl+z", "\x1a", b"\x1a"),
        ("ctrl+q", "\x11", b"\x11"),
        ("ctrl+shift+a", None, b"\x01"),
        ("ctrl+at", "\0", b"\0"),
        ("ctrl+@", "\0", b"\0"),
        ("ctrl+space", None, b"\0"),
        ("ctrl+backslash", "\x1c", b"\x1c"),
        ("ctrl+left_square_bracket", None, b"\x1b"),
        ("ctrl+right_square_bracket", "\x1d", b"\x1d"),
        ("ctrl+circumflex_accent", "\x1e", b"\x1e"),
        ("ctrl+underscore", "\x1f", b"\x1f"),
        ("ctrl+slash", None, b"\x1f"),
        ("ctrl+2", None, b"\0"),
        ("alt+x", "x", b"\x1bx"),
        ("alt+shift+x", "X", b"\x1bX"),
        ("alt+full_stop", None, b"\x1b."),
        ("alt+ctrl+a", None, b"\x1b\x01"),
        ("up", None, b"\x1b[A"),
        ("home", None, b"\x1b[H"),
        ("ctrl+up", None, b"\x1b[1;5A"),
        ("shift+right", None, b"\x1b[1;2C"),
        ("alt+left", None, b"\x1b[1;3D"),
        ("ctrl+shift+end", None, b"\x1b[1;6F"),
        ("insert", None, b"\x1b[2~"),
        ("delete", None, b"\x1b[3~"),
        ("ctrl+delete", None, b"\x1b[3;5~"),
        ("pageup", None, b"\x1b[5~"),
        ("alt+pagedown", None, b"\x1b[6;3~"),
        ("f1", None, b"\x1bOP"),
        ("f4", None, b"\x1bOS"),
        ("f5", None, b"\x1b[15~"),
        ("f12", None, b"\x1b[24~"),
        ("ctrl+f1", None, b"\x1b[1;5P"),
        ("f13", None, b"\x1b[1;2P"),
        ("f24", None, b"\x1b[24;2~"),
        ("super+a", None, b""),
        ("caps_lock", None, b""),
    ],
)
def test_a_key_sends_what_xterm_sends(key: str, character: str | None, sent: bytes) -> None:
    assert encode_key(key, character) == sent


@pytest.mark.parametrize(("key", "sent"), [("up", b"\x1bOA"), ("end", b"\x1bOF"), ("ctrl+up", b"\x1b[1;5A")])
def test_application_cursor_mode_changes_the_bare_cursor_keys_only(key: str, sent: bytes) -> None:
    assert encode_key(key, application_cursor=True) == sent


def test_every_control_letter_sends_its_control_character() -> None:
    for code in range(1, 27):
        assert encode_key(f"ctrl+{chr(96 + code)}") == bytes([code])


def test_a_paste_ends_its_lines_as_enter_does() -> None:
    assert encode_paste("one\ntwo\r\nthree", bracketed=False) == b"one\rtwo\rthree"


@given(st.text())
def test_nothing_pasted_can_end_the_bracket_early(text: str) -> None:
    text = text.encode(errors="replace").decode()
    assert encode_paste(text, bracketed=True).count(b"\x1b") == 2


@pytest.mark.parametrize(
    ("button", "x", "y", "pressed", "encoding", "sent"),
    [
        (0, 0, 0, True, 1006, b"\x1b[<0;1;1M"),
        (2, 9, 4, False, 1006, b"\x1b[<2;10;5m"),
        (64, 300, 2, True, 1006, b"\x1b[<64;301;3M"),
        (0, 0, 0, True, 0, b"\x1b[M !!"),
        (0, 0, 0, False, 0, b"\x1b[M#!!"),
        (0, 300, 0, True, 0, b""),
        (0, 300, 1, True, 1005, b"\x1b[M " + chr(333).encode() + b'"'),
        (0, 3000, 0, True, 1005, b""),
        (0, 300, 1, True, 1015, b"\x1b[32;301;2M"),
        (0, 300, 1, False, 1015, b"\x1b[35;301;2M"),
    ],
)
def test_a_mouse_event_has_the_form_the_program_asked_for(
    button: int, x: int, y: int, pressed: bool, encoding: int, sent: bytes
) -> None:
    assert encode_mouse(button, x, y, pressed, encoding) == sent


@pytest.mark.parametrize(("typed", "sent"), [("\r", b"\x1bOM"), ("5", b"\x1bOu"), ("+", b"\x1bOk"), ("", b"5")])
def test_the_keypad_has_sequences_of_its_own_when_the_program_asked(typed: str, sent: bytes) -> None:
    assert encode_key("5", "5", application_keypad=typed) == sent


def test_no_control_character_is_pasted_but_tabs_and_line_ends() -> None:
    assert encode_paste("a\x03b\x04\tc\x9bd\x7f\n", bracketed=False) == b"ab\tcd\r"
