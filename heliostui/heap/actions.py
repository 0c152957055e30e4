"""The commands of the main screen that are about heaps. Imports actions, and the screens of heaps when they are wanted:
the console is there sooner."""

from __future__ import annotations

from textual import on, work

from heliostui.actions import Actions
from heliostui.heap.pane import HeapPane


class HeapActions(Actions):
    """The commands of the key map that are about heaps. What the details follow rests while a screen is over them."""

    _playgrounds: list[str] | None = None
    """Those that were shown last."""

    @work(group="actions", exclusive=True)
    async def action_heap(self) -> None:
        await self._show_heap()

    @on(HeapPane.Opened)
    @work(group="actions", exclusive=True)
    async def _opened(self, event: HeapPane.Opened) -> None:
        await self._show_heap(event.address)

    async def _show_heap(self, address: int | None = None) -> None:
        """The heap of the selected container on the whole screen; the bytes at an address, where one is given."""
        from heliostui.screens.heap import HeapScreen

        pane = self.details.heap
        self.rest_regions()
        await self.app.push_screen_wait(HeapScreen(self.link, self._selected, pane.process, address))
        self.resume_regions()

    @work(group="actions", exclusive=True)
    async def action_playground(self) -> None:
        from heliostui.screens.playground import PlaygroundScreen

        self.rest_regions()
        self._playgrounds = await self.app.push_screen_wait(PlaygroundScreen(self.link, self._playgrounds))
        self.resume_regions()
