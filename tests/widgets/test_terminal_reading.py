"""Reading a terminal: scrolling, searching, selecting by mouse and keyboard, links."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from textual import events
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import Button, Input

from engine.terminal import Terminal
from widgets import pointer
from widgets.terminal import TerminalView

from .test_terminal import Bench, until

RELEASE = "ctrl+right_square_bracket"


@contextlib.asynccontextmanager
async def reading(text: str = "", size: tuple[int, int] = (60, 20)) -> AsyncIterator[tuple[Bench, Pilot[None]]]:
    """A bench with a text on its terminal, a view of 60 columns and 16 lines or so."""
    app = Bench()
    async with app.run_test(size=size) as pilot:
        app.view.terminal = Terminal(80, 24)
        app.view.focus()
        await pilot.pause()
        feed(app, text)
        await pilot.pause()
        yield app, pilot


def feed(app: Bench, text: str) -> None:
    assert app.view.terminal is not None
    app.view.terminal.feed(text.replace("\n", "\r\n").encode())
    app.view._update()


def numbered(count: int) -> str:
    return "\n".join(f"line {n}" for n in range(count))


def styled(app: Bench, y: int, name: str) -> str:
    """What of a line of the view is drawn in the style of a component."""
    look = app.view._looks[y]
    return "".join(app.line(y)[start:end] for start, end, component in look[1] if component == f"terminal--{name}")


async def mouse(pilot: Pilot[None], kind: type[events.MouseEvent], x: int, y: int, **modifiers: bool) -> None:
    app = pilot.app
    assert isinstance(app, Bench)
    button = 1 if kind in (events.MouseDown, events.MouseUp, events.MouseMove) else 0
    await pilot._post_mouse_events([kind], app.view, Offset(x, y), button=button, **modifiers)


async def drag(pilot: Pilot[None], start: tuple[int, int], end: tuple[int, int], **modifiers: bool) -> None:
    await mouse(pilot, events.MouseDown, *start, **modifiers)
    await mouse(pilot, events.MouseMove, *end, **modifiers)
    await mouse(pilot, events.MouseUp, *end, **modifiers)


@pytest.fixture
def slow_fingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks belong together however busy the machine is."""
    monkeypatch.setattr(pointer, "DOUBLE_CLICK", 600.0)


# Selecting by mouse


async def test_dragging_selects_and_copies_both_ends_included() -> None:
    async with reading("one two three\nfour five six") as (app, pilot):
        await drag(pilot, (4, 0), (3, 1))
        assert app.copied == ["two three\nfour"]
        assert (styled(app, 0, "selection").rstrip(), styled(app, 1, "selection")) == ("two three", "four")


async def test_a_click_selects_nothing_and_ends_what_was_selected() -> None:
    async with reading("one two three") as (app, pilot):
        await drag(pilot, (0, 0), (2, 0))
        await mouse(pilot, events.MouseDown, 5, 0)
        await mouse(pilot, events.MouseUp, 5, 0)
        assert app.copied == ["one"]
        assert app.view.selection is None


@pytest.mark.usefixtures("slow_fingers")
async def test_a_double_click_takes_a_word_and_a_triple_click_the_line() -> None:
    async with reading("see (/usr/share/doc-base) there") as (app, pilot):
        for _ in range(3):
            await mouse(pilot, events.MouseDown, 9, 0)
            await mouse(pilot, events.MouseUp, 9, 0)
        assert app.copied == ["/usr/share/doc-base", "see (/usr/share/doc-base) there"]


@pytest.mark.usefixtures("slow_fingers")
async def test_a_word_that_was_wrapped_is_one_word() -> None:
    async with reading("x " + "a" * 70 + " y") as (app, pilot):
        for _ in range(2):
            await mouse(pilot, events.MouseDown, 2, 1)
            await mouse(pilot, events.MouseUp, 2, 1)
        assert app.copied == ["a" * 70]


