"""The logs of the selected container, or of all that are marked, as one: followed, searched, filtered, saved.

Owns who is read and what the border says; lines are shown by the log view. Imports link, follow, saving and widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from engine.protocol.messages import ContainerSummary
from engine.protocol.quantities import size_text
from heliostui.link import Link
from heliostui.logs.follow import follow
from heliostui.logs.saving import save
from heliostui.logs.times import moment
from heliostui.screens.dialog import Prompt
from widgets.later import Later
from widgets.line_view import LineView
from widgets.log_view import LogView, Piece
from widgets.search_line import SearchLine
from widgets.searchable import Searchable

BESIDE = 40
"""Cells of the border's line that are not for what is told here."""


class LogsPane(Searchable):
    """The log view with the lines to type a search and a filter into."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ampersand",
            "filter",
            "Filter",
            id="logs.filter",
            key_display="&",
            tooltip="Show only lines with words or a /regular expression/; after ! those without",
        ),
        Binding("s", "save", "Save", id="logs.save", tooltip="Save what is shown to a file"),
        Binding("at", "go_to_time", "Time", id="logs.time", key_display="@", tooltip="Go to the line of a time"),
        Binding("m", "merge", "Merge", id="logs.merge", tooltip="The logs of all marked containers as one, or of one"),
    ]

    class Described(Message):
        """What the border says has changed."""

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(LogView(), id=id)
        self._link = link
        self._shown: tuple[str, ...] = ()
        self._names: dict[str, str] = {}
        self.merged = True
        """Whether the marked containers are shown, if there are some."""

    @property
    def log_view(self) -> LogView:
        assert isinstance(self.view, LogView)
        return self.view

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield SearchLine("only lines with: words, /a regular expression/, !those without", classes="filter")

    # --- what is looked at ---

    def follow(self, containers: Sequence[ContainerSummary]) -> None:
        """Show the logs of these from now on."""
        self.stop()
        shown = tuple(container.id for container in containers)
        self._names = {container.id: container.name for container in containers}
        view = self.log_view
        if shown != self._shown or len(shown) > 1:  # of several all is read anew, and put in order
            self._shown = shown
            view.clear()
        view.sources = tuple(self._names.values())
        view.since = min((each.started_at for each in containers if each.started_at), default=None)
        for container in shown:
            self.run_worker(Later(self._read, container), group="logs")

    def stop(self, why: str = "") -> None:
        """Read no more."""
        self.workers.cancel_group(self, "logs")

    async def _read(self, container: str) -> None:
        async def take(pieces: list[Piece], restart: bool) -> None:
            if restart and len(self._shown) == 1:
                self.log_view.clear()
            self.log_view.write_all(pieces, self._names.get(container, container))

        await follow(self._link, container, take)

    def action_merge(self) -> None:
        self.merged = not self.merged
        self.post_message(self.Remarked())

    class Remarked(Message):
        """Who is to be shown may be others now."""

    # --- the filter ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "end":
            return bool(self.view.term or self.log_view.filter)
        return super().check_action(action, parameters)

    def action_end(self) -> None:
        """Forget the search; then the filter."""
        if self.view.term:
            super().action_end()
        else:
            self._filter_line.action_forget()

    @property
    def _filter_line(self) -> SearchLine:
        return self.query_one(".filter", SearchLine)

    def action_filter(self) -> None:
        self._filter_line.open()

    @on(SearchLine.Changed, ".filter")
    def _filter_typed(self, event: SearchLine.Changed) -> None:
        event.stop()
        self.log_view.filter = event.value
        self.refresh_bindings()

    @on(SearchLine.Submitted, ".filter")
    @on(SearchLine.Ended, ".filter")
    def _filter_done(self, event: SearchLine.Submitted | SearchLine.Ended) -> None:
        event.stop()
        self._filter_line.display = False
        self.view.focus()
        self.refresh_bindings()

    # --- places and files ---

    @work(group="actions")
    async def action_go_to_time(self) -> None:
        given = await self.app.push_screen_wait(Prompt("Go to a time", "Time", placeholder="14:30, 14:30:05, 10m ago"))
        if given is None:
            return
        try:
            self.log_view.go_to_time(moment(given, datetime.now().astimezone()))
        except ValueError as error:
            self.notify(str(error), severity="error", markup=False)

    @work(group="actions")
    async def action_save(self) -> None:
        name = "-".join(self._names.values())[:60] or "log"
        try:
            told = await save(self.app, name, self.log_view.shown_text())
        except OSError as error:
            self.notify(f"The log can't be saved: {error.strerror}: {error.filename}.", severity="error", markup=False)
            return
        if told is not None:
            self.notify(told, markup=False)

    # --- what the border says ---

    @on(LineView.Changed)
    def _view_changed(self, event: LineView.Changed) -> None:
        event.stop()
        self.post_message(self.Described())

    def description(self) -> str:
        """What the border says: the search, the filter, how much there is, and whether the end is followed. What has no
        room is left out, the size first."""
        view = self.log_view
        logs = f"{len(self._shown)} logs" if len(self._shown) > 1 else ""
        if view.paused:
            kept, state = "", f"paused, {view.waiting_lines:,} lines wait · p goes on"
        else:
            lines = f"{view.total:,} lines, {size_text(view.kept_size)}"
            kept = f"{lines} kept, {view.dropped:,} dropped" if view.dropped else lines
            state = "following" if view.following else _unseen(view.unseen)
        parts = [about_search(view), self._about_filter(), logs, kept, state]
        told = " · ".join(filter(None, parts))
        for spared in (3, 2, 1):
            if len(told) > self.size.width - BESIDE:
                parts[spared] = ""
                told = " · ".join(filter(None, parts))
        return told

    def _about_filter(self) -> str:
        view = self.log_view
        if view.only.wrong:
            return f"no such pattern: {view.only.wrong}"
        if not view.only:
            return ""
        around = f" ±{view.around}" if view.around else ""
        return f"& {view.filter}{around}: {view.matching:,} lines"


def _unseen(count: int) -> str:
    return f"{count:,} new below, f follows" if count else "f follows"


def about_search(view: LineView) -> str:
    """Which match of how many one is at."""
    if view.wanted.wrong:
        return f"no such pattern: {view.wanted.wrong}"
    if not view.term:
        return ""
    return f"match {view.match_number} of {view.matches}" if view.matches else f"nothing has “{view.term}”"
