"""Promises about side margins, columns, rectangles, character sets and reverse wrap."""

from __future__ import annotations

import pytest

from .test_terminal import fed, rows

MARGINS = "\x1b[?69h\x1b[3;6s"  # columns 3 to 6
E_ROW = "E" * 20


@pytest.mark.parametrize(
    ("stream", "first"),
    [
        (MARGINS + "abcdefghij", ["abcdef", "  ghij"]),
        (MARGINS + "\x1b[1;15Habcdefg", ["              abcdef", "  g"]),
        (MARGINS + "\x1b[1;5Hx\ry", ["  y x"]),
        (MARGINS + "\x1b[?6h\x1b[1;1Hx", ["  x"]),
        (MARGINS + "\x1b[1;3H\x1b[99Cx", ["     x"]),
        (MARGINS + "\x1b[1;5H\x1b[99Dx", ["  x"]),
        ("abcdefgh" + MARGINS + "\x1b[1;4H\x1b[@", ["abc defgh"[:3] + " de" + "gh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;4H\x1b[P", ["abcef gh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;1H\x1b[P", ["abcdefgh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;3H\x1b[2'}", ["ab  cdgh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;3H\x1b[2'~", ["abef  gh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;3H\x1b6", ["ab cdegh"]),
        ("abcdefgh" + MARGINS + "\x1b[1;6H\x1b9", ["abdef gh"]),
        ("a日b" + MARGINS + "\x1b[1;3H\x1b[@", ["a   b"]),
        (MARGINS + "\x1b[?69labcdefghij", ["abcdefghij"]),
    ],
)
def test_nothing_crosses_a_side_margin(stream: str, first: list[str]) -> None:
    assert rows(fed(stream))[: len(first)] == first


def test_only_the_rectangle_between_the_margins_scrolls() -> None:
    terminal = fed("\x1b#8" + MARGINS + "\x1b[2;4r\x1b[4;3Hxx\n")
    assert rows(terminal) == [E_ROW, E_ROW, "EExxEE"[:2] + "xxEE" + "E" * 14, "EE" + "    " + "E" * 14, E_ROW]
    assert terminal.scrollback == 0


def test_a_line_wrapped_at_a_side_margin_is_no_wrapped_line() -> None:
    assert not fed(MARGINS + "abcdefghij").row(0).wrapped


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("\x1b#8\x1b[2;2;3;5$z", [E_ROW, "E    " + "E" * 15, "E    " + "E" * 15, E_ROW]),
        ("\x1b[88;1;1;2;3$x", ["XXX", "XXX", "", ""]),
        ("\x1b[7;1;1;2;3$x\x1b[88;3;1;2;1$x", ["", "", "", ""]),
        ("abc\r\ndef\x1b[1;1;2;3;1;2;5;1$v", ["abc", "def abc", "    def", ""]),
        ("abc\x1b[1;1;1;3;1;1;2;1$v", ["aabc", "", "", ""]),
        ("a日b\x1b[1;3;1;4;1;3;1;1$v", ["a日b", "", " b", ""]),
    ],
)
def test_rectangles_are_erased_filled_and_copied(stream: str, expected: list[str]) -> None:
    assert rows(fed(stream))[:4] == expected


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        ("\x1b*0\x1bNqq", "─q"),
        ("\x1b+0\x1bOqq\x1boqx\x0fq", "─q─│q"),
        ("\x1b*0\x1bnqx\x0fq", "─│q"),
        ("\x1b(A#\x1b(B#", "£#"),
        ("\x1b(<D(\x1b(Bq", "Ä¤q"),
        ("\x1b(Kq{", "q{"),
        ("\x1b(0\x1b7\x1b(Bq\x1b8q", "─"),
    ],
)
def test_character_sets_are_designated_and_shifted_in(stream: str, text: str) -> None:
    assert rows(fed(stream))[0] == text


@pytest.mark.parametrize(
    ("stream", "cursor"),
    [
        ("\x1b[?45h" + "x" * 22 + "\b\b\b", (19, 0)),
        ("\x1b[?45h" + "x" * 20 + "\r\nyy\b\b\b\b", (0, 1)),
        ("\x1b[?1045h" + "x" * 20 + "\r\nyy\x1b[4D", (18, 0)),
        ("\x1b[?1045h\b", (19, 4)),
        ("x" * 22 + "\b\b\b", (0, 1)),
    ],
)
def test_backspace_wraps_back_only_where_it_was_asked_to(stream: str, cursor: tuple[int, int]) -> None:
    assert fed(stream).cursor == cursor


@pytest.mark.parametrize(
    ("stream", "row"),
    [("\x1b[20hab\nc", ["ab", "c"]), ("ab\nc", ["ab", "  c"]), ("\x1b[20h\x1b[20lab\vc", ["ab", "  c"])],
)  # fmt: skip
def test_newline_mode_decides_whether_a_linefeed_returns(stream: str, row: list[str]) -> None:
    assert rows(fed(stream))[:2] == row


def test_modes_are_saved_and_restored() -> None:
    terminal = fed("\x1b[?2004h\x1b[?2004s\x1b[?2004l\x1b[?1006h\x1b[?1002h")
    assert (terminal.mouse, terminal.mouse_encoding, terminal.bracketed_paste) == (1002, 1006, False)
    terminal.feed(b"\x1b[?2004r\x1b[?1015h")
    assert (terminal.bracketed_paste, terminal.mouse_encoding, terminal.mouse_sgr) == (True, 1015, False)


def test_text_between_joins_what_was_wrapped_and_cuts_a_block() -> None:
    terminal = fed("x" * 25 + "\r\nsecond   \r\n日本語")
    assert terminal.text_between((0, 18), (2, 2)) == "x" * 7 + "\nsec"
    assert terminal.text_between((2, 2), (0, 18)) == "x" * 7 + "\nsec"
    assert terminal.text_between((1, 1), (3, 2), block=True) == "xx\nec\n日本"
    assert terminal.text_between((2, 0), (2, 19)) == "second"
    with pytest.raises(IndexError):
        terminal.text_between((-1, 0), (0, 0))
