"""The log view as a user meets it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from widgets.log_view import LogView
from widgets.searchable import Searchable

TIME = datetime(2025, 3, 4, 12, 0, 1, 250_000, tzinfo=UTC)


class Counting(LogView):
    """Counts the lines it had to make ready to draw."""

    styled = 0

    def line_styled(self, index: int) -> Text:
        self.styled += 1
        return super().line_styled(index)


def texts(view: LogView) -> list[str]:
    return [view.line_text(index) for index in range(view.line_count())]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]) | st.just("\n")), st.data())
def test_lines_are_the_same_however_the_output_was_cut(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=6)) | {0, len(raw)})
    view = LogView()
    for start, end in pairwise(cuts):
        view._take("stdout", TIME, raw[start:end])
    whole = text.split("\n")
    assert texts(view) == (whole if whole[-1] else whole[:-1])


async def test_standard_error_does_not_break_a_line_of_standard_output(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test():
        view.write("stdout", TIME, b"compiling")
        view.write("stderr", TIME, b"warning\n")
        view.write("stdout", TIME, b" done\n")
        assert texts(view) == ["compiling done", "warning"]


async def test_standard_error_is_tinted_but_for_what_has_a_colour_of_its_own(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test():
        view.write("stderr", TIME, b"bad\n\x1b[32mgood\x1b[0m\n")
        view.write("stdout", TIME, b"plain\n")
        error, plain_text = view.get_component_rich_style("log--stderr").color, view.rich_style.color
        assert [segment.style.color for segment in view.render_line(0) if segment.text == "bad"] == [error]
        assert [segment.style.color for segment in view.render_line(1) if segment.text == "good"] != [error]
        assert [segment.style.color for segment in view.render_line(2) if segment.text == "plain"] == [plain_text]


async def test_a_hundred_thousand_lines_cost_no_more_to_draw_than_the_lines_on_the_screen(stage: Any) -> None:
    view = Counting()
    async with stage(view).run_test(size=(80, 24)) as pilot:
        for start in range(0, 100_000, 10_000):
            view.write("stdout", TIME, b"".join(b"line %d\n" % n for n in range(start, start + 10_000)))
            await pilot.pause()
        await pilot.press("home", "end")
        await pilot.pause()
        assert view.line_count() == 100_000
        assert view.styled < 24 * 20


async def test_the_end_is_followed_until_one_looks_back_and_again_from_the_end(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test(size=(80, 10)) as pilot:
        view.write("stdout", TIME, b"old\n" * 50)
        await pilot.pause()
        assert view.following
        assert view.is_vertical_scroll_end
        view.focus()
        await pilot.press("pageup")
        await pilot.wait_for_animation()
        assert not view.following
        place = view.scroll_offset.y
        view.write("stdout", TIME, b"new\n" * 50)
        await pilot.pause()
        assert view.scroll_offset.y == place
        await pilot.press("f")
        await pilot.pause()
        assert view.following
        assert view.is_vertical_scroll_end


async def test_search_goes_from_match_to_match_and_round_the_end(stage: Any) -> None:
    view = LogView()
    async with stage(Searchable(view)).run_test(size=(80, 10)) as pilot:
        view.write("stdout", TIME, b"".join(b"%s %d\n" % (b"Error" if n % 10 == 0 else b"fine", n) for n in range(30)))
        view.focus()
        await pilot.press("slash", *"error", "enter")
        assert view.matches == 3
        found = []
        for _ in range(4):
            found.append(view.match_number)
            await pilot.press("n")
        assert sorted(found[:3]) == [1, 2, 3]
        assert found[3] == found[0]
        await pilot.press("escape")
        assert view.term == ""


async def test_lines_that_come_later_are_searched_as_well(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test():
        view.term = "needle"
        view.write("stdout", TIME, b"hay\nnee")
        assert view.matches == 0
        view.write("stdout", TIME, b"dle\n")
        assert view.matches == 1


async def test_times_can_be_shown_and_are_not_searched(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test() as pilot:
        view.write("stdout", TIME, b"hello 12\n")
        view.focus()
        await pilot.press("t")
        await pilot.pause()
        shown = view.render_line(0).text
        assert shown.startswith(TIME.astimezone().strftime("%H:%M:%S.250 hello"))
        view.term = "01.250"
        assert view.matches == 0


async def test_of_too_many_lines_the_oldest_go(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogView, "LIMIT", 100)
    view = LogView()
    async with stage(view).run_test():
        view.write("stdout", TIME, b"".join(b"%d\n" % n for n in range(150)) + b"unfinished")
        assert view.line_count() <= 100
        assert texts(view)[-2:] == ["149", "unfinished"]
        view.write("stdout", TIME, b" no more\n")
        assert texts(view)[-1] == "unfinished no more"


async def test_a_line_without_end_is_cut_and_goes_on_in_the_next(stage: Any) -> None:
    view = LogView()
    async with stage(view).run_test():
        for _ in range(10):
            view.write("stdout", TIME, b"x" * 4_096)
        assert view.line_count() > 1
        assert sum(map(len, texts(view))) == 40_960


@pytest.mark.parametrize("theme", ["helios-dark", "helios-light"])
def test_how_it_looks(snap_compare: Any, stage: Any, theme: str) -> None:
    view = LogView()

    def prepare() -> None:
        for n in range(12):
            stream = "stderr" if n % 5 == 4 else "stdout"
            view.write(stream, TIME, b"%d: \x1b[32mready\x1b[0m, \x1b[1mlistening\x1b[0m on port 8000\r\n" % n)
        view.term = "listen"
        view.focus()

    assert snap_compare(stage(Searchable(view), prepare=prepare, theme=theme), terminal_size=(80, 14))
