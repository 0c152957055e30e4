"""What the terminal core promises, one thing at a time."""

from __future__ import annotations

import pytest

from engine.terminal import Style, Terminal, plain_text
from engine.terminal.styles import StyleTable


def fed(*pieces: str | bytes, columns: int = 20, lines: int = 5, history: int = 100) -> Terminal:
    terminal = Terminal(columns, lines, history)
    for piece in pieces:
        terminal.feed(piece.encode() if isinstance(piece, str) else piece)
    return terminal


def rows(terminal: Terminal) -> list[str]:
    return terminal.text().split("\n")


def answers(data: bytes, columns: int = 80, lines: int = 24) -> bytes:
    replies: list[bytes] = []
    Terminal(columns, lines, reply=replies.append).feed(data)
    return b"".join(replies)


# Text


def test_text_wraps_only_when_more_follows_the_last_column() -> None:
    terminal = fed("x" * 20)
    assert terminal.cursor == (19, 0)
    terminal.feed(b"y")
    assert (rows(terminal)[1], terminal.cursor) == ("y", (1, 1))


def test_a_wide_character_that_does_not_fit_goes_to_the_next_line_whole() -> None:
    assert rows(fed("x" * 19 + "日"))[:2] == ["x" * 19, "日"]


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ("\x1b[2GX", "aX b"),
        ("\x1b[3GX", "a Xb"),
        ("\x1b[3G\x1b[P", "a b"),
        ("\x1b[2G\x1b[X", "a  b"),
        ("\x1b[3G\x1b[@", "a   b"),
        ("\x1b[3G\x1b[K", "a"),
        ("\x1b[2G\x1b[1K", "   b"),
    ],
)
def test_what_cuts_a_wide_character_in_half_removes_it_whole(cut: str, left: str) -> None:
    assert rows(fed("a日b", cut))[0] == left


def test_combining_marks_join_the_character_before_them_wherever_the_stream_is_split() -> None:
    assert rows(fed("e", "\u0301x"))[0] == "e\u0301x"
    assert fed("e\u0301x").cursor == (2, 0)


def test_invalid_utf_8_shows_a_replacement_and_goes_on() -> None:
    assert rows(fed(b"a\xffb\xc3", b"\xa9c\xe6\x97X"))[0] == "a\ufffdbéc\ufffdX"


def test_line_drawing_characters_are_drawn_from_g0_and_g1() -> None:
    assert rows(fed("\x1b(0lqk\x1b(Bq\x1b)0\x0eq\x0fq"))[0] == "┌─┐q─q"


def test_a_character_is_repeated_but_never_without_bound() -> None:
    assert rows(fed("ab\x1b[3bc"))[0] == "abbbbc"
    fed("a\x1b[999999999b").text()


# Styles


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("1;2;3;4;5;7;8;9", Style(None, None, True, True, True, 1, True, True, True, True)),
        ("1;22;4;24", Style()),
        ("31;42", Style(1, 2)),
        ("97;100", Style(15, 8)),
        ("38;5;200", Style(200)),
        ("48;2;1;2;3", Style(None, (1, 2, 3))),
        ("38:2::1:2:3", Style((1, 2, 3))),
        ("38:2:1:2:3", Style((1, 2, 3))),
        ("38:5:9;1", Style(9, bold=True)),
        ("4:3", Style(underline=3)),
        ("4:0", Style()),
        ("21", Style(underline=2)),
        ("53;73;1", Style(bold=True, overline=True)),
        ("58;5;3;1", Style(bold=True, underline_color=3)),
        ("58:2::1:2:3;59;58:2::1:2:4", Style(underline_color=(1, 2, 4))),
        ("38;5;999;1", Style(bold=True)),
        ("38;5", Style()),
        ("31;", Style()),
        ("39;49", Style()),
    ],
)
def test_sgr_sets_the_style(codes: str, style: Style) -> None:
    assert fed(f"\x1b[{codes}mx").row(0).spans() == [("x", style)]


def test_erased_cells_keep_the_background_only() -> None:
    assert fed("\x1b[1;44m\x1b[K").row(0).spans() == [(" " * 20, Style(background=4))]


def test_modify_other_keys_and_kitty_requests_are_not_taken_for_styles() -> None:
    assert fed("\x1b[>4;2m\x1b[?4m\x1b[>1u\x1b[=1uz").row(0).spans() == [("z", Style())]


