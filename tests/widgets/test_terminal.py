"""The terminal widget in a small app, with a terminal fed by hand and with real programs on a real PTY."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import monotonic
from typing import ClassVar

import pytest
from ptyprocess import PtyProcess
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Button, Footer

from engine.terminal import Terminal
from widgets.terminal import SYNCHRONIZED_PATIENCE, TerminalView

PATIENCE = 30  # seconds, at most


class Bench(App[None]):
    """An app with its own priority bindings, beside a terminal and a button that could take the focus."""

    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f10", "note('f10')", "Note", priority=True),
        Binding("n", "note('n')", "Next"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.noted: list[str] = []
        self.prefixes = 0
        self.sizes: list[tuple[int, int]] = []
        self.copied: list[str] = []
        self.links: list[str] = []

    def compose(self) -> ComposeResult:
        yield TerminalView(placeholder="Press n to start")
        yield Button("Elsewhere")
        yield Footer()

    @property
    def view(self) -> TerminalView:
        return self.query_one(TerminalView)

    async def show(self, pilot: Pilot[None]) -> None:
        """What the terminal was fed, which the view may put off for a frame."""
        self.view.refresh_screen()
        await until(pilot, lambda: self.view._pending is None)

    def action_note(self, what: str) -> None:
        self.noted.append(what)

    def on_terminal_view_input(self, message: TerminalView.Input) -> None:
        self.sent += message.data

    def on_terminal_view_prefix(self) -> None:
        self.prefixes += 1

    def on_terminal_view_resized(self, message: TerminalView.Resized) -> None:
        self.sizes.append((message.columns, message.lines))

    def on_terminal_view_copied(self, message: TerminalView.Copied) -> None:
        self.copied.append(message.text)

    def on_terminal_view_link_opened(self, message: TerminalView.LinkOpened) -> None:
        self.links.append(message.url)

    def line(self, y: int) -> str:
        return self.view.render_line(y).text


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Wait for what the view does by timers."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await pilot.pause(0.01)


@contextlib.asynccontextmanager
async def bench(size: tuple[int, int] = (60, 20)) -> AsyncIterator[tuple[Bench, Terminal, Pilot[None]]]:
    app = Bench()
    async with app.run_test(size=size) as pilot:
        terminal = Terminal(80, 24)
        app.view.terminal = terminal
        app.view.focus()
        await pilot.pause()
        yield app, terminal, pilot


async def test_without_a_terminal_the_view_says_what_to_do() -> None:
    app = Bench()
    async with app.run_test(size=(60, 20)):
        text = "\n".join(app.line(y) for y in range(app.view.size.height))
        assert "Press n to start" in text


async def test_a_terminal_takes_the_size_of_the_view_and_follows_it() -> None:
    async with bench() as (app, terminal, pilot):
        size = app.view.content_size
        assert (terminal.columns, terminal.lines) == size == app.sizes[-1]
        await pilot.resize_terminal(50, 15)
        await pilot.pause()
        assert (terminal.columns, terminal.lines) == app.view.content_size == app.sizes[-1]
        assert len(app.sizes) == 2


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("tab", b"\t"),
        ("shift+tab", b"\x1b[Z"),
        ("escape", b"\x1b"),
        ("ctrl+c", b"\x03"),
        ("ctrl+q", b"\x11"),
        ("ctrl+p", b"\x10"),
        ("f10", b"\x1b[21~"),
        ("n", b"n"),
        ("up", b"\x1b[A"),
        ("alt+x", b"\x1bx"),
        ("enter", b"\r"),
    ],
)
async def test_a_focused_terminal_takes_every_key_even_those_bound_with_priority(key: str, sent: bytes) -> None:
    async with bench() as (app, _, pilot):
        await pilot.press(key)
        assert app.sent == sent
        assert app.focused is app.view
        assert app.noted == []
        assert app.is_running


async def test_the_footer_offers_no_key_the_terminal_takes() -> None:
    async with bench() as (app, _, pilot):
        assert "f10" not in app.screen.active_bindings
        await pilot.press("ctrl+right_square_bracket")
        assert "f10" in app.screen.active_bindings


async def test_the_prefix_gives_the_keys_to_the_app_and_enter_gives_them_back() -> None:
    async with bench() as (app, _, pilot):
        assert app.view.has_class("-captured")
        await pilot.press("ctrl+right_square_bracket", "n", "f10")
        assert (app.prefixes, app.noted, app.sent) == (1, ["n", "f10"], b"")
        assert not app.view.has_class("-captured")
        await pilot.press("enter", "n")
        assert app.sent == b"n"


async def test_the_prefix_pressed_twice_is_sent_once() -> None:
    async with bench() as (app, _, pilot):
        await pilot.press("ctrl+right_square_bracket", "ctrl+right_square_bracket", "a")
        assert (app.prefixes, app.sent) == (1, b"\x1da")


async def test_only_changed_lines_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"one\r\ntwo\r\nthree\r\n")
        await app.show(pilot)
        await until(pilot, lambda: not app.view._repaint_required and not app.screen._dirty_widgets)
        await pilot.pause()
        drawn: list[int] = []
        draw = app.view.render_line

        def noticed(y: int) -> Strip:
            drawn.append(y)
            return draw(y)

        monkeypatch.setattr(app.view, "render_line", noticed)
        terminal.feed(b"\x1b7\x1b[2;1HTWO\x1b8")
        await app.show(pilot)
        await until(pilot, lambda: bool(drawn))
        await pilot.pause(0.1)
        assert sorted(drawn) == [1]
        assert [app.line(y).rstrip() for y in range(3)] == ["one", "TWO", "three"]


async def test_a_synchronized_update_is_not_shown_half_done_but_is_shown_at_last() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"before")
        await app.show(pilot)
        terminal.feed(b"\x1b[?2026h\rafter")
        since = monotonic()
        app.view.refresh_screen()
        assert app.line(0).startswith("before")
        await until(pilot, lambda: app.line(0).startswith("after"))
        assert monotonic() - since >= SYNCHRONIZED_PATIENCE


async def test_the_scrollback_can_be_read_stays_in_place_and_any_key_returns_to_the_bottom() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"".join(b"line %d\r\n" % n for n in range(100)))
        await app.show(pilot)
        await pilot.press("shift+pageup")
        top = app.line(1)
        assert app.view.scrolled_back == app.view.content_size.height - 1
        terminal.feed(b"more\r\nmore\r\n")
        await app.show(pilot)
        assert app.line(1) == top
        assert "lines back" in app.line(0)
        await pilot.press("x")
        assert (app.view.scrolled_back, app.sent) == (0, b"x")


async def test_the_wheel_scrolls_back_unless_the_program_wants_it() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"\r\n" * 100)
        await app.show(pilot)
        await pilot._post_mouse_events([events.MouseScrollUp], app.view, (5, 3))
        assert app.view.scrolled_back == 3
        app.view.scroll_back(-3)
        terminal.feed(b"\x1b[?1000h\x1b[?1006h")
        await pilot._post_mouse_events([events.MouseScrollUp], app.view, (5, 3))
        assert (app.view.scrolled_back, app.sent) == (0, b"\x1b[<64;6;4M")
        app.sent = b""
        terminal.feed(b"\x1b[?1000l\x1b[?1049h")
        await pilot._post_mouse_events([events.MouseScrollUp], app.view, (5, 3))
        assert app.sent == b"\x1b[A" * 3


async def test_clicks_go_to_a_program_that_asked_for_the_mouse() -> None:
    async with bench() as (app, terminal, pilot):
        await pilot.click(app.view, offset=(2, 1))
        assert app.sent == b""
        terminal.feed(b"\x1b[?1002h\x1b[?1006h")
        await pilot.click(app.view, offset=(2, 1))
        assert app.sent == b"\x1b[<0;3;2M\x1b[<0;3;2m"
        await pilot.click(app.view, offset=(2, 1), shift=True)
        assert app.sent == b"\x1b[<0;3;2M\x1b[<0;3;2m"


async def test_focus_is_reported_when_the_program_asked() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"\x1b[?1004h")
        app.query_one(Button).focus()
        await pilot.pause()
        app.view.focus()
        await pilot.pause()
        assert app.sent == b"\x1b[O\x1b[I"


async def test_the_cursor_is_reversed_with_the_keys_and_underlined_without() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed("日本\x1b[1;4H".encode())
        await app.show(pilot)
        cell = [segment for segment in app.view.render_line(0) if segment.text == "本"]
        assert [segment.style and segment.style.reverse for segment in cell] == [True]
        await pilot.press("ctrl+right_square_bracket")
        cell = [segment for segment in app.view.render_line(0) if segment.text == "本"]
        assert [segment.style and (segment.style.reverse, segment.style.underline) for segment in cell] == [
            (None, True)
        ]
        terminal.feed(b"\x1b[?25l")
        await app.show(pilot)
        assert "日本" in [segment.text for segment in app.view.render_line(0)]


async def test_every_line_is_exactly_as_wide_as_the_view() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed("日本語 \x1b[41mred\x1b[K\r\ne\u0301 🎉\r\n".encode() + b"x" * 500)
        await app.show(pilot)
        for y in range(app.view.content_size.height):
            assert app.view.render_line(y).cell_length == app.view.content_size.width


async def test_colours_follow_the_theme() -> None:
    async with bench() as (app, terminal, pilot):
        terminal.feed(b"\x1b[31mred\x1b[m plain \x1b[97mwhite\x1b[38;2;1;2;3mexact")
        await app.show(pilot)
        await pilot.pause()

        def colours() -> dict[str, object]:
            return {text.strip(): style.color for text, style, _ in app.view.render_line(0) if style and text.strip()}

        dark = colours()
        app.theme = "textual-light"
        await pilot.pause()
        light = colours()
        assert [name for name in dark if dark[name] != light[name]] == ["red", "plain", "white"]
        assert light["plain"] == app.view.rich_style.color


class Shell:
    """A program on a real PTY, wired to the bench's view."""

    def __init__(self, app: Bench, terminal: Terminal, argv: list[str]) -> None:
        self.app, self.terminal = app, terminal
        environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PS1": "me$ "}
        size = (terminal.lines, terminal.columns)
        self.process = PtyProcess.spawn(argv, env={**environment, "HOME": "/nonexistent"}, dimensions=size)
        asyncio.get_running_loop().add_reader(self.process.fd, self.read)

    def read(self) -> None:
        try:
            data = os.read(self.process.fd, 65536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.process.fd)
            return
        self.terminal.feed(data)
        self.app.view.refresh_screen()

    async def until(self, true: Callable[[], bool]) -> None:
        """Waits until what the program wrote has made it true; the view may show it a moment later."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not true():  # noqa: ASYNC110 - the view draws by timers
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"the screen stays at:\n{self.terminal.text()}")

    def flush(self) -> None:
        """Passes on what was typed, and the view's size."""
        self.process.setwinsize(self.terminal.lines, self.terminal.columns)
        os.write(self.process.fd, self.app.sent)
        self.app.sent = b""

    async def type(self, pilot: Pilot[None], *keys: str) -> None:
        await pilot.press(*keys)
        self.flush()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.process.fd)
        self.process.close(force=True)


