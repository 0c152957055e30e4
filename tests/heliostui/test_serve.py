"""`heliostui serve`: the console in a real browser, and who is let in."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, WSCloseCode

from engine.terminal import Terminal
from heliostui.serving.console import possible
from tests.heliostui.conftest import PATIENCE, CommandLine

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")


class Served:
    """A server that runs; `address` is what it told to open."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process, self.address = process, address
        self.base = address.partition("/?")[0]

    def consoles(self) -> list[int]:
        """The pids of the consoles behind pages."""
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]


@contextmanager
def serve(cli: CommandLine, *words: str) -> Iterator[Served]:
    process = cli.popen("serve", "--port", "0", *words, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        match = re.fullmatch(rb"Open (http://\S+)\n", process.stdout.readline())
        assert match is not None
        yield Served(process, match[1].decode())
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module")
def served(cli: CommandLine) -> Iterator[Served]:
    with serve(cli) as server:
        yield server


def fetch(url: str, **headers: str) -> int:
    """The status with which a request is answered."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


# --- who is let in ---


def test_nobody_is_let_in_without_the_key(served: Served) -> None:
    assert fetch(served.base + "/") == 403
    assert fetch(served.base + "/?key=guess") == 403
    assert fetch(served.base + "/static/js/textual.js") == 403


def test_no_other_page_and_no_other_name_is_let_in(served: Served) -> None:
    key = served.address.partition("key=")[2]
    port = served.base.rpartition(":")[2]
    cookie = f"heliostui-{port}={key}"
    assert fetch(served.base + "/", Cookie=cookie) == 200
    assert fetch(served.base + "/", Cookie=cookie, Origin="http://evil.example") == 403
    assert fetch(served.base + "/", Cookie=cookie, Host=f"evil.example:{port}") == 403
    assert fetch(served.base + "/", Cookie=cookie, Host=f"localhost:{port}") == 200
    assert fetch(served.base + "/", Cookie=cookie, Origin="http://[") == 403
    assert fetch(served.base + "/", Cookie=cookie, Host="[") == 403


def test_the_page_asks_for_nothing_from_elsewhere(served: Served) -> None:
    port, key = served.base.rpartition(":")[2], served.address.partition("key=")[2]
    request = urllib.request.Request(served.base + "/", headers={"Cookie": f"heliostui-{port}={key}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        page, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
    assert not re.findall(r"(?:https?:)?//(?!127\.0\.0\.1)", page)
    assert policy.startswith("default-src 'none'; script-src 'self';")


# --- what is refused ---


def test_other_addresses_are_refused_unless_it_is_meant(cli: CommandLine) -> None:
    assert "say --expose" in cli.refused("serve", "--host", "0.0.0.0", status=1)
    assert "say --expose" in cli.refused("serve", "--host", "::", status=1)


def test_a_port_that_is_taken_is_named(cli: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"port {port} can't be listened on: Address already in use" in cli.refused(
            "serve", "--port", port, status=1
        )
    assert "70000 is no port" in cli.refused("serve", "--port", "70000", status=2)


# --- what a page says ---


@pytest.mark.parametrize(("size", "taken"), [((120, 40), (120, 40)), ((10**9, 10**9), (1000, 500)), ((-1, 0), (1, 1))])
def test_a_page_has_a_size_that_there_can_be(size: tuple[int, int], taken: tuple[int, int]) -> None:
    assert possible(*size) == taken


@pytest.mark.parametrize(
    "said", ["no json", "[]", "{}", '["stdin", 1]', '["resize", {}]', '["resize", {"width": null, "height": 1}]']
)
async def test_nonsense_ends_the_page_that_says_it(served: Served, said: str) -> None:
    port, key = served.base.rpartition(":")[2], served.address.partition("key=")[2]
    headers = {"Cookie": f"heliostui-{port}={key}"}
    async with ClientSession() as session, session.ws_connect(f"{served.base}/ws", headers=headers) as page:
        await page.send_str(said)
        async for _ in page:
            pass
        assert page.close_code == WSCloseCode.UNSUPPORTED_DATA
    assert fetch(served.base + "/", **headers) == 200


# --- in a browser ---


class Page:
    """Somebody at the page. What it shows is on a canvas; so what it is sent is shown to a terminal of ours, too."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.terminal = Terminal(80, 24)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", self._opened)

    def _opened(self, line: Any) -> None:
        asked = parse_qs(urlsplit(line.url).query)
        self.terminal = Terminal(int(asked["width"][0]), int(asked["height"][0]))
        line.on("framesent", self._sent)
        line.on("framereceived", lambda data: self.terminal.feed(data) if isinstance(data, bytes) else None)

    def _sent(self, data: str | bytes) -> None:
        what, *values = json.loads(data)
        if what == "resize":
            self.terminal.resize(values[0]["width"], values[0]["height"])

    async def until(self, true: Callable[[str], object]) -> None:
        """Wait until what is shown is so; the browser tells of what it gets as it comes."""
        end = monotonic() + PATIENCE
        while not true(self.terminal.text()):
            assert monotonic() < end, self.terminal.text()
            await self.page.wait_for_timeout(25)


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Page]:
    """The page in a browser of 1000x700 dots."""
    playwright = pytest.importorskip("playwright.async_api", reason="there is no playwright here")
    if CHROMIUM is None:
        pytest.skip("there is no chromium-headless-shell here")
    async with playwright.async_playwright() as drivers:
        chromium = await drivers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = await chromium.new_context(viewport={"width": 1000, "height": 700})
            await context.grant_permissions(["clipboard-read", "clipboard-write"])
            page = await context.new_page()
            someone = Page(page)
            await page.goto(url)
            yield someone
        finally:
            await chromium.close()


