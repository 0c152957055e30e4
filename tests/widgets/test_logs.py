"""Logs paused, filtered, wrapped, told apart and put in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.log_lines import LogLines, Sieve
from widgets.log_view import LogView
from widgets.matching import matcher
from widgets.searchable import Searchable

TIME = datetime(2025, 3, 4, 12, 0, 1, 250_000, tzinfo=UTC)


def numbered(count: int, word: str = "line") -> bytes:
    return b"".join(f"{word} {n}\n".encode() for n in range(count))


def texts(view: LogView) -> list[str]:
    return [view.line_text(index) for index in range(view.line_count())]


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("err", "An ERROR", True),
        ("a.c", "abc", False),
        ("/a.c/", "ABC", True),
        ("/A.c/", "abc", False),
        (r"/\Sx/", "ax", True),
        ("/a", "cab", True),
        ("/", "/", False),
        ("", "x", False),
    ],
)
def test_words_or_a_regular_expression_are_found(text: str, line: str, found: bool) -> None:
    assert matcher(text).matches(line) == found


def test_a_pattern_that_is_none_is_told_and_finds_nothing() -> None:
    wanted = matcher("/a(/")
    assert not wanted
    assert "unterminated" in wanted.wrong
    assert matcher("!x", inverse=True).matches("y")
    assert not matcher("!x").matches("y")


@given(st.lists(st.sampled_from(["hit", "dull"]), max_size=40), st.integers(0, 3), st.integers(1, 7))
def test_a_sieve_says_the_same_however_the_lines_came(words: list[str], context: int, cut: int) -> None:
    lines = LogLines(1000, 10_000, 100)
    sieve = Sieve(lines, matcher("hit"), context)
    for start in range(0, len(words), cut):
        before = lines.end
        lines.take("stdout", TIME, "".join(f"{word}\n" for word in words[start : start + cut]).encode())
        sieve.look(before)
    hits = [n for n, word in enumerate(words) if word == "hit"]
    wanted = sorted({m for n in hits for m in range(n - context, n + context + 1) if 0 <= m < len(words)})
    assert (sieve.numbers, sieve.matching) == (wanted, len(hits))


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from("ab")), max_size=60), st.integers(1, 9))
def test_lines_of_several_programs_stand_in_the_order_of_their_times(pieces: list[tuple[int, str]], cut: int) -> None:
    lines = LogLines(1000, 10_000, 100)
    for start in range(0, len(pieces), cut):
        before = lines.end
        for second, source in pieces[start : start + cut]:
            lines.take("stdout", TIME + timedelta(seconds=second), b"x\n", source)
        lines.order(before)
    assert [line.time for line in lines.kept] == sorted(line.time for line in lines.kept)
    assert [line.number for line in lines.kept] == list(range(len(pieces)))


def test_what_is_kept_is_bounded_in_characters_as_well() -> None:
    lines = LogLines(1000, 5_000, 100)
    for _ in range(100):
        lines.take("stdout", TIME, b"x" * 99 + b"\n")
        lines.forget()
        assert lines.characters <= 5_000
        assert lines.characters == sum(len(line.text) for line in lines.kept)


async def test_a_filter_shows_lines_with_others_around_and_an_inverse_the_rest(stage: Any) -> None:
    view = LogView()
    async with stage(Searchable(view)).run_test(size=(80, 10)) as pilot:
        view.write("stdout", TIME, numbered(30))
        view.filter = "/ [12]0$/"
        assert texts(view) == ["line 10", "line 20"]
        view.focus()
        await pilot.press("plus")
        assert texts(view) == ["line 9", "line 10", "line 11", "line 19", "line 20", "line 21"]
        assert view.matching == 2
        await pilot.press("minus", "minus")
        view.write("stdout", TIME, b"line 10\nline 3")
        assert texts(view) == ["line 10", "line 20", "line 10"]
        view.write("stdout", TIME, b"0 20\n")
        assert texts(view)[-1] == "line 30 20"
        view.filter = "!line"
        assert texts(view) == []
        view.filter = ""
        assert view.line_count() == 32


async def test_a_pause_freezes_what_is_shown_and_collects_to_a_bound(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogView, "WAITING", 200)
    view = LogView()
    async with stage(view).run_test(size=(80, 10)) as pilot:
        view.write("stdout", TIME, b"before\n")
        view.focus()
        await pilot.press("p")
        view.write("stdout", TIME, b"old\n" * 40)
        view.write("stdout", TIME, b"new\n" * 40)
        assert texts(view) == ["before"]
        assert view.waiting_lines == 80
        await pilot.press("p")
        assert texts(view)[1:] == ["[heliostui: 40 lines that came in the pause are not kept]", *["new"] * 40]
        await pilot.press("p", "f")
        assert not view.paused


async def test_lines_that_came_since_one_looked_back_are_counted(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test(size=(80, 10)) as pilot:
        view.write("stdout", TIME, numbered(50))
        await pilot.pause()
        view.focus()
        await pilot.press("pageup")
        view.write("stdout", TIME, numbered(7))
        assert view.unseen == 7
        await pilot.press("end")
        await pilot.pause()
        assert (view.following, view.unseen) == (True, 0)


async def test_long_lines_are_wrapped_and_no_character_is_lost(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test(size=(20, 12)) as pilot:
        line = "0123456789" * 4 + "漢字" * 12
        view.write("stdout", TIME, f"{line}\nshort\n".encode())
        view.focus()
        await pilot.press("w")
        await pilot.pause()
        rows = [view.render_line(y).text.rstrip() for y in range(view.row_count())]
        assert "".join(rows) == line + "short"
        assert view.virtual_size.width <= 20
        await pilot.press("w")
        await pilot.pause()
        assert view.row_count() == 2


async def test_a_match_in_a_wrapped_log_is_brought_into_view_with_lines_around(stage: Any) -> None:
    view = LogView()
    async with stage(Searchable(view)).run_test(size=(30, 12)) as pilot:
        view.write("stdout", TIME, b"".join(b"%d %s\n" % (n, b"x" * 70) for n in range(100)))
        view.wrap = True
        view.term = "/^50 /"
        await pilot.pause()
        shown = [view.render_line(y).text.strip() for y in range(view.size.height)]
        place = next(y for y, text in enumerate(shown) if text.startswith("50 "))
        assert 2 < place < view.size.height - 3


async def test_times_go_round_and_names_stand_before_the_lines_of_several(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test(size=(80, 10)) as pilot:
        view.sources = ("web", "db")
        view.write_all([("stdout", TIME, b"one\n")], "web")
        view.write_all([("stderr", TIME - timedelta(seconds=2), b"two\n")], "db")
        await pilot.pause()
        assert [view.render_line(y).text.split()[0] for y in range(2)] == ["db", "web"]
        styles = [view.render_line(y)._segments[0].style for y in range(2)]
        colours = {style.color for style in styles if style is not None}
        assert len(colours) == 2
        view.since = TIME - timedelta(seconds=10)
        view.focus()
        await pilot.press("t", "t")
        assert view.render_line(0).text.split()[0] == "+8.000"
        await pilot.press("t")
        assert view.render_line(0).text.startswith(
            (TIME - timedelta(seconds=2)).astimezone().strftime("%Y-%m-%d %H:%M")
        )
        assert view.shown_text().splitlines()[1].endswith("one")
        await pilot.press("t")
        assert view.times == ""


async def test_one_goes_to_a_time(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test(size=(80, 10)) as pilot:
        for second in range(60):
            view.write("stdout", TIME + timedelta(seconds=second), b"%d\n" % second)
        await pilot.pause()
        view.go_to_time(TIME + timedelta(seconds=20))
        await pilot.pause()
        assert view.render_line(0).text.strip() == "20"
        assert not view.following


async def test_a_search_finds_the_same_lines_when_the_oldest_go(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogView, "LIMIT", 100)
    view = LogView()
    async with stage(view).run_test(size=(80, 10)):
        view.term = "/0$/"
        for _ in range(5):
            view.write("stdout", TIME, numbered(50))
        assert view.matches == sum(text.endswith("0") for text in texts(view))
