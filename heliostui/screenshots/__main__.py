"""`python -m heliostui.screenshots DIRECTORY [STORY…]`: takes all pictures, or those of some stories.

The engine, its containers and their files are of a temporary directory and gone afterwards. Imports the application.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.client.aio import Connection
from engine.client.errors import RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    ContainerOptions,
    Containers,
    CreateNetwork,
    ListContainers,
    ListNetworks,
    Networks,
    RunContainer,
    StopContainer,
    StopEngine,
)
from heliostui.app import Console
from heliostui.screenshots import containers, heaps, jobs, networks, workstation
from heliostui.screenshots.photographer import Photographer
from heliostui.screenshots.scenes import CONTAINERS, NETWORKED, SHOP
from heliostui.settings.values import Settings
from heliostui.themes import CONTRAST, CONTRAST_LIGHT, DARK, LIGHT

DARKS, BOTH = ((DARK, "dark"),), ((DARK, "dark"), (LIGHT, "light"))
SMALL, USUAL, LARGE = ("-80x24", (80, 24)), ("", (120, 40)), ("-200x60", (200, 60))
HISTORY = 60.0  # seconds that graphs are filled with

Story = Callable[[Photographer], Awaitable[None]]
Size = tuple[str, tuple[int, int]]


async def tell(places: Places, directory: Path, story: Story, *sizes: Size) -> None:
    """One story at several sizes, dark and light; a small screen differs in what has room, which dark ones show."""
    for suffix, size in sizes:
        for theme, shade in DARKS if size == SMALL[1] else BOTH:
            await _tell(places, directory, story, size, theme.name, f"{suffix}-{shade}")


async def _tell(places: Places, directory: Path, story: Story, size: tuple[int, int], theme: str, suffix: str) -> None:
    app = Console(places, Settings(theme=theme, layout="console"))
    async with app.run_test(size=size) as pilot:
        await story(Photographer(app, pilot, directory, suffix))


async def photograph(places: Places, directory: Path, wanted: Sequence[str]) -> None:
    """Take the pictures of an engine at `places`, which is started and has no containers."""
    async with await Connection.open(places) as engine:
        try:
            for name, take in STORIES.items():
                if not wanted or name in wanted:
                    await take(engine, places, directory)
        finally:
            await engine.request(StopEngine(all=True))


async def _run(engine: Connection, *scene: ContainerOptions) -> None:
    """Have all of them, as far as another story has not made them."""
    listed = await engine.request(ListContainers(all=True), Containers)
    there = {each.name for each in listed.containers}
    for options in scene:
        if options.name not in there:
            await engine.request(RunContainer(options=options))
            if options.name == "store":
                await engine.request(StopContainer(container="store"))


async def _containers(engine: Connection, places: Places, directory: Path) -> None:
    await _tell(places, directory, containers.tell_empty, USUAL[1], DARK.name, "-dark")
    await _run(engine, *CONTAINERS)
    await tell(places, directory, containers.tell, USUAL, SMALL)
    await tell(places, directory, containers.tell_limits, USUAL, SMALL)


async def _jobs(engine: Connection, places: Places, directory: Path) -> None:
    await tell(places, directory, jobs.tell, USUAL, SMALL, LARGE)


async def _networked(engine: Connection) -> bool:
    """Have containers in networks, where there can be any."""
    try:
        known = {each.name for each in (await engine.request(ListNetworks(), Networks)).networks}
        for name in {"backend", "vault"} - known:
            await engine.request(CreateNetwork(name=name, internal=name == "vault"))
        await _run(engine, *NETWORKED)
    except RequestFailed as error:
        print(f"No pictures of networks: {error}", file=sys.stderr)
        return False
    return True


async def _networks(engine: Connection, places: Places, directory: Path) -> None:
    if await _networked(engine):
        await tell(places, directory, networks.tell, USUAL, SMALL, LARGE)


async def _with_heap(engine: Connection) -> bool:
    """Have a container whose heap can be seen, where our allocator was compiled."""
    try:
        await _run(engine, SHOP)
    except RequestFailed as error:
        print(f"No pictures of heaps: {error}", file=sys.stderr)
        return False
    return True


async def _heaps(engine: Connection, places: Places, directory: Path) -> None:
    if await _with_heap(engine):
        await tell(places, directory, heaps.tell, USUAL, SMALL, LARGE)


async def _workstation(engine: Connection, places: Places, directory: Path) -> None:
    """Last, since it shows what all the others have made."""
    await _run(engine, *CONTAINERS)
    await _networked(engine)
    await _with_heap(engine)
    await _tell(places, directory, workstation.prepare, USUAL[1], DARK.name, "-dark")
    started = min(each.created_at for each in (await engine.request(ListContainers(), Containers)).containers)
    await asyncio.sleep(max(0.0, HISTORY - (datetime.now(UTC) - started).total_seconds()))
    await tell(places, directory, workstation.tell, USUAL, SMALL, LARGE)
    await tell(places, directory, workstation.tell_tools, USUAL, SMALL)
    for theme in (CONTRAST.name, CONTRAST_LIGHT.name, "dracula", "solarized-light"):
        await _tell(places, directory, workstation.tell_theme, USUAL[1], theme, f"-{theme}")


STORIES = {
    "containers": _containers,
    "jobs": _jobs,
    "networks": _networks,
    "heaps": _heaps,
    "workstation": _workstation,
}


def main() -> int:
    directory, *wanted = sys.argv[1:] or [""]
    if not directory or not STORIES.keys() >= set(wanted):
        print(f"usage: python -m heliostui.screenshots DIRECTORY [{'|'.join(STORIES)}]…", file=sys.stderr)
        return 2
    target = Path(directory).absolute()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="heliostui-") as temporary:
        places = Places(Path(temporary, "run"), Path(temporary, "state"))
        work = Path(temporary, "home", "orders")
        work.mkdir(parents=True)
        os.environ |= {"HOME": str(work.parent), "HELIOSTUI_STATE": str(places.state), "HELIOSTUI_CONFIG": os.devnull}
        os.chdir(work)
        asyncio.run(photograph(places, target, wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