def test_the_table_of_styles_is_collected_when_a_program_uses_every_colour() -> None:
    terminal = fed(lines=3, history=2)
    for red in range(250):
        terminal.feed(b"".join(b"\x1b[38;2;%d;%d;7mx\r" % (red, green) for green in range(250)))
    assert terminal.row(0).spans() == [("x", Style((249, 249, 7)))]
    assert len(terminal._screen.styles.styles) < StyleTable.LIMIT


# Scrolling, buffers, size


def test_lines_that_scroll_off_can_be_read_in_the_scrollback() -> None:
    terminal = fed("".join(f"{n}\r\n" for n in range(10)))
    assert (terminal.scrollback, terminal.row(-1).text, terminal.row(-6).text) == (6, "5", "0")
    with pytest.raises(IndexError, match="-7"):
        terminal.row(-7)


def test_the_scrollback_is_bounded_and_counts_on() -> None:
    terminal = fed("\r\n" * 1000, history=10)
    assert (terminal.scrollback, terminal.scrolled) == (10, 996)


def test_a_scrolling_region_below_the_top_leaves_no_scrollback() -> None:
    terminal = fed("top\x1b[2;4r\x1b[4;1Ha\r\nb\r\nc\r\nd\r\n")
    assert (terminal.scrollback, rows(terminal)) == (0, ["top", "c", "d", "", ""])


@pytest.mark.parametrize("mode", [47, 1047, 1049])
def test_the_alternate_screen_leaves_the_main_one_as_it_was(mode: int) -> None:
    terminal = fed(f"main\x1b[?{mode}h")
    assert (terminal.alternate, terminal.text().strip(), terminal.scrollback) == (True, "", 0)
    terminal.feed(b"\x1b[2Jother" + b"\r\n" * 10 + b"\x1b[?%dl" % mode)
    assert (terminal.alternate, rows(terminal)[0], terminal.scrollback) == (False, "main", 0)


def test_a_row_is_shared_while_it_scrolls() -> None:
    terminal = fed("one\r\n")
    row = terminal.row(0)
    terminal.feed(b"\r\n" * 5)
    assert terminal.row(-2) is row


def test_shrinking_moves_lines_into_the_scrollback_and_growing_brings_them_back() -> None:
    terminal = fed("1\r\n2\r\n3\r\n4\r\n$ ")
    terminal.resize(20, 2)
    assert (rows(terminal), terminal.scrollback, terminal.cursor) == (["4", "$"], 3, (2, 1))
    terminal.resize(20, 5)
    assert (rows(terminal), terminal.scrollback, terminal.cursor) == (["1", "2", "3", "4", "$"], 0, (2, 4))


def test_a_mostly_empty_screen_shrinks_from_below() -> None:
    terminal = fed("$ ")
    terminal.resize(20, 2)
    assert (rows(terminal), terminal.scrollback, terminal.cursor) == (["$", ""], 0, (2, 0))


def test_text_hidden_by_a_narrow_screen_comes_back() -> None:
    terminal = fed("hello 日本\r\n")
    terminal.resize(7, 5)
    assert rows(terminal)[0] == "hello"
    terminal.resize(20, 5)
    assert rows(terminal)[0] == "hello 日本"


def test_the_main_screen_is_resized_behind_the_alternate_one() -> None:
    terminal = fed("1\r\n2\r\n3\r\n4\r\n$ \x1b[?1049hvim")
    terminal.resize(10, 3)
    terminal.feed(b"\x1b[?1049l")
    assert (rows(terminal), terminal.cursor, terminal.scrollback) == (["3", "4", "$"], (2, 2), 2)


# Modes and reports


def test_the_modes_that_matter_to_the_keyboard_and_the_mouse_can_be_read() -> None:
    terminal = fed("\x1b[?1;66;25;1000;1002;1004;1006;2004h")
    assert terminal.application_cursor_keys
    assert terminal.application_keypad
    assert terminal.focus_reports
    assert terminal.bracketed_paste
    assert (terminal.mouse, terminal.mouse_sgr) == (1002, True)
    terminal.feed(b"\x1b[?1;66;25;1002;1004;1006;2004l")
    assert not terminal.application_cursor_keys
    assert not terminal.cursor_visible
    assert (terminal.mouse, terminal.mouse_sgr) == (0, False)


