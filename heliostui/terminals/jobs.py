"""The jobs of a terminal as a table and as lanes of time, live while they are looked at.

Owns the stream of job tables, what is selected, and which of the two views there is room for; what is done to a job is
in `heliostui.terminals.actions`. Imports link, keymap, state and widgets.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.timer import Timer

from engine.protocol.messages import StreamJobs
from heliostui.keymap import ON_JOBS
from heliostui.link import Link
from heliostui.messages import JobsArrived
from heliostui.state import happening, jobs_of
from widgets.job_table import JobTable
from widgets.jobs import Event, Job, Jobs, Lately
from widgets.later import Later
from widgets.once import after
from widgets.swim_lanes import SwimLanes

BESIDE = 112  # columns from which on there is room for both views side by side
BELOW = 22  # lines from which on there is room for one below the other
WAITING = "Looking at its jobs…"


class JobPane(Container):
    """Table and lanes. The class says how they are laid out: `-beside`, `-below`, `-table` or `-lanes`."""

    BINDINGS: ClassVar[list[BindingType]] = list(ON_JOBS)

    @dataclass
    class Described(Message):
        """What the border says has changed, or which job is selected."""

        pane: JobPane

        @property
        def control(self) -> JobPane:
            return self.pane

    def __init__(self, link: Link, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._link = link
        self._whose: StreamJobs | None = None
        self._shell_name = ""
        self._jobs: Jobs | None = None
        self._lately = Lately()
        self._forgetting: Timer | None = None
        self._view = "both"

        self.table = JobTable()
        self.lanes = SwimLanes()

    def compose(self) -> ComposeResult:
        yield self.table
        yield self.lanes

    @property
    def whose(self) -> StreamJobs | None:
        """Whose jobs these are."""
        return self._whose

    @property
    def jobs(self) -> Jobs | None:
        """The jobs as last told, without those that have ended lately."""
        return self._jobs

    @property
    def selected(self) -> Job | None:
        """The job that commands act on."""
        return self.table.selected

    # --- what is looked at ---

    def follow(self, whose: StreamJobs, shell_name: str) -> None:
        """Show these jobs from now on. Asking for the same again begins anew."""
        if whose != self._whose:
            self.table.show(None)
            self.lanes.clear()
            self._lately = Lately()
        self._whose, self._shell_name = whose, shell_name
        self.table.placeholder = WAITING
        self.workers.cancel_group(self, "jobs")
        self.run_worker(Later(self._link.jobs, whose, self.post_message), group="jobs")

    def stop(self, why: str = "") -> None:
        """Look no more; `why` says what there is to see instead."""
        self.workers.cancel_group(self, "jobs")
        if why:
            self._whose = self._jobs = None
            self.table.placeholder = why
            self.table.show(None)
            self.lanes.clear()

    @on(JobsArrived)
    def _arrived(self, event: JobsArrived) -> None:
        event.stop()
        if event.whose != self._whose:
            return
        if event.table is None:
            self.stop(event.reason or "Its program has ended.")
        else:
            self._jobs = jobs_of(event.table, self._shell_name)
            happened = [happening(each) for each in event.table.events]
            self._show(happened)
            self.lanes.show(self._jobs, happened)
        self.post_message(self.Described(self))

    def _show(self, happened: Sequence[Event] = ()) -> None:
        """Show the jobs there are, with those that have ended lately; come back when one of these is to go."""
        if self._jobs is None:
            return
        now = time.monotonic()
        self.table.follows = not self.has_focus_within
        self.table.show(self._lately.add(self._jobs, now, happened))
        if self._forgetting is not None:
            self._forgetting.stop()
        delay = self._lately.next(now)
        self._forgetting = after(self, delay + 0.01, self._show) if delay is not None else None

    # --- the selection ---

    @on(JobTable.Highlighted)
    def _highlighted(self, event: JobTable.Highlighted) -> None:
        event.stop()
        self.lanes.pgid = event.pgid
        self.post_message(self.Described(self))

    @on(JobTable.Chosen)
    async def _chosen(self, event: JobTable.Chosen) -> None:
        event.stop()
        await self.screen.run_action("job('foreground')")

    @on(SwimLanes.Picked)
    def _picked(self, event: SwimLanes.Picked) -> None:
        event.stop()
        jobs = self.table.jobs
        if jobs is not None and jobs.job(event.pgid) is not None:
            self.table.cursor = event.pgid

    # --- which views ---

    def on_resize(self) -> None:
        self._arrange()

    def next_view(self) -> None:
        """Both where there is room, the table, the lanes."""
        views = ["both", "table", "lanes"] if self._roomy else ["table", "lanes"]
        self._view = views[(views.index(self._shown) + 1) % len(views)]
        focused = self.has_focus_within
        self._arrange()
        if focused:
            self.focus_view()

    @property
    def _roomy(self) -> bool:
        return self.size.width >= BESIDE or self.size.height >= BELOW

    @property
    def _shown(self) -> str:
        return "table" if self._view == "both" and not self._roomy else self._view

    def _arrange(self) -> None:
        both = self._shown == "both"
        beside = self.size.width >= BESIDE
        self.table.display = self._shown != "lanes"
        self.lanes.display = self._shown != "table"
        self.set_class(both and beside, "-beside")
        self.set_class(both and not beside, "-below")

    def focus_view(self) -> None:
        """Give the keys to the first of the views, at once: a terminal that had them must not see the layout change."""
        self.screen.set_focus(self.table if self.table.display else self.lanes)

    def focus_next(self) -> bool:
        """Give the keys to the view after the one that has them; False when that was the last."""
        if self.table.has_focus and self.lanes.display:
            self.lanes.focus()
            return True
        return False

    # --- what the border says ---

    def description(self) -> tuple[str, str]:
        """Title and subtitle of the border."""
        jobs = self._jobs
        if jobs is None:
            return "Jobs", ""
        live = sum(job.state != "done" for job in jobs.jobs)
        count = {0: "none", 1: "1"}.get(live, str(live))
        return f"Jobs · {count}", "told by heliosh" if jobs.told else "read from /proc"
