"""Promises about what a program says of itself: titles, directory, links, clipboard, prompt marks (OSC)."""

from __future__ import annotations

import base64
import tracemalloc

import pytest

from engine.terminal import Style, Terminal
from engine.terminal.styles import StyleTable

from .test_terminal import fed, rows


def copied(data: bytes, piece: int = 65_536) -> list[str]:
    found: list[str] = []
    terminal = Terminal(80, 24, copy=found.append)
    for start in range(0, len(data), piece):
        terminal.feed(data[start : start + piece])
    return found


def test_titles_are_stacked_and_the_stack_is_bounded() -> None:
    terminal = fed("\x1b]2;shell\x07\x1b[22;0t\x1b]2;vim\x07")
    assert terminal.title == "vim"
    terminal.feed(b"\x1b[23;0t")
    assert terminal.title == "shell"
    terminal.feed(b"\x1b[23t" + b"\x1b]2;x\x07\x1b[22t" * 1000)
    assert len(terminal._commands.titles) == 10


@pytest.mark.parametrize(
    ("said", "directory"),
    [
        (b"file://box/home/me%20too", "/home/me too"),
        (b"file:///", "/"),
        (b"file:///a%0ab", "/ab"),
        (b"http://x/y", None),
        (b"file://box/x\x07\x1b]7;", None),
    ],
)
def test_the_working_directory_is_told(said: bytes, directory: str | None) -> None:
    assert fed(b"\x1b]7;" + said + b"\x07").directory == directory


def test_a_link_is_part_of_the_style_and_outlives_sgr() -> None:
    terminal = fed("a\x1b]8;id=7;http://x/?a;b\x1b\\b\x1b[1mc\x1b[md\x1b]8;;\x1b\\e")
    link = "http://x/?a;b"
    assert terminal.row(0).spans() == [
        *(("a", Style()), ("b", Style(link=link)), ("c", Style(bold=True, link=link)), ("d", Style(link=link))),
        ("e", Style()),
    ]
    assert terminal.row(0).style_at(1).link == link
    assert fed("\x1b]8;;" + "x" * 3_000 + "\x07y").row(0).spans() == [("y", Style())]


def test_a_program_may_copy_but_never_paste() -> None:
    text = "öffne 日本\n" * 3
    data = b"\x1b]52;c;" + base64.b64encode(text.encode()) + b"\x07"
    assert copied(data) == copied(data, 1) == [text]
    assert copied(b"\x1b]52;c;?\x07\x1b]52;c;!!!\x07\x1b]52;c;\x07\x1b]52;c;YQ\x18") == []


def test_what_is_copied_is_at_most_a_mebibyte() -> None:
    for size, count in ((1 << 20, 1), ((1 << 20) + 1, 0), (10 << 20, 0)):
        data = b"\x1b]52;c;" + base64.b64encode(b"x" * size) + b"\x1b\\after"
        assert [len(text) for text in copied(data)] == [1 << 20] * count


def test_prompts_outputs_and_statuses_are_marked() -> None:
    terminal = fed("\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n\x1b]133;C\x07a\r\n\x1b]133;D;2\x07\x1b]133;A;k=i\x07$ ")
    assert [terminal.row(y).prompt for y in range(4)] == [True, False, True, False]
    assert [terminal.row(y).output for y in range(4)] == [False, True, False, False]
    assert terminal.exit_status == 2
    terminal.feed(b"\x1b[2J")
    assert not terminal.row(0).prompt


def test_bells_are_counted_and_reverse_video_is_told() -> None:
    terminal = fed("\a\x1b]0;x\a\a\x1b[?5h")
    assert (terminal.bells, terminal.reverse_video) == (2, True)


def test_sixel_kitty_graphics_and_other_strings_are_ignored() -> None:
    assert (
        rows(fed("\x1bPq#0;2;0;0;0#0!10~-\x1b\\\x1b_Gf=24;AAAA\x1b\\\x1b^x\x1b\\\x1bXy\x1b\\\x1b]1337;z\x07ok"))[0]
        == "ok"
    )


def test_too_many_links_are_forgotten_from_the_oldest() -> None:
    terminal = fed(columns=80, lines=4, history=10_000)
    for n in range(2_000):
        terminal.feed(f"\x1b]8;;http://x/{n:01000}\x1b\\{n}\x1b]8;;\x1b\\\r\n".encode())
    newest, oldest = terminal.row(-1).style_at(0).link, terminal.row(-terminal.scrollback).style_at(0).link
    assert (newest is not None and newest.endswith("1996"), oldest) == (True, None)
    assert terminal.row(-terminal.scrollback).text == "0"
    assert terminal._screen.styles._link_size <= StyleTable.LINKS + 2_083


@pytest.mark.parametrize(
    "piece",
    [
        b"\x1b]2;" + b"x" * 60_000,
        b"\x1b]52;c;" + b"A" * 60_000,
        b"\x1b]8;;http://%d/\x1b\\a",
        b"\x1b[38;2;%d;7;9mx",
        "e\u0301\u0302\u0303%d".encode(),
        b"\x1bP" + b"q" * 60_000,
        b"\xff\xfe\x80%d\xe6",
        b"\x1b[22;0t\x1b]2;%d\x07",
        b"\x1b[%d;1;2;3;4;5;6;7m",
        b"\x1b[%d?x",
    ],
    ids=lambda piece: repr(piece[:20]),
)
def test_a_flood_of_anything_leaves_memory_bounded(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """With small tables, so that they are full soon."""
    monkeypatch.setattr(StyleTable, "LIMIT", 500)
    monkeypatch.setattr(StyleTable, "LINKS", 5_000)
    monkeypatch.setattr(StyleTable, "_KNOWN_LIMIT", 500)
    monkeypatch.setattr("engine.terminal.terminal._ACTIONS", 500)
    monkeypatch.setattr("engine.terminal.width._ENOUGH", 500)
    terminal = Terminal(80, 24, history=100)
    numbers = iter(range(1_000_000_000))

    def flood(size: int) -> None:
        while size > 0:
            data = b"".join(piece.replace(b"%d", b"%d" % next(numbers)) for _ in range(max(1, 2_000 // len(piece))))
            terminal.feed(data)
            size -= len(data)

    flood(1_500_000 if len(piece) > 1_000 else 50_000)
    tracemalloc.start()
    flood(1_500_000 if len(piece) > 1_000 else 100_000)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 1_500_000