def test_a_synchronized_update_holds_the_generation_for_a_bounded_while() -> None:
    terminal = fed("before")
    generation = terminal.generation
    terminal.feed(b"\x1b[?2026hhalf")
    assert (terminal.generation, terminal.synchronized) == (generation, True)
    terminal.feed(b"done\x1b[?2026l")
    assert terminal.generation > generation
    generation = terminal.generation
    terminal.feed(b"\x1b[?2026h")
    for _ in range(70):
        terminal.feed(b"x" * 1000)
    assert terminal.generation > generation


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"\x1b[c", b"\x1b[?64;21;22;28c"),
        (b"\x1b[>c", b"\x1b[>41;380;0c"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[3;4H\x1b[6n", b"\x1b[3;4R"),
        (b"\x1b[3;9r\x1b[?6h\x1b[2;4H\x1b[6n", b"\x1b[2;4R"),
        (b"\x1b[?2004$p", b"\x1b[?2004;2$y"),
        (b"\x1b[?7$p", b"\x1b[?7;1$y"),
        (b"\x1b[?12345$p", b"\x1b[?12345;0$y"),
        (b"\x1b[4$p", b"\x1b[4;2$y"),
        (b"\x1b[18t", b"\x1b[8;24;80t"),
        (b"\x1b[>q", b"\x1bP>|heliostui\x1b\\"),
        (b"\x1b[=c", b"\x1bP!|00000000\x1b\\"),
        (b"\x1bZ", b"\x1b[?64;21;22;28c"),
        (b"\x1b[x\x1b[1x", b"\x1b[2;1;1;128;128;1;0x\x1b[3;1;1;128;128;1;0x"),
        (b"\x1b[?6n\x1b[?15n\x1b[?996n", b"\x1b[?1;1R\x1b[?13n\x1b[?997;1n"),
        (b"\x1b[?69h\x1b[3;9s\x1b[?6h\x1b[6n", b"\x1b[1;1R"),
        (b"\x1b[?1016$p\x1b[?1036$p\x1b[20$p", b"\x1b[?1016;4$y\x1b[?1036;3$y\x1b[20;2$y"),
        (b"\x1b[1;4:3;58;5;9m\x1bP$qm\x1b\\", b"\x1bP1$r0;1;4:3;58:5:9m\x1b\\"),
        (b"\x1b[3;9r\x1bP$qr\x1b\\\x1bP$q q\x1b\\", b"\x1bP1$r3;9r\x1b\\\x1bP1$r0 q\x1b\\"),
        (b"\x1bP$q~\x1b\\", b"\x1bP0$r\x1b\\"),
        (b"\x1bP+q436F;5878\x1b\\", b"\x1bP1+r436F=323536\x1b\\\x1bP0+r5878\x1b\\"),
        (b"\x1b]10;?\x07", b"\x1b]10;rgb:c8c8/cccc/d4d4\x07"),
        (b"\x1b]10;?;?\x1b\\", b"\x1b]10;rgb:c8c8/cccc/d4d4\x1b\\\x1b]11;rgb:1616/1818/1d1d\x1b\\"),
        (b"\x1b]4;15;?;16;?\x07", b"\x1b]4;15;rgb:ffff/ffff/ffff\x07\x1b]4;16;rgb:0000/0000/0000\x07"),
        (b"\x1b]104\x07\x1b]110\x07\x1b]4;1;red\x07\x1b]10;red\x07\x1b]4;999;?\x07\x1b]19;?\x07", b""),
        (b"\x1b[?u\x1b[>1u\x1b[<u\x1b[>4;2m", b""),
        (b"\x1b]2;rm -rf\x07\x1b[21t\x1b[20t\x1b]52;c;?\x07\x1b[14t\x05", b""),
    ],
)
def test_a_program_gets_the_report_it_asks_for(request_: bytes, reply: bytes) -> None:
    assert answers(request_) == reply


def test_the_title_is_set_and_harmless() -> None:
    assert fed("\x1b]0;my\ttitle\x07").title == "mytitle"
    assert fed("\x1b]2;one\x1b\\\x1b]2;" + "x" * 10_000 + "\x07").title == "one"


# Broken and hostile streams


def test_control_characters_within_a_sequence_act_first() -> None:
    assert rows(fed("ab\x1b[2\rCx"))[0] == "abx"


def test_a_sequence_cancelled_or_cut_off_by_another_does_nothing() -> None:
    assert rows(fed("a\x1b[3\x18b\x1b[2\x1b[1mc\x1b]0;x\x1ad"))[0] == "abcd"


@pytest.mark.parametrize("start", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b[", b"\x1b[1;"])
def test_an_endless_sequence_costs_no_memory(start: bytes) -> None:
    terminal = fed(start)
    for _ in range(1000):
        terminal.feed(b"1" * 4096)
    assert len(terminal._parser.unfinished()) < 10_000
    terminal.feed(b"\x1b\\after")
    assert rows(terminal)[0] == "after"


def test_too_many_clusters_lose_their_marks_but_not_their_characters() -> None:
    terminal = fed()
    marks = [chr(code) for code in range(0x300, 0x34F)]
    for base in range(0x4E00, 0x4E00 + 600):
        terminal.feed("".join(f"{chr(base)}{mark}\r" for mark in marks).encode())
    assert terminal.row(0).text.startswith(chr(0x4E00 + 599))


# Redraw and plain text


def test_a_redraw_keeps_a_pending_wrap_margins_and_the_saved_cursor() -> None:
    terminal = fed("\x1b[2;4r\x1b[3;5H\x1b[31m\x1b7\x1b[m\x1b[2;1H" + "x" * 20)
    copy = fed(terminal.redraw())
    for each in (terminal, copy):
        each.feed(b"y\x1b8z\r\n\n\n")
    assert copy.text() == terminal.text()
    assert [copy.row(y).spans() for y in range(5)] == [terminal.row(y).spans() for y in range(5)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("\x1b[31m\x1b[3;4H\x1b[?1049h\x1b[m\x1b[H", "\x1b[?1049lx"),
        ("\x1b[?6h\x1b[2;9H\x1b7\x1b[2;4r\x1b[?1049h", "x\x1b[?1049lx\x1b8y"),
        ("\x1b[3g\x1b[5G\x1bH\r", "a\tb"),
        ("abc\x1b[4h\r", "x"),
        ("\x1b[?7l" + "x" * 20, "yz"),
        ("\x1b)0\x0e", "qqq"),
        ("x" * 18 + "日", "y"),
        ("main\x1b[?1049hother", "\x1b]2;part"),
        ("\x1b]2;part", "ial\x07x"),
        ("\x1b[3", "1mx"),
        ("a", "\u0301"),
    ],
)
def test_a_redrawn_terminal_goes_on_as_the_original(before: str, after: str) -> None:
    terminal = fed(before)
    copy = fed(terminal.redraw(), after)
    terminal.feed(after.encode())
    assert [copy.row(y).spans() for y in range(5)] == [terminal.row(y).spans() for y in range(5)]
    assert (copy.cursor, copy.title, copy.alternate) == (terminal.cursor, terminal.title, terminal.alternate)


def test_a_redraw_carries_as_much_scrollback_as_is_asked_for() -> None:
    terminal = fed("".join(f"{n}\r\n" for n in range(50)))
    copy = fed(terminal.redraw(history=7))
    assert (copy.scrollback, copy.row(-7).text, copy.text()) == (7, terminal.row(-7).text, terminal.text())


def test_a_redraw_of_too_colourful_a_scrollback_is_bounded() -> None:
    cells = "".join(f"\x1b[38;2;{n % 251};{n % 7};9mx" for n in range(100))
    terminal = fed(*[f"{cells}\r\n" * 100] * 30, columns=100, history=3_000)
    redrawn = terminal.redraw(3_000)
    assert len(redrawn) < 5_000_000
    copy = fed(redrawn, columns=100, history=3_000)
    assert (copy.scrollback > 1_000, copy.row(-copy.scrollback).spans()) == (True, terminal.row(-1).spans())


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("plain é", "plain é"),
        ("\x1b[1;31mred\x1b[m text", "red text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("a\tb\x07\x00c\x1b", "a\tbc"),
        ("\x1b[38;5", ""),
    ],
)
def test_a_log_line_loses_its_control_sequences(line: str, plain: str) -> None:
    assert plain_text(line) == plain


def test_a_redraw_goes_on_where_the_scrollback_of_an_older_state_ends() -> None:
    program, client = Terminal(20, 4), Terminal(20, 4)
    early = (
        b"".join(b"\x1b[31mearly\x1b[m %d\r\n" % n for n in range(10)) + b"x" * 25 + b"\r\n\x1b[2;3r\x1b[?1049h\x1b[3"
    )
    program.feed(early)
    client.feed(early)
    before = program.scrolled
    program.feed(b"1m\x1b[?1049l\x1b[r\x1b[4;1H" + b"".join(b"late %d \x1b[32mgreen\x1b[m\r\n" % n for n in range(9)))
    for _ in range(2):  # one without the missing lines may come first
        client.renew()
        client.feed(program.redraw(0))
    client.renew()
    client.feed(program.redraw(program.scrolled - before))
    assert client.scrolled == program.scrolled
    rows = range(-program.scrollback, program.lines)
    assert [client.row(y).spans() for y in rows] == [program.row(y).spans() for y in rows]
    assert [client.row(y).wrapped for y in rows] == [program.row(y).wrapped for y in rows]
    assert (client.cursor, client.alternate, client.modes) == (program.cursor, program.alternate, program.modes)
