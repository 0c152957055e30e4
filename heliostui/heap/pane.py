"""The heap of a container's process as a map, live; or why there is none.

Owns which process is looked at. Imports link, face, words and widgets.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.heap import HeapProcess, HeapTarget
from engine.protocol.messages import (
    ContainerSummary,
    Heaps,
    InspectContainer,
    Inspected,
    ListHeaps,
    Status,
)
from heliostui.heap.face import HeapFace
from heliostui.heap.words import no_heap_words, options_words, process_name, with_heap
from heliostui.link import Link
from heliostui.network.explain import Told
from heliostui.screens.heap_forms import ChooseProcess
from widgets.heap_map import HeapMapView
from widgets.later import Later
from widgets.noted import Noted
from widgets.once import after

AGAIN = 1.0  # seconds after which a container without a heap is asked again: its programs come and go
TALL = 14  # lines from which on there is room for what the cursor is on


class HeapPane(Noted):
    """The map and what is said of it, or a note."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "choose", "Process", tooltip="Look at another process of the container", id="heap.process"),
    ]

    class Described(Noted.Described):
        """What the border says has changed; there is a border for heaps alone, too."""

    @dataclass
    class Opened(Message):
        """More of it is wanted: the whole screen, and there the bytes at this address."""

        address: int

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._processes: list[HeapProcess] = []
        self.process: HeapProcess | None = None
        self.face = HeapFace(link)

    def compose(self) -> ComposeResult:
        yield self.note
        yield self.face

    def on_resize(self) -> None:
        self.face.set_class(self.size.height < TALL, "-low")

    # --- what is looked at ---

    @property
    def target(self) -> HeapTarget | None:
        """The heap that is shown."""
        if self._container is None or self.process is None:
            return None
        return HeapTarget(container=self._container.id, pid=self.process.pid or None)

    @property
    def told(self) -> Told | None:
        """What is to be said of what the cursor is on."""
        return self.face.told if self.face.display else None

    def follow(self, container: ContainerSummary) -> None:
        """Show this container from now on."""
        if self._container is None or self._container.id != container.id:
            self.process = None
        self.stop()
        self._container = container
        if container.status not in (Status.RUNNING, Status.PAUSED):
            self.say(f"{container.name} does not run, so it has no heap.")
            return
        self.run_worker(Later(self._find, container), group="find", exclusive=True)

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "find")
        self.face.stop()
        self.say(why)

    def say(self, why: str) -> None:
        super().say(why)
        self.face.display = not why
        if self.is_attached:
            self.screen.refresh_bindings()
        self.post_message(self.Described())

    async def _find(self, container: ContainerSummary) -> None:
        """Look for a process with a heap, until there is one; the one that was chosen before, if it is still there."""
        try:
            while not (found := with_heap(await self._list(container))):
                detail = (await self._link.request(InspectContainer(container=container.id), Inspected)).container
                asked_for = detail.options.heap is not None
                self.say(no_heap_words(container.name, asked_for, self._processes))
                if not asked_for:
                    return
                await asyncio.sleep(AGAIN)
        except RequestFailed as error:
            self.say(error.message)
        except ClientError:
            self.say("The engine is away. Heaps are shown again when it is back.")
        else:
            chosen = self.process.host_pid if self.process else 0
            self._show(next((each for each in found if each.host_pid == chosen), found[0]))

    async def _list(self, container: ContainerSummary) -> list[HeapProcess]:
        self._processes = (await self._link.request(ListHeaps(container=container.id), Heaps)).processes
        return self._processes

    def _show(self, process: HeapProcess) -> None:
        self.process = process
        if self.target is not None:
            self.say("")
            self.face.follow(self.target, process)

    @on(HeapFace.Lost)
    def _lost(self, event: HeapFace.Lost) -> None:
        """The process has ended, or is another program now; the container may have others."""
        event.stop()
        if self._container is None:
            return
        self.say(event.reason)
        if event.code is not None:
            self.process = None
            after(self, AGAIN, self._look_again)

    def _look_again(self) -> None:
        if self._container is not None and self.process is None and self.is_on_screen:
            self.run_worker(Later(self._find, self._container), group="find", exclusive=True)

    # --- keys ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "choose":
            return self.face.display and self.process is not None
        return True

    @work(group="choose", exclusive=True)
    async def action_choose(self) -> None:
        """Choose among the container's processes; why others have no heap is told there."""
        container = self._container
        if container is None:
            return
        try:
            processes = await self._list(container)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        chosen = await self.app.push_screen_wait(ChooseProcess(container.name, processes, self.process))
        if chosen is not None:
            self._show(chosen)

    @on(HeapMapView.Chosen)
    def _chosen(self, event: HeapMapView.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(event.address))

    def description(self) -> str:
        """What the border says."""
        process = self.process
        if process is None or not self.face.display:
            return ""
        options = f" · {options_words(process.options)}" if process.options else ""
        others = len(with_heap(self._processes)) - 1
        more = f" · u: {others} more" if others > 0 else ""
        return f"{process_name(process)}{options}{more} · H whole screen"
