"""The region of live graphs. Imports link."""

from __future__ import annotations

from collections.abc import Sequence

from textual.containers import Vertical
from textual.message import Message

from engine.protocol.messages import ContainerSummary
from heliostui.link import Link


class GraphsPane(Vertical):
    """Charts of one container, of several overlaid, or of the machine."""

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link

    def show(self, subjects: Sequence[ContainerSummary]) -> None:
        """Look at these from now on; at the machine when there are none."""

    def rest(self) -> None:
        """Follow nothing, until `show`."""

    def description(self) -> str:
        """What the border says."""
        return ""
