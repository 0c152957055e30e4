"""`python -m heliostui.screenshots DIRECTORY`: draws the console's screens from a real engine, as SVG, dark and light.

The engine, its containers and their files are of a temporary directory and gone afterwards. Imports the application.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.events import Paste
from textual.pilot import Pilot
from textual.theme import Theme
from textual.widgets import Select

from engine.client.aio import Connection
from engine.client.errors import RequestFailed
from engine.places import Places
from engine.protocol.heap import HeapOptions
from engine.protocol.limits import Limits
from engine.protocol.messages import ContainerOptions, CreateNetwork, RunContainer, StopContainer, StopEngine
from engine.protocol.network import NetworkOption, PortOption
from heliostui.app import Console
from heliostui.heap.traces import BUILT_IN, POLICIES, PROGRAM, Trace
from heliostui.screens.heap import HeapScreen
from heliostui.screens.main import MainScreen
from heliostui.screens.network_map import MapScreen
from heliostui.screens.playground import PlaygroundScreen
from heliostui.screens.playground_forms import Beside, TakeTrace
from heliostui.themes import DARK, LIGHT
from widgets.jobs import Jobs, condition
from widgets.launch_chart import Calls
from widgets.line_view import LineView

SIZES = {"": (140, 40), "-80x24": (80, 24)}
JOB_SIZES = {"": (120, 40), "-80x24": (80, 24), "-200x60": (200, 60)}
SERVER = r"""
trap 'exit 0' TERM
echo "listening on port 8000"
n=0
while :; do
    n=$((n + 1))
    printf '\033[32m200\033[0m GET /orders/%d in %d ms\n' $n $((n * 37 % 90 + 3))
    [ $((n % 6)) = 0 ] && echo "warning: slow answer from the store" >&2
    sleep 0.02
    [ $n = 60 ] && break
done
while :; do sleep 0.2; done
"""
WORKER = r"""
n=0
while :; do
    n=$((n + 1)) i=0
    while [ $i -lt $((n % 7 * 12000 + 4000)) ]; do i=$((i + 1)); done
    head -c $((n % 9 * 6))M /dev/zero >/dev/shm/cache
    sleep 0.$((n % 4 + 1))
done
"""
CONTAINERS = (
    ContainerOptions(
        image="host",
        name="worker",
        command=["sh", "-c", WORKER],
        limits=Limits(memory=96 << 20, cpus=0.8, pids=32),
    ),
    ContainerOptions(image="host", name="build", command=["sh", "-c", "exit 2"]),
    ContainerOptions(
        image="host", name="store", command=["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]
    ),
    ContainerOptions(image="host", name="orders", command=["sh", "-c", SERVER]),
    ContainerOptions(image="host", name="workshop", tty=True, interactive=True, hostname="workshop"),
)

SITE = ["sh", "-c", "cd /tmp; head -c 400000 /dev/zero >page; exec python3 -m http.server --bind :: 80"]
CLIENT = r"""
import socket, threading, time, urllib.request
def look_up(name):
    while True:
        try:
            socket.getaddrinfo(name, 80)
        except OSError:
            pass
        time.sleep(1)
threading.Thread(target=look_up, args=["shop.example"], daemon=True).start()
while True:
    for url in ("http://web/page", "http://web/page", "http://api/"):
        try:
            urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            pass
        time.sleep(0.1)
"""
NETWORKED = (
    ContainerOptions(image="host", name="db", command=["sleep", "infinity"], networks=[NetworkOption(name="vault")]),
    ContainerOptions(
        image="host",
        name="api",
        command=SITE,
        networks=[NetworkOption(name="backend"), NetworkOption(name="vault", aliases=["store"])],
    ),
    ContainerOptions(
        image="host",
        name="web",
        command=SITE,
        networks=[NetworkOption(name="default"), NetworkOption(name="backend")],
        ports=[PortOption(container=80, host=8080), PortOption(container=53, host=5353, address="127.0.0.1")],
    ),
    ContainerOptions(
        image="host",
        name="client",
        command=["python3", "-c", CLIENT],
        networks=[NetworkOption(name="default"), NetworkOption(name="backend")],
    ),
)
"""What makes the map alive."""

HOLDING = r"""
import random, time
chance, held = random.Random(5), []
while True:
    for _ in range(150):
        if len(held) > 2500 or (held and chance.random() < 0.45):
            held.pop(chance.randrange(len(held)))
        else:
            held.append(bytearray(int(chance.lognormvariate(6.5, 1.6)) + 8))
    time.sleep(0.05)