async def test_shift_and_a_click_makes_the_selection_larger() -> None:
    async with reading("one two three") as (app, pilot):
        await drag(pilot, (0, 0), (2, 0))
        await mouse(pilot, events.MouseDown, 6, 0, shift=True)
        await mouse(pilot, events.MouseUp, 6, 0, shift=True)
        assert app.copied[-1] == "one two"


async def test_alt_selects_a_block() -> None:
    async with reading("abcdef\nghijkl\nmnopqr") as (app, pilot):
        await drag(pilot, (3, 0), (1, 2), meta=True)
        assert app.copied == ["bcd\nhij\nnop"]


async def test_no_half_of_a_wide_character_is_selected() -> None:
    async with reading("a日本語b") as (app, pilot):
        await drag(pilot, (2, 0), (3, 0))
        assert app.copied == ["日本"]


async def test_shift_selects_even_where_the_program_has_the_mouse() -> None:
    async with reading("one two three\x1b[?1002h\x1b[?1006h") as (app, pilot):
        await drag(pilot, (0, 0), (2, 0), shift=True)
        assert (app.copied, app.sent) == (["one"], b"")
        await drag(pilot, (0, 0), (2, 0))
        assert (len(app.copied), app.sent) == (1, b"\x1b[<0;1;1M\x1b[<32;3;1M\x1b[<0;3;1m")


async def test_a_selection_stays_with_its_text_while_output_scrolls() -> None:
    async with reading(numbered(10)) as (app, pilot):
        await drag(pilot, (0, 2), (3, 3))
        feed(app, "\n" + numbered(12))
        await pilot.pause()
        assert app.view.selection is not None
        app.view.scroll_back(100)
        assert [styled(app, y, "selection").rstrip() for y in (1, 2, 3, 4)] == ["", "line 2", "line", ""]


async def test_a_selection_ends_when_a_program_writes_over_it() -> None:
    async with reading(numbered(10)) as (app, pilot):
        await drag(pilot, (0, 2), (3, 3))
        feed(app, "\x1b[3;1Hother")
        assert app.view.selection is None


async def test_dragging_past_the_edge_scrolls() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await mouse(pilot, events.MouseDown, 3, 4)
        app.view._pointer._drag(moved(app, 0, -3))
        await until(pilot, lambda: app.view.scrolled_back >= 6)
        await mouse(pilot, events.MouseUp, 0, 0)
        at = app.view.scrolled_back
        await pilot.pause(0.1)
        assert app.view.scrolled_back == at
        assert len(app.copied[0].splitlines()) == 5 + at


def moved(app: Bench, x: int, y: int) -> events.MouseMove:
    region = app.view.content_region
    place = (region.x + x, region.y + y)
    return events.MouseMove(app.view, *(x, y), 0, 0, 1, False, False, False, screen_x=place[0], screen_y=place[1])


# Scrolling


@pytest.mark.parametrize(
    ("key", "back"), [("shift+pageup", 15), ("shift+home", 84), ("shift+end", 0), ("shift+pagedown", 0)]
)
async def test_shift_and_the_page_keys_scroll_while_the_program_has_the_keys(key: str, back: int) -> None:
    async with reading(numbered(100)) as (app, pilot):
        height = app.view.content_size.height
        await pilot.press(key)
        assert app.view.scrolled_back == {15: height - 1, 84: 100 - height}.get(back, back)
        assert app.sent == b""


async def test_on_the_alternate_screen_they_are_the_programs() -> None:
    async with reading(numbered(100) + "\x1b[?1049h") as (app, pilot):
        await pilot.press("shift+home")
        assert app.sent == b"\x1b[1;2H"


async def test_without_the_keys_a_terminal_is_read_as_in_less() -> None:
    async with reading(numbered(100)) as (app, pilot):
        height = app.view.content_size.height
        await pilot.press(RELEASE, "k", "k", "pageup", "j")
        assert app.view.scrolled_back == height
        await pilot.press("g")
        assert app.line(0).startswith("line 0")
        assert app.line(0).rstrip().endswith(f"{100 - height} lines back")
        await pilot.press("G")
        assert (app.view.scrolled_back, app.sent, app.noted) == (0, b"", [])


