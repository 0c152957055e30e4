"""What a session keeps of a terminal that the engine draws anew."""

from __future__ import annotations

from engine.terminal import Terminal
from heliostui.session import scrollback_of


def drawn_anew(old: Terminal, screen: bytes) -> Terminal:
    new = Terminal(old.columns, old.lines)
    new.feed(scrollback_of(old) + screen)
    return new


def test_what_was_seen_is_still_there_after_a_redraw() -> None:
    old = Terminal(20, 4)
    old.feed(b"".join(b"\x1b[31mline\x1b[m %d\r\n" % n for n in range(10)) + b"x" * 25 + b"\r\nlast")
    fresh = Terminal(20, 4)
    fresh.feed(b"\x1b[32mnew\r\nscreen")
    new = drawn_anew(old, fresh.redraw())
    assert new.text() == fresh.text()
    assert new.cursor == fresh.cursor
    rows = [new.row(y) for y in range(-new.scrollback, 0)]
    assert [row.text.rstrip() for row in rows] == [*(f"line {n}" for n in range(10)), "x" * 20, "x" * 5, "last"]
    assert rows[0].spans()[0][1].foreground == 1
    assert [row.wrapped for row in rows[-3:]] == [True, False, False]


def test_nothing_is_kept_of_a_full_screen_program_or_a_blank_screen() -> None:
    old = Terminal(20, 4)
    assert scrollback_of(old) == b""
    old.feed(b"text\x1b[?1049hfull")
    assert scrollback_of(old) == b""