"""
SHOP = ContainerOptions(image="host", name="shop", command=["python3", "-c", HOLDING], heap=HeapOptions())
"""Whose heap is looked at."""


class Photographer:
    """Drives one console and takes its pictures."""

    def __init__(self, app: Console, pilot: Pilot[None], directory: Path, suffix: str) -> None:
        self.app, self.pilot, self.directory, self.suffix = app, pilot, directory, suffix

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until the screen is so far. Raises TimeoutError."""
        async with asyncio.timeout(30):
            while not true():
                await self.pilot.pause(0.05)
        await self.pilot.pause()

    async def picture(self, name: str) -> None:
        await self.pilot.pause()
        self.app.save_screenshot(f"{name}{self.suffix}.svg", str(self.directory))

    async def select(self, name: str) -> None:
        await self.until(lambda: any(row.name == name for row in self.main.table.rows))
        self.main.table.cursor = next(row.key for row in self.main.table.rows if row.name == name)

    async def tell(self) -> None:
        """One picture of each screen."""
        await self.select("orders")
        await self.pilot.press("2")
        await self.until(lambda: self.main.query_one("LogView", LineView).line_count() > 60)
        await self.picture("logs")
        await self.pilot.press("L")
        await self.until(lambda: self.main.query_one(Calls).call)
        await self.picture("launch")
        await self.pilot.press("i")
        await self.until(lambda: self.main.query_one("Document", LineView).line_count())
        await self.picture("inspect")
        await self.pilot.press("1")
        await self.select("workshop")
        await self.pilot.press("enter")
        await self.until(lambda: self.main.terminal_has_keys)
        await self.until(lambda: "#" in self._terminal())
        keys = {" ": "space", "/": "slash", "-": "minus", "=": "equals_sign"}
        await self.pilot.press("ctrl+l", *(keys.get(key, key) for key in "ls --color=always /"), "enter")
        await self.until(lambda: "usr" in self._terminal())
        await self.picture("terminal")
        await self.pilot.press("ctrl+right_square_bracket")
        await self.until(lambda: self.main.table.has_focus)
        await self.picture("console")
        for key, name in (("n", "new"), ("d", "remove"), ("question_mark", "help")):
            await self.pilot.press(key)
            await self.until(lambda: self.app.screen is not self.main)
            await self.picture(name)
            await self.pilot.press("escape")
            await self.until(lambda: self.app.screen is self.main)

    async def tell_limits(self) -> None:
        """Pictures of what a container may use, of what it uses, and of the fences around it."""
        await self.select("worker")
        await self.pilot.press("M")
        details = self.main.details
        limits, stats, lines = details.limits.table, details.stats, details.isolation.view.lines
        await self.until(lambda: limits.selected is not None)
        await self.pilot.press("tab", "end")
        while limits.selected is None or limits.selected.key != "cpus":
            await self.pilot.press("up")
        await self.pilot.press(*"0.5", "enter")
        await self.until(lambda: limits.selected is not None and limits.selected.value == "0.5")
        await self.picture("limits")
        await self.pilot.press("left_square_bracket")
        since = time.time()
        await self.until(lambda: stats.cpu.until > since + 5)
        await self.picture("stats")
        await self.pilot.press("x")
        await self.until(lambda: self.app.screen is not self.main)
        await self.picture("explain")
        await self.pilot.press("escape", "I")
        await self.until(lines.line_count)
        await self.picture("isolation")
        await self.pilot.press("right", "right", "right")
        await self.picture("calls")
        await self.pilot.press("left_square_bracket", *"0.8", "enter")
        await self.until(lambda: limits.selected is not None and limits.selected.value == "0.8")
        await self.pilot.press("escape", "1")

    async def tell_networks(self) -> None:
        """Pictures of a container's network, of a line of it explained, and of the map."""
        await self.select("web")
        await self.pilot.press("w")
        table = self.main.details.network.table
        await self.until(lambda: table.shown("rules") and len(table.shown("sockets")) > 1)
        await self.until(lambda: any(row.cells[4].text.endswith("MB/s") for row in table.shown("addresses")))
        await self.pilot.press("tab", "down", "down")
        await self.until(lambda: table.selected is not None)
        await self.picture("network")
        await self.pilot.press("x")
        await self.until(lambda: self.app.screen is not self.main)
        await self.picture("endpoint")
        await self.pilot.press("escape", "escape")
        await self.select("client")
        await self.until(lambda: table.shown("dns"))
        await self.pilot.press("tab", "right", "right", "right", "right")
        await self.picture("names")
        await self.pilot.press("escape", "N")
        await self.until(lambda: isinstance(self.app.screen, MapScreen))
        screen = self.app.screen
        assert isinstance(screen, MapScreen)
        await self.until(lambda: screen.view.busy)
        await self.pilot.press("down", "right")
        await self.picture("map")
        await self.pilot.press("escape", "1")

    async def tell_heap(self) -> None:
        """Pictures of a program's heap: below the table, explained, with its figures, and with its bytes."""
        await self.select("shop")
        await self.pilot.press("h")
        face = self.main.details.heap.face
        await self.until(lambda: face.map is not None)
        await self.pilot.press("tab", "f")
        await self.until(lambda: face.block is not None and face.block.bin is not None)
        await self.picture("heap-tab")
        await self.pilot.press("x")
        await self.until(lambda: self.app.screen is not self.main)
        await self.picture("heap-explained")
        await self.pilot.press("escape", "H")
        await self.until(lambda: isinstance(self.app.screen, HeapScreen))
        screen = self.app.screen
        assert isinstance(screen, HeapScreen)
        await self.until(lambda: screen.figures.drawn >= 4)
        await self.picture("heap")
        await self.pilot.press("v", "f")
        await self.until(lambda: screen.figures.happened > 20)
        await self.pilot.press("p", "enter")
        await self.until(screen.figures.bytes_view.line_count)
        await self.picture("heap-bytes")
        await self.pilot.press("escape", "escape", "1")

    async def tell_playground(self) -> None:
        """Pictures of a playground: a step explained, a prediction, and two policies beside each other."""
        await self.pilot.press("A")
        await self.until(lambda: isinstance(self.app.screen, PlaygroundScreen))
        screen = self.app.screen
        assert isinstance(screen, PlaygroundScreen)
        await self.until(lambda: screen.playground is not None)
        await self.take(screen, POLICIES)
        await self.go(screen, 9)
        await self.pilot.press("p", "space")
        await self.until(lambda: screen.asked is not None)
        await self.pilot.press("f")
        await self.pilot.press("enter")
        await self.until(lambda: screen.score.asked)
        await self.picture("playground-answer")
        await self.pilot.press("p", "space")
        await self.until(lambda: screen.playground is not None and screen.playground.step == 10)
        await self.picture("playground")
        await self.take(screen, PROGRAM)
        await self.pilot.press("b")
        await self.until(lambda: isinstance(self.app.screen, Beside))
        await self.pilot.press("ctrl+s")
        await self.until(lambda: len(screen.shown) == 2)
        await self.go(screen, 500)
        for side in screen.sides:
            side.face.view.zoom(4096)
        await self.picture("playground-two")
        await self.pilot.press("D")
        await self.until(lambda: self.app.screen is self.main)

    async def take(self, screen: PlaygroundScreen, trace: Trace) -> None:
        """Have a playground take operations that are built in."""
        await self.pilot.press("t")
        await self.until(lambda: isinstance(self.app.screen, TakeTrace))
        self.app.screen.query_one("#trace", Select).value = BUILT_IN.index(trace)
        await self.pilot.press("ctrl+s")
        await self.until(lambda: self.app.screen is screen)
        await self.until(lambda: screen.playground is not None and screen.playground.step == 0)

    async def go(self, screen: PlaygroundScreen, step: int) -> None:
        """Have it go to a step, and its pictures come."""
        await self.pilot.press("g", *str(step), "enter")
        await self.until(lambda: all(each.step == step for each in screen.shown))
        await self.pilot.pause(0.5)

    async def tell_jobs(self) -> None:
        """Pictures of a terminal of the host with jobs in every state, of its lanes and of the menu of signals."""
        await self.until(lambda: self.main.state.info is not None)
        await self.pilot.press("t")
        await self.until(lambda: self.main.terminal_has_keys and self._jobs().told and self._jobs().shell)
        await self.until(self._prompted)
        for line, state in (
            ("sleep 100 | cat &", "running"),
            ("cat &", "stopped by TTIN"),
            ("yes >/dev/null &", "running"),
            ("vim notes.md", "running"),
        ):
            await self._job(line, state)
        await self.until(lambda: self._edits("notes.md"))
        await self.picture("vim")
        await self.pilot.press("ctrl+z")
        await self.until(lambda: self._told("stopped by TSTP"))
        await self._line("kill -9 %3")
        await self.until(lambda: self._told("killed by KILL"))
        await self.picture("jobs")
        await self.pilot.press("ctrl+right_square_bracket")
        await self.until(lambda: not self.main.terminal_has_keys)
        await self.picture("jobs-keys")
        while self._table_is_seen():
            await self.pilot.press("v")
        await self.picture("lanes")
        await self.pilot.press("K")
        await self.until(lambda: self.app.screen is not self.main)
        await self.picture("signals")
        await self.pilot.press("escape", "w")
        await self.until(lambda: self.app.screen is not self.main)
        await self.pilot.press("y")
        await self.until(lambda: not self.main.state.terminals)

    def _jobs(self) -> Jobs:
        tab = self.main.shown_tab
        jobs = tab.jobs.jobs if tab else None
        return jobs or Jobs(0, 0, 0)

    def _prompted(self) -> bool:
        tab = self.main.shown_tab
        terminal = tab.pane.view.terminal if tab else None
        return terminal is not None and terminal.text().rstrip().endswith(("#", "$"))

    def _table_is_seen(self) -> bool:
        tab = self.main.shown_tab
        return tab is not None and tab.jobs.table.display

    def _told(self, words: str) -> bool:
        tab = self.main.shown_tab
        shown = tab.jobs.table.jobs if tab else None
        return any(condition(job.teller) == words for job in (shown.jobs if shown else ()))

    def _edits(self, name: str) -> bool:
        """Whether the terminal shows a full-screen editor that is ready."""
        tab = self.main.shown_tab
        terminal = tab.pane.view.terminal if tab else None
        return terminal is not None and terminal.alternate and f'"{name}"' in terminal.text()

    async def _job(self, line: str, state: str) -> None:
        """Have the shell run a line, and wait until there is one more job, in this state."""
        count = len(self._jobs().jobs)
        await self._line(line)
        await self.until(lambda: len(self._jobs().jobs) > count and condition(self._jobs().jobs[-1].teller) == state)

    async def _line(self, line: str) -> None:
        assert self.main.focused is not None
        self.main.focused.post_message(Paste(line))
        await self.pilot.press("enter")

    def _terminal(self) -> str:
        terminal = self.main.details.terminal.view.terminal
        return terminal.text() if terminal else ""


