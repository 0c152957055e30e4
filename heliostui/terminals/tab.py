"""The tab of one terminal that was opened: the terminal, and its jobs beside or below it.

Owns how the two share their region. The jobs are at the right of a wide one and below in others; in a small one, and
when the terminal is zoomed, they are there only while they have the keys. The terminal's program keeps the size it has
with the keys: giving them back and forth redraws nothing. Imports pane, jobs, session and the frame.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Size

from engine.protocol.messages import JoinTerminal, StreamJobs, TerminalSummary
from heliostui.keymap import ON_TERMINALS
from heliostui.link import Link
from heliostui.presence.read_only import is_read_only
from heliostui.state import program, shortened
from heliostui.terminals.jobs import JobPane
from heliostui.terminals.pane import TerminalPane
from heliostui.terminals.session import Session
from heliostui.workspace.frame import Frame, Plan
from heliostui.workspace.tree import Cells, Part, Sizes, column, row

WIDE = 130  # columns from which on the jobs are at the right
HIGH = 24  # lines from which on they are below
JOB_COLUMNS, JOB_LINES = 64, 12
_TERMINAL, _JOBS = Part("terminal", 3, Cells(40, 4)), Part("jobs", 9, Cells(30, 4))
_BESIDE, _BELOW = row(_TERMINAL, _JOBS), column(_TERMINAL, _JOBS)
HUNG_UP = 129  # the exit code of a program whose terminal was closed
LAST_WORDS = 1.0  # seconds that what ended may take to tell how
SHELLS = ("heliosh", "sh", "bash", "dash", "ash", "zsh", "fish", "ksh")
"""Programs of which nothing is lost that is worth a question."""


class TerminalTab(Frame):
    """One terminal that lives in the engine; several consoles may show it."""

    BINDINGS: ClassVar[list[BindingType]] = list(ON_TERMINALS)

    def __init__(self, link: Link, summary: TerminalSummary) -> None:
        super().__init__(id=f"terminal-{summary.id}")
        self._link = link
        self.summary = summary
        self.container_name = ""
        self.full = False
        """Whether the terminal has the screen for itself while it has the keys."""
        self._weights: dict[str, dict[str, float]] = {}
        self._peeking = False
        self._ended = asyncio.Event()
        self.pane = TerminalPane(detach_keys=False)
        self.pane.looked = False
        self.jobs = JobPane(link)
        self.parts = {"terminal": self.pane, "jobs": self.jobs}
        self.display = False

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.jobs

    def on_mount(self) -> None:
        self.describe()

    # --- the terminal ---

    def join(self) -> None:
        """Take part in the terminal, again when the engine was away."""
        if not self.pane.live:
            self._ended.clear()
            request = JoinTerminal(terminal=self.summary.id)
            self.pane.begin(Session(self._link, request, self.pane.post_message))
        if self.pane.looked:
            self._follow()

    @on(TerminalPane.Ended)
    def _say_how(self, event: TerminalPane.Ended) -> None:
        """Say how its program ended, unless it ended well."""
        ended = event.event
        if not ended.lost and ended.exit_code not in (None, 0, HUNG_UP):
            self.notify(f"{self.program} ended with {ended.exit_code}.", severity="warning", markup=False)
        self._ended.set()

    async def told(self) -> None:
        """Wait for the end of its program, of which the engine's list may tell sooner than its own line does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._ended.wait()

    def _follow(self) -> None:
        self.jobs.follow(StreamJobs(terminal=self.summary.id), program(self.summary))

    @property
    def name_shown(self) -> str:
        """What its program calls it, else the program's name."""
        session = self.pane.session
        return (session.terminal.title if session else "") or self.summary.title or self.program

    @property
    def program(self) -> str:
        """Which program it is; heliosh makes itself known by telling its jobs."""
        told = self.jobs.jobs is not None and self.jobs.jobs.told
        return "heliosh" if told else program(self.summary)

    @property
    def running(self) -> str:
        """What runs in it besides a shell, as far as is known: the last job's command."""
        jobs = self.jobs.jobs
        live = [job.command for job in jobs.jobs if job.state != "done"] if jobs else []
        if not live and self.pane.live and self.program not in SHELLS:
            return self.program
        return live[-1] if live else ""

    # --- looking at it ---

    def look(self) -> None:
        """It is on the screen now."""
        self.pane.looked = True
        self._follow()

    def look_away(self) -> None:
        """It is not any more."""
        self.pane.looked = False
        self.jobs.stop()

    def use(self) -> None:
        """Give the terminal the keys."""
        self._peeking = False
        self.settle()
        if self.pane.live:
            self.pane.take_keys()
        else:
            self.release()

    def release(self) -> None:
        """Give the keys to the jobs."""
        self._peeking = True
        self.settle()
        self.jobs.focus_view()

    # --- the room ---

    @property
    def small(self) -> bool:
        """Whether there is hardly room for the jobs as well."""
        return is_small(self.size)

    def plan(self, size: Size) -> Plan:
        alone = (self.full or is_small(size)) and not self._peeking
        beside = size.width >= WIDE
        weights = self._weights.get("beside" if beside else "below", {})
        shown = frozenset({"terminal"} if alone else {"terminal", "jobs"})
        return Plan(
            _BESIDE if beside else _BELOW, shown, ("jobs",) if self._peeking else (), Sizes(weights, _most(size))
        )

    def resized(self, weights: dict[str, float]) -> None:
        self._weights["beside" if self.size.width >= WIDE else "below"] = weights
        self.settle()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._peeking = self.jobs in event.widget.ancestors
        self.settle()
        self.describe()

    def on_descendant_blur(self) -> None:
        self.describe()

    # --- what the borders say ---

    @on(TerminalPane.Described)
    @on(JobPane.Described)
    def describe(self) -> None:
        """Say in the borders what is seen, and who has the keys."""
        if not self.is_mounted:
            return
        directory = self.summary.directory
        where = directory or ""
        if not self.container_name:
            where = shortened(where)
        inside = f"in {self.container_name}" if self.container_name else ""
        facts = [self.name_shown, inside, where if self.name_shown not in (where, directory) else ""]
        looks = is_read_only(self.app)
        subtitle = "" if looks else "esc gives it the keys"
        session = self.pane.session
        if session is not None and session.ended:
            subtitle = "its connection is lost" if session.exit_code is None else f"ended with {session.exit_code}"
        elif self.pane.has_keys:
            facts.append("has the keys")
            subtitle = "ctrl+] gives them back"
        elif self.pane.view.has_focus:
            subtitle = "/ searches · v copies" if looks else "/ searches · v copies · esc gives it the keys"
        self.head("terminal", " · ".join(filter(None, facts)), subtitle)
        self.head("jobs", *self.jobs.description())
        name = "jobs" if self.jobs.has_focus_within else "terminal" if self.pane.has_focus_within else None
        self.look_at(name, self.pane.has_keys)


def is_small(size: Size | Cells) -> bool:
    """Whether a region of this size has hardly room for a terminal and its jobs."""
    return size.width < WIDE and size.height < HIGH


def _most(region: Size | Cells) -> dict[str, Cells]:
    """What the jobs have use for."""
    return {"jobs": Cells(JOB_COLUMNS, min(JOB_LINES, max(8, region.height - 14)))}


def terminal_size(region: Cells) -> tuple[int, int]:
    """The size that a terminal has with the keys in a region of this size, in cells."""
    beside = region.width >= WIDE
    shown = frozenset({"terminal"} if is_small(region) else {"terminal", "jobs"})
    place = (
        Plan(_BESIDE if beside else _BELOW, shown, sizes=Sizes(most=_most(region))).fitted(region).places["terminal"]
    )
    return place.width, place.height - 1
