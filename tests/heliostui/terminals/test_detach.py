"""Ctrl-P Ctrl-Q."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heliostui.terminals.detach import DetachKeys

PIECES = st.lists(st.text("\x10\x11ab", max_size=4).map(str.encode), max_size=8)


def test_the_sequence_detaches_and_what_came_before_is_passed_on() -> None:
    assert DetachKeys().feed(b"ls\x10\x11") == (b"ls", True)


def test_the_sequence_may_come_in_two_pieces() -> None:
    keys = DetachKeys()
    assert keys.feed(b"\x10") == (b"", False)
    assert keys.waiting
    assert keys.feed(b"\x11") == (b"", True)


def test_a_ctrl_p_is_passed_on_with_the_next_key() -> None:
    keys = DetachKeys()
    keys.feed(b"\x10")
    assert keys.feed(b"x") == (b"\x10x", False)
    assert not keys.waiting


def test_a_lone_ctrl_p_is_passed_on_when_it_is_released() -> None:
    keys = DetachKeys()
    keys.feed(b"a\x10")
    assert keys.release() == b"\x10"
    assert keys.release() == b""
    assert keys.feed(b"\x11") == (b"\x11", False)


def test_the_second_of_two_ctrl_p_can_begin_the_sequence() -> None:
    assert DetachKeys().feed(b"\x10\x10\x11") == (b"\x10", True)


@given(PIECES)
def test_no_key_is_lost_or_changed_however_it_is_cut(pieces: list[bytes]) -> None:
    keys, passed = DetachKeys(), b""
    for piece in pieces:
        data, detached = keys.feed(piece)
        passed += data
        if detached:
            assert b"".join(pieces).startswith(passed + b"\x10\x11")
            assert b"\x10\x11" not in passed
            return
    assert passed + keys.release() == b"".join(pieces)
    assert b"\x10\x11" not in b"".join(pieces)