async def photograph(places: Places, directory: Path) -> None:
    """Take all pictures of an engine at `places`, which is started and has no containers."""
    async with await Connection.open(places) as engine:
        try:
            app = Console(places)
            async with app.run_test(size=SIZES[""]) as pilot:
                photographer = Photographer(app, pilot, directory, f"-{_shade(DARK)}")
                await photographer.until(lambda: photographer.main.query_one("#nothing-yet").display)
                await photographer.picture("empty")
            for options in CONTAINERS:
                await engine.request(RunContainer(options=options))
            await engine.request(StopContainer(container="store"))
            for theme in (DARK, LIGHT):
                for suffix, size in SIZES.items():
                    app = Console(places)
                    app.theme = theme.name
                    async with app.run_test(size=size) as pilot:
                        await Photographer(app, pilot, directory, f"{suffix}-{_shade(theme)}").tell()
                for suffix, size in SIZES.items():
                    app = Console(places)
                    app.theme = theme.name
                    async with app.run_test(size=size) as pilot:
                        await Photographer(app, pilot, directory, f"{suffix}-{_shade(theme)}").tell_limits()
                for suffix, size in JOB_SIZES.items():
                    app = Console(places)
                    app.theme = theme.name
                    async with app.run_test(size=size) as pilot:
                        await Photographer(app, pilot, directory, f"{suffix}-{_shade(theme)}").tell_jobs()
            await photograph_networks(engine, places, directory)
            await photograph_heaps(engine, places, directory)
        finally:
            await engine.request(StopEngine(all=True))