async def test_arrows_and_pages_read_as_the_letters_do() -> None:
    async with reading(numbered(100)) as (app, pilot):
        page = app.view.content_size.height - 1
        await pilot.press(RELEASE)
        back = {
            "up": 1,
            "down": 0,
            "home": 100 - page - 1,
            "end": 0,
            "b": page,
            "space": 0,
            "pageup": page,
            "pagedown": 0,
        }
        for key, place in back.items():
            await pilot.press(key)
            assert app.view.scrolled_back == place, key
        assert app.sent == b""


async def test_thousands_of_lines_are_told_readably() -> None:
    async with reading(numbered(3000)) as (app, pilot):
        await pilot.press("shift+home")
        assert f"{3000 - app.view.content_size.height:,} lines back" in app.line(0)
        assert "," in app.line(0)


# Searching


async def search(pilot: Pilot[None], text: str) -> None:
    await pilot.press("slash", *text.replace(" ", " "), "enter")


async def test_a_search_marks_counts_and_goes_to_the_nearest_match() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press(RELEASE, "slash")
        assert isinstance(app.focused, Input)
        await pilot.press(*"ine 4", "enter")
        assert app.focused is app.view
        assert not app.view.captured
        assert app.view.search_state == "11 of 11"
        y = next(y for y in range(20) if app.line(y).startswith("line 49"))
        assert styled(app, y, "current-match") == "ine 4"
        assert "11 of 11 · " in app.line(0)
        await pilot.press("N")
        assert app.view.search_state == "10 of 11"
        await pilot.press("n", "n")
        assert app.view.search_state == "1 of 11"
        await pilot.press("escape")
        assert app.view.search_state == ""
        assert not app.view.captured


async def test_n_is_the_apps_again_without_a_search() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press(RELEASE, "n")
        assert app.noted == ["n"]


async def test_case_counts_only_with_capitals() -> None:
    async with reading("Error error ERROR") as (app, _):
        app.view.search("error")
        assert app.view.search_state.endswith("of 3")
        app.view.search("Error")
        assert app.view.search_state == "1 of 1"
        app.view.search("nowhere")
        assert app.view.search_state == "nothing has “nowhere”"


async def test_a_wrapped_line_is_searched_as_one() -> None:
    async with reading("\n" + "x" * 55 + "needle in hay") as (app, _):
        app.view.search("needle")
        assert app.view.search_state == "1 of 1"
        assert (styled(app, 1, "current-match"), styled(app, 2, "current-match")) == ("needl", "e")


async def test_wide_characters_are_marked_whole() -> None:
    async with reading("語 日本語 日本") as (app, _):
        app.view.search("日本")
        assert app.view._looks[0][1] == ((3, 7, "terminal--current-match"), (10, 14, "terminal--match"))


async def test_escape_gives_a_search_up_and_returns_to_where_one_was() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press(RELEASE, "slash", *"line 3", "escape")
        assert (app.view.scrolled_back, app.view.search_state) == (0, "")
        await pilot.press("enter", "x")
        assert app.sent == b"x"


async def test_what_is_written_later_is_found_too() -> None:
    async with reading(numbered(10)) as (app, pilot):
        app.view.search("line 3")
        feed(app, "\nline 3 again")
        await until(pilot, lambda: app.view.search_state == "1 of 2")


# Prompts


PROMPT = "\x1b]133;A\x1b\\$ "


async def test_one_can_go_from_prompt_to_prompt() -> None:
    commands = "\n".join(f"{PROMPT}seq {n}\n{numbered(30)}" for n in range(3))
    async with reading(commands) as (app, pilot):
        await pilot.press(RELEASE, "{")
        assert app.line(0).startswith("$ seq 2")
        await pilot.press("{", "{")
        assert app.line(0).startswith("$ seq 0")
        await pilot.press("}")
        assert app.line(0).startswith("$ seq 1")
        await pilot.press("}", "}")
        assert app.view.scrolled_back == 0