def shows(app: Bench, text: str) -> Callable[[], bool]:
    return lambda: any(text in app.line(y) for y in range(app.view.content_size.height))


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
async def test_bash_runs_in_the_view_with_completion_history_and_resize() -> None:
    async with bench() as (app, terminal, pilot):
        shell = Shell(app, terminal, ["bash", "--norc", "-i"])
        try:
            await shell.until(shows(app, "me$"))
            await shell.type(pilot, *"echo he'llo'$((40+2))", "enter")
            await shell.until(shows(app, "hello42"))
            await shell.type(pilot, *"clear; cd /us", "tab", "enter", *"pwd", "enter")
            await shell.until(shows(app, "/usr"))
            await pilot.resize_terminal(47, 15)
            await pilot.pause()
            shell.flush()
            await shell.type(pilot, *"stty size", "enter")
            await shell.until(shows(app, f"{terminal.lines} {terminal.columns}"))
            assert terminal.columns == 47
        finally:
            shell.close()


@pytest.mark.skipif(not shutil.which("vim"), reason="vim is not installed")
async def test_vim_runs_in_the_view_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    async with bench() as (app, terminal, pilot):
        file = tmp_path / "note"
        shell = Shell(
            app, terminal, ["bash", "--norc", "-c", f"echo before; cd {tmp_path}; vim -u NONE note; echo after"]
        )
        try:
            await shell.until(shows(app, "[New File]"))
            assert terminal.alternate
            await shell.type(pilot, "i", *"one", "enter", *"two", "escape", "k", "x", *":wq", "enter")
            await shell.until(shows(app, "after"))
            assert not terminal.alternate
            assert app.line(0).rstrip() == "before"
            assert file.read_text() == "on\ntwo\n"
        finally:
            shell.close()


@pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")
async def test_less_pages_searches_and_follows_the_wheel(tmp_path: Path) -> None:
    async with bench() as (app, terminal, pilot):
        file = tmp_path / "text"
        file.write_text("".join(f"line {n}\n" for n in range(500)))
        shell = Shell(app, terminal, ["less", str(file)])
        try:
            await shell.until(shows(app, "line 0"))
            await shell.type(pilot, "slash", *"line 300", "enter")
            await shell.until(lambda: app.line(0).startswith("line 300"))
            await pilot._post_mouse_events([events.MouseScrollUp], app.view, (5, 3))
            shell.flush()
            await shell.until(lambda: app.line(0).startswith("line 297"))
        finally:
            shell.close()