async def photograph_networks(engine: Connection, places: Places, directory: Path) -> None:
    """Take those of networks, where there can be any."""
    try:
        for name in ("backend", "vault"):
            await engine.request(CreateNetwork(name=name, internal=name == "vault"))
        for options in NETWORKED:
            await engine.request(RunContainer(options=options))
    except RequestFailed as error:
        print(f"No pictures of networks: {error}", file=sys.stderr)
        return
    for theme in (DARK, LIGHT):
        for suffix, size in JOB_SIZES.items():
            app = Console(places)
            app.theme = theme.name
            async with app.run_test(size=size) as pilot:
                await Photographer(app, pilot, directory, f"{suffix}-{_shade(theme)}").tell_networks()


async def photograph_heaps(engine: Connection, places: Places, directory: Path) -> None:
    """Take those of heaps, where our allocator was compiled."""
    try:
        await engine.request(RunContainer(options=SHOP))
    except RequestFailed as error:
        print(f"No pictures of heaps: {error}", file=sys.stderr)
        return
    for theme in (DARK, LIGHT):
        for suffix, size in JOB_SIZES.items():
            app = Console(places)
            app.theme = theme.name
            async with app.run_test(size=size) as pilot:
                photographer = Photographer(app, pilot, directory, f"{suffix}-{_shade(theme)}")
                await photographer.tell_heap()
                await photographer.tell_playground()


def _shade(theme: Theme) -> str:
    return "dark" if theme.dark else "light"


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m heliostui.screenshots DIRECTORY", file=sys.stderr)
        return 2
    directory = Path(sys.argv[1]).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="heliostui-") as temporary:
        places = Places(Path(temporary, "run"), Path(temporary, "state"))
        work = Path(temporary, "home", "orders")
        work.mkdir(parents=True)
        os.environ["HOME"] = str(work.parent)
        os.chdir(work)
        asyncio.run(photograph(places, directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
