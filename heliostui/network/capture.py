"""The traffic of containers on its way into pcap files, written off the loop. Imports link, tasks, dialogs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from io import BufferedWriter
from pathlib import Path

from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from engine.client.errors import ClientError
from engine.protocol.messages import ContainerNetwork, GetContainerNetwork, StreamCapture
from engine.protocol.quantities import size_text
from heliostui.link import Link
from heliostui.network.tasks import Whom
from heliostui.screens.network_forms import CaptureForm
from widgets.once import after

SHOWING = 0.5  # seconds between two changes of what is told of a capture


class Capture:
    """One capture. `changed` is called whenever there is more of it."""

    def __init__(
        self, link: Link, request: StreamCapture, name: str, path: Path, changed: Callable[[], object]
    ) -> None:
        self._link, self._request, self._changed = link, request, changed
        self.name, self.path = name, path
        self.packets = self.size = self.dropped = 0
        self.full = False
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begun(self) -> None:
        """Wait until there is a file. Raises what `run` raises before."""
        await asyncio.shield(self._begun)

    async def run(self, *, replace: bool = False) -> None:
        """Write until the container ends, the limit is reached, or this is cancelled. What is there then is a whole
        file. Raises ClientError, and OSError (FileExistsError, unless it may be replaced)."""
        try:
            await self._follow(replace)
        except (ClientError, OSError) as error:
            if not self._begun.done():
                self._begun.set_exception(error)
            raise
        finally:
            self._begun.cancel()  # of no effect once it is done

    async def _follow(self, replace: bool) -> None:
        file: BufferedWriter | None = None
        try:
            async with aclosing(self._link.capture(self._request)) as chunks:
                async for chunk in chunks:
                    if file is None:  # only now: what is refused leaves no file behind
                        file = await asyncio.to_thread(_open, self.path, replace)
                        self._begun.set_result(None)
                    await _write(file, chunk.data)
                    self.size += len(chunk.data)
                    self.packets, self.dropped, self.full = chunk.packets, chunk.dropped, chunk.full
                    self._changed()
        finally:
            if file is not None:
                file.close()


def _open(path: Path, replace: bool) -> BufferedWriter:
    return path.open("wb") if replace else path.open("xb")


async def _write(file: BufferedWriter, data: bytes) -> None:
    """All of it, whatever happens meanwhile: the file is not to be closed under the thread that writes."""
    task = asyncio.ensure_future(asyncio.to_thread(_append, file, data))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def _append(file: BufferedWriter, data: bytes) -> None:
    file.write(data)
    file.flush()


class Captures:
    """The captures that run, by the container's id. They go on whatever is looked at, until the console is left."""

    def __init__(self, screen: Screen[None], link: Link, changed: Callable[[], object]) -> None:
        self._screen, self._link, self._changed = screen, link, changed
        self._running: dict[str, tuple[Capture, Worker[None]]] = {}
        self._telling: Timer | None = None

    def words(self) -> str:
        """All of them, for a line of the screen."""
        told = (f"◉ {each.name} {each.packets:,} packets {size_text(each.size)}" for each, _ in self._running.values())
        return "  ".join(told)

    async def toggle(self, whom: Whom) -> None:
        """End the one that runs, else ask where to and begin one."""
        if whom.id in self._running:
            capture, worker = self._running[whom.id]
            worker.cancel()
            self._tell(capture)
            return
        await self._screen.app.push_screen_wait(
            CaptureForm(whom.name, whom.id, await self._interfaces(whom), self._begin(whom))
        )

    async def _interfaces(self, whom: Whom) -> list[str]:
        try:
            reply = await self._link.request(GetContainerNetwork(container=whom.id), ContainerNetwork)
        except ClientError:
            return []
        return [each.name for each in reply.interfaces if each.kind != "loopback"]

    def _begin(self, whom: Whom) -> Callable[[StreamCapture, Path, bool], Awaitable[None]]:
        async def begin(request: StreamCapture, path: Path, replace: bool) -> None:
            """Begin it, and come back once it is known to be written; what is refused at once is raised."""
            capture = Capture(self._link, request, whom.name, path, self._more)
            running = self._screen.run_worker(self._run(whom, capture, replace), group="captures", exit_on_error=False)
            self._running[whom.id] = capture, running
            await capture.begun()
            self._changed()

        return begin

    async def _run(self, whom: Whom, capture: Capture, replace: bool) -> None:
        try:
            await capture.run(replace=replace)
        except (ClientError, OSError) as error:
            if capture.size:
                words = error.strerror if isinstance(error, OSError) else str(error)
                self._screen.notify(f"The capture has ended: {words}", severity="error", markup=False)
        else:
            self._tell(capture)
        finally:
            self._running.pop(whom.id, None)
            if self._screen.is_running:  # else the console is being left
                self._changed()

    def _more(self) -> None:
        """What is told changes seldom enough to be read."""
        if self._telling is None:
            self._telling = after(self._screen, SHOWING, self._told)

    def _told(self) -> None:
        self._telling = None
        self._changed()

    def _tell(self, capture: Capture) -> None:
        words = f"{capture.packets:,} packets of {capture.name}, {size_text(capture.size)}, are in {capture.path}."
        if capture.dropped:
            words += f" {capture.dropped:,} came too fast and are missing."
        if capture.full:
            words += " It has reached its limit."
        self._screen.notify(words, markup=False)
