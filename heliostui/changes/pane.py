"""What a container has changed of its image, asked for when it is looked at and by a key.

Owns the asking; the files are shown by the table. Imports link and widgets.
"""

from __future__ import annotations

import stat
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import Changes, ContainerSummary, ListChanges
from engine.protocol.processes import Change
from engine.protocol.quantities import size_text
from heliostui.link import Link
from widgets.change_table import ChangedFile, ChangeTable
from widgets.filtered import Filtered
from widgets.later import Later


class ChangesPane(Filtered[ChangeTable]):
    """The table, what is to be known of it, and the line to filter it by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Refresh", id="changes.refresh", tooltip="Look again what has changed"),
        Binding("slash", "filter", "Filter", id="changes.filter", key_display="/", tooltip="Only paths with words"),
        Binding("escape", "forget", "All", id="changes.all", show=False, tooltip="Forget the filter"),
    ]

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(ChangeTable(), id=id)
        self._link = link
        self._container: ContainerSummary | None = None
        self._changes: list[Change] | None = None
        self._truncated = False

    def compose(self) -> ComposeResult:
        yield self.note
        yield self.table
        yield Static(id="changes-notes", markup=False)
        yield self.filter_line

    def on_mount(self) -> None:
        self.query_one("#changes-notes").display = False

    # --- what is looked at ---

    def follow(self, container: ContainerSummary) -> None:
        """Look at this container's changes, once."""
        if self._container is None or container.id != self._container.id:
            self._changes = None
            self.table.show_files([])
            self.say("Comparing its files with the image…")
        self._container = container
        self.run_worker(Later(self._ask, container), group="changes", exclusive=True)

    def stop(self, why: str = "") -> None:
        """Look no more."""
        self.workers.cancel_group(self, "changes")
        if why:
            self.say(why)

    async def _ask(self, container: ContainerSummary) -> None:
        try:
            told = await self._link.request(ListChanges(container=container.id), Changes)
        except RequestFailed as error:
            self.say(error.message)
        except ClientError:
            pass  # the banner says so already
        else:
            self._show(container, told)

    def _show(self, container: ContainerSummary, told: Changes) -> None:
        self._changes, self._truncated = told.changes, told.truncated
        self.table.show_files([_file(change) for change in told.changes])
        notes = self.query_one("#changes-notes", Static)
        more = ["There is more than is shown here."] if told.truncated else []
        notes.update("\n".join([*told.notes, *more]))
        notes.display = bool(told.notes or more)
        self.say("" if told.changes or told.notes else f"{container.name} has changed nothing of its image.")
        self.post_message(self.Described())

    def action_again(self) -> None:
        if self._container is not None:
            self.follow(self._container)

    @on(ChangeTable.Highlighted)
    @on(ChangeTable.Shown)
    def _moved(self, event: Message) -> None:
        event.stop()

    # --- what the border says ---

    def description(self) -> str:
        """How many of each kind, and what the layer takes."""
        changes = self._changes
        if changes is None:
            return ""
        counts = {kind: sum(change.kind == kind for change in changes) for kind in "ACD"}
        size = sum(change.size for change in changes if change.kind != "D")
        shown = f"with “{self.table.filter}” · " if self.table.filter else ""
        more = " and more" if self._truncated else ""
        told = f"{counts['A']:,} added, {counts['C']:,} changed, {counts['D']:,} deleted{more}"
        return f"{shown}{told} · {size_text(size)} · r looks again"


def _file(change: Change) -> ChangedFile:
    return ChangedFile(
        path=change.path,
        kind=change.kind,
        mode=stat.filemode(change.mode),
        size=change.size,
        before=change.before,
        directory=change.type == "directory",
        target=change.target,
    )