# Copy mode


async def copying(pilot: Pilot[None], *keys: str) -> list[str]:
    app = pilot.app
    assert isinstance(app, Bench)
    await pilot.press(RELEASE, "v", *keys)
    return app.copied


async def test_text_can_be_copied_by_keyboard() -> None:
    async with reading("one two three\nfour five six\n") as (app, pilot):
        assert await copying(pilot, "k", "w", "v", "e", "e", "y") == ["five six"]
        assert not app.view.reading
        assert app.sent == b""


@pytest.mark.parametrize(
    ("keys", "copied"),
    [
        ("k V y", "four five six"),
        ("k k V j enter", "one two three\nfour five six"),
        ("k k w ctrl+v j l l y", "two\n fi"),
        ("k dollar_sign v b o h y", "si"),
        ("g v $ y", "one two three"),
        ("g j 0 space l l l y", "four"),
    ],
)
async def test_the_keys_of_copy_mode(keys: str, copied: str) -> None:
    async with reading("one two three\nfour five six\n") as (_, pilot):
        assert await copying(pilot, *keys.split()) == [copied]


async def test_copy_mode_reaches_the_scrollback_and_holds_still() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press(RELEASE, "v", "g")
        assert app.line(0).startswith("line 0")
        assert "copy" in app.line(0)
        await pilot.press("V", "j")
        feed(app, "\nmore\nmore")
        assert app.line(1).startswith("line 1")
        await pilot.press("y")
        assert app.copied == ["line 0\nline 1"]


async def test_escape_first_forgets_the_selection_then_leaves() -> None:
    async with reading("one two") as (app, pilot):
        await pilot.press(RELEASE, "v", "0", "v", "l", "escape")
        assert app.view.reading
        assert app.view.selection is None
        await pilot.press("escape")
        assert not app.view.reading
        assert app.copied == []
        assert not app.view.captured


async def test_copy_mode_takes_all_keys_but_the_prefix_and_the_app_none() -> None:
    async with reading("one two") as (app, pilot):
        await pilot.press(RELEASE, "v", "n", "f10", "z")
        assert (app.noted, app.sent) == ([], b"")
        await pilot.press(RELEASE, "n")
        assert app.noted == ["n"]


async def test_a_search_in_copy_mode_moves_its_cursor() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press(RELEASE, "v", "slash", *"line 42", "enter", "v", "$", "y")
        assert app.copied == ["line 42"]


# Links


async def test_a_plain_address_is_underlined_under_the_mouse_and_opened_with_ctrl() -> None:
    async with reading("see https://example.org/a_(b), please") as (app, pilot):
        await mouse(pilot, events.MouseMove, 8, 0)
        assert styled(app, 0, "link") == "https://example.org/a_(b)"
        await mouse(pilot, events.MouseMove, 1, 0)
        assert styled(app, 0, "link") == ""
        await mouse(pilot, events.MouseDown, 8, 0, control=True)
        await mouse(pilot, events.MouseUp, 8, 0, control=True)
        assert (app.links, app.copied) == (["https://example.org/a_(b)"], [])