async def test_what_is_typed_while_a_terminal_opens_is_typed_into_it(
    cli: CommandLine, served: Served, container: str
) -> None:
    async with browser(served.address) as person:
        await person.until(lambda text: container[:12] in text)
        await person.page.keyboard.type("techo $((7 * 7))y\n")
        await person.until(lambda text: "49y" in text)
        await person.page.keyboard.type("exit\n")
        await person.until(lambda text: "49y" not in text)


async def test_the_page_shows_the_console_and_takes_keys(cli: CommandLine, served: Served, container: str) -> None:
    async with browser(served.address) as person:
        await person.until(lambda text: container[:12] in text)
        await person.page.keyboard.press("t")
        await person.until(lambda text: "has the keys" in text or "ctrl+]" in text)
        await person.page.keyboard.type("echo $((6 * 7))x\n")
        await person.until(lambda text: "42x" in text)
        await person.page.keyboard.type("printf '\\e]52;c;%s\\a' $(printf 'from afar' | base64)\n")
        await person.until(lambda text: "copied" in text)
        while await person.page.evaluate("navigator.clipboard.readText()") != "from afar":
            await person.page.wait_for_timeout(25)  # the page writes it when it comes to it
        await person.page.keyboard.type("exit\n")
        await person.until(lambda text: "42x" not in text)
        assert person.complaints == []
        assert all(urlsplit(url).netloc == urlsplit(served.base).netloc for url in person.asked)
        assert person.page.url == served.base + "/"  # the key is in no history


async def test_it_fills_the_window_as_that_changes(served: Served) -> None:
    async with browser(served.address) as person:
        await person.until(lambda text: "heliostui" in text)
        before = person.terminal.columns, person.terminal.lines
        await person.page.set_viewport_size({"width": 1400, "height": 900})
        await person.until(lambda text: person.terminal.columns > before[0] and "heliostui" in text)
        assert person.terminal.lines > before[1]


async def test_a_console_ends_with_its_page(served: Served) -> None:
    async with browser(served.address) as person:
        await person.until(lambda text: "heliostui" in text)
        consoles = served.consoles()
        assert len(consoles) >= 1
    for pid in consoles:
        ended(pid)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_consoles_end_with_the_server_however_it_ends(cli: CommandLine, how: signal.Signals) -> None:
    with serve(cli) as server:
        async with browser(server.address) as person:
            await person.until(lambda text: "heliostui" in text)
            (console,) = server.consoles()
            server.process.send_signal(how)
            ended(server.process.pid)
            ended(console)


async def test_who_is_served_as_a_viewer_changes_nothing(cli: CommandLine, container: str) -> None:
    with serve(cli, "--viewer") as server:
        async with browser(server.address) as person:
            await person.until(lambda text: container[:12] in text and "read-only" in text)


def ended(pid: int) -> None:
    """Wait until the process has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([pidfd], [], [], PATIENCE)[0], f"process {pid} does not end"
    finally:
        os.close(pidfd)
