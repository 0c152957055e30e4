"""What a container can and can't see and do, as the kernel has it when it is looked at.

Imports link, fences and widgets.
"""

from __future__ import annotations

from textual.app import ComposeResult

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import ContainerSummary, GetIsolation, GetSeccomp, Isolation, SeccompFilter
from heliostui.isolation.words import fences
from heliostui.link import Link
from widgets.isolation_view import IsolationView
from widgets.later import Later
from widgets.noted import Noted


class IsolationPane(Noted):
    """The fences, or why there are none to see."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._container = ""
        self.view = IsolationView()

    def compose(self) -> ComposeResult:
        yield self.note
        yield self.view

    def follow(self, container: ContainerSummary) -> None:
        """Show this container's; asking again for the same looks again."""
        if container.id != self._container:
            self.view.show(None)
        self._container = container.id
        self.say("")
        self.run_worker(Later(self._read, container.id), group="isolation", exclusive=True)

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "isolation")
        if why:
            self.say(why)

    def say(self, why: str) -> None:
        super().say(why)
        self.view.display = not why

    async def _read(self, container: str) -> None:
        try:
            reply = await self._link.request(GetIsolation(container=container), Isolation)
            filter = await self._filter(container)
        except RequestFailed as error:
            self.say(error.message)
        except ClientError:
            pass  # the banner says so already
        else:
            self.view.show(fences(reply, filter))
            self.post_message(self.Described())

    async def _filter(self, container: str) -> SeccompFilter | None:
        """The filter's program; the rest can be shown without."""
        try:
            return await self._link.request(GetSeccomp(container=container), SeccompFilter)
        except RequestFailed:
            return None