async def test_a_link_a_program_made_leads_where_it_said() -> None:
    async with reading("a \x1b]8;;https://example.org/\x1b\\link\x1b]8;;\x1b\\ and text") as (app, pilot):
        await mouse(pilot, events.MouseMove, 3, 0)
        assert styled(app, 0, "link") == "link"
        await mouse(pilot, events.MouseDown, 3, 0, control=True)
        assert app.links == ["https://example.org/"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ssh://host", "data:text/html,x", "https://" + "a" * 5000])
async def test_other_kinds_of_links_are_none(url: str) -> None:
    async with reading(f"\x1b]8;;{url}\x1b\\link\x1b]8;;\x1b\\") as (app, pilot):
        await mouse(pilot, events.MouseDown, 1, 0, control=True)
        assert app.links == []


async def test_a_wrapped_address_is_one_link() -> None:
    url = "https://example.org/" + "a" * 60
    async with reading(f"go to {url} now") as (app, pilot):
        await mouse(pilot, events.MouseDown, 1, 1, control=True)
        assert app.links == [url]


async def test_links_are_reached_and_opened_by_keyboard() -> None:
    async with reading("https://a.example\ntext\nhttps://b.example mailto:c@example.org\n") as (app, pilot):
        await pilot.press(RELEASE, "o", "enter")
        assert app.links == ["mailto:c@example.org"]
        await pilot.press("o", "shift+tab", "shift+tab", "enter")
        assert app.links[1:] == ["https://a.example"]
        assert not app.view.reading


# Who listens


async def test_a_terminal_whose_program_ended_is_read_but_takes_no_keys() -> None:
    async with reading(numbered(100)) as (app, pilot):
        app.view.ended = True
        await pilot.press("enter", "x", "g")
        assert (app.sent, app.view.captured) == (b"", False)
        assert app.line(0).startswith("line 0")


async def test_the_bell_is_a_mark_that_goes_away() -> None:
    async with reading("quiet") as (app, pilot):
        feed(app, "\a")
        assert app.line(0).rstrip().endswith("bell")
        await until(pilot, lambda: "bell" not in app.line(0))


async def test_a_large_paste_is_sent_in_order_and_in_brackets() -> None:
    async with reading("\x1b[?2004h") as (app, pilot):
        text = "".join(f"{n}\n" for n in range(100_000))
        app.view.post_message(events.Paste(text))
        await pilot.pause()
        assert app.sent == b"\x1b[200~" + text.replace("\n", "\r").encode() + b"\x1b[201~"


async def test_the_cursor_has_the_shape_the_program_chose() -> None:
    async with reading("ab\x1b[1;1H") as (app, _):
        seen = []
        for shape in (2, 4, 6):
            feed(app, f"\x1b[{shape} q")
            style = next(iter(app.view.render_line(0))).style
            assert style is not None
            seen.append((bool(style.reverse), bool(style.underline), style.bgcolor != app.view.rich_style.bgcolor))
        assert seen == [(True, False, False), (False, True, False), (False, False, True)]


async def test_reverse_video_exchanges_the_two_colours() -> None:
    async with reading("text\x1b[?5h") as (app, _):
        base = app.view.rich_style
        style = next(iter(app.view.render_line(0))).style
        assert style is not None
        assert (style.color, style.bgcolor) == (base.bgcolor, base.color)


async def test_the_search_line_covers_the_last_line_and_changes_no_size() -> None:
    async with reading(numbered(100)) as (app, pilot):
        size, sizes = app.view.content_size, len(app.sizes)
        await pilot.press(RELEASE, "slash")
        await pilot.pause()
        line = app.view.query_one("SearchLine")
        assert line.region.height == 1
        assert line.region.bottom == app.view.region.bottom
        assert (app.view.content_size, len(app.sizes)) == (size, sizes)
        app.query_one(Button).focus()


def test_every_binding_of_the_view_is_told() -> None:
    from textual.binding import Binding

    assert all(isinstance(binding, Binding) for binding in TerminalView.BINDINGS)


async def test_a_view_stays_with_its_lines_when_the_terminal_is_another_that_has_them() -> None:
    async with reading(numbered(100)) as (app, pilot):
        await pilot.press("shift+pageup")
        top = app.line(1)
        assert app.view.terminal is not None
        other = Terminal(app.view.terminal.columns, app.view.terminal.lines)
        other.feed(numbered(150).replace("\n", "\r\n").encode())
        app.view.terminal = other
        assert app.line(1) == top
        app.view.terminal = Terminal(40, 10)
        assert app.view.scrolled_back == 0
