"""The job table of a terminal: the shell, its jobs, and below each job its processes as a tree.

Takes `Jobs` of plain values; a job is selected, and the app acts on it. Imports jobs and text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.jobs import Job, Jobs, Process, condition, explained
from widgets.moves import EDGES, UP_AND_DOWN
from widgets.text import fit

LABEL, PID, STATE = 5, 10, 16  # the widths of the columns, in cells
HAS_TERMINAL = "◄ terminal"
NO_JOBS = ("No jobs.", "Try  sleep 100 | cat &  or press Ctrl-Z in a program.")


@dataclass(frozen=True)
class _Line:
    """A line of the table: the shell (no job), a job, or a process of one."""

    label: str
    pid: str
    state: str
    command: str
    style: str
    terminal: bool = False
    job: Job | None = None
    heads: bool = True
    """Whether it is a job's own line, or the shell's."""


class JobTable(ScrollView, can_focus=True):
    """The jobs of a terminal, one of them selected."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--heading",
        "table--row",
        "table--cursor",
        "table--cursor-blurred",
        "table--muted",
        "job--running",
        "job--stopped",
        "job--failed",
        "job--done",
        "job--command",
        "job--terminal",
        "job--note",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        *EDGES,
    ]

    cursor: reactive[int | None] = reactive(None, repaint=False, init=False)
    """The group of the selected job; None only while there is none."""
    placeholder: reactive[str] = reactive("")
    """Shown while no jobs are known."""

    @dataclass
    class Highlighted(Message):
        """The selection moved to another job, or there is none any more."""

        table: JobTable
        pgid: int | None

        @property
        def control(self) -> JobTable:
            return self.table

    @dataclass
    class Chosen(Message):
        """A job was double-clicked."""

        table: JobTable
        pgid: int

        @property
        def control(self) -> JobTable:
            return self.table

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.follows = True
        """Whether the selection goes to the shell's current job; else it stays with its group while that lives."""
        self._jobs: Jobs | None = None
        self._lines: list[_Line] = []

    # --- the jobs ---

    @property
    def jobs(self) -> Jobs | None:
        return self._jobs

    @property
    def selected(self) -> Job | None:
        return self._jobs.job(self.cursor) if self._jobs else None

    def show(self, jobs: Jobs | None) -> None:
        """Show these jobs. A selection whose group is gone goes to the shell's current job."""
        if jobs == self._jobs and jobs is not None:
            return
        self._jobs = jobs
        before, self._lines = self._lines, list(_lines(jobs)) if jobs else []
        self._resize()
        if self.selected is None or self.follows:
            self.cursor = _current(jobs)
        if len(before) != len(self._lines):
            self._reveal()
            self.refresh()
        else:
            for place, (old, new) in enumerate(zip(before, self._lines, strict=True)):
                if old != new:
                    self._refresh_line(place)
        self._refresh_note()

    # --- reactions ---

    def watch_cursor(self, old: int | None, new: int | None) -> None:
        for place, line in enumerate(self._lines):
            if line.job is not None and line.job.pgid in (old, new):
                self._refresh_line(place)
        self._refresh_note()
        self._reveal()
        self.post_message(self.Highlighted(self, new))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._resize()
        self._reveal()

    def _resize(self) -> None:
        size = Size(self.size.width, len(self._lines) - 1 + self.size.height - self._room)
        if size != self.virtual_size:
            self.virtual_size = size

    def _refresh_line(self, place: int) -> None:
        y = place - self.scroll_offset.y + 1 if place else 1
        if (y > 1 or not place) and y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_note(self) -> None:
        self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    @property
    def _room(self) -> int:
        """How many lines of jobs there is room for, between the shell and the note: these stay where they are."""
        return max(1, self.size.height - 3)

    def _reveal(self) -> None:
        """Scroll so that the selected job is seen, with as many of its processes as fit."""
        places = [place for place, line in enumerate(self._lines) if line.job and line.job.pgid == self.cursor]
        if not places:
            return
        top = self.scroll_offset.y
        wanted = min(max(top, places[-1] - self._room), places[0] - 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    # --- keys and mouse ---

    def action_move(self, by: int) -> None:
        groups = [job.pgid for job in self._jobs.jobs] if self._jobs else []
        if groups:
            place = groups.index(self.cursor) + by if self.cursor in groups else 0
            self.cursor = groups[min(max(place, 0), len(groups) - 1)]

    def action_edge(self, last: bool) -> None:
        if self._jobs and self._jobs.jobs:
            self.cursor = self._jobs.jobs[-1 if last else 0].pgid

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = self.scroll_offset.y + event.y - 1
        job = self._lines[place].job if place < len(self._lines) and 1 < event.y < self.size.height - 1 else None
        if job is not None:
            self.cursor = job.pgid
            if event.chain == 2:
                self.post_message(self.Chosen(self, job.pgid))

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self._style("table--row")
        if self._jobs is None:
            return self._text(self.placeholder if y == 1 else "", "table--muted")
        if y == 0:
            heading = f" {fit('JOB', LABEL)} {fit('GROUP PID', PID)} {fit('STATE', STATE)} COMMAND"
            return self._text(heading, "table--heading")
        if y == self.size.height - 1 and y > 1:
            return self._note()
        place = self.scroll_offset.y + y - 1 if y > 1 else 0
        if place < len(self._lines):
            return self._row(self._lines[place], width, base)
        after = place - len(self._lines) - 1
        if not self._jobs.jobs and 0 <= after < len(NO_JOBS):
            return self._text(" " * (LABEL + 2) + NO_JOBS[after], "table--muted")
        return Strip.blank(width, base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _text(self, text: str, style: str) -> Strip:
        return Strip([Segment(fit(text, self.size.width), self._style(style))])

    def _note(self) -> Strip:
        """What the selected job's state means."""
        job = self.selected
        return self._text(f" {explained(job)}" if job else "", "job--note")

    def _row(self, line: _Line, width: int, base: Style) -> Strip:
        cursor = Style.null()
        if line.job is not None and line.job.pgid == self.cursor:
            name = "table--cursor" if self.has_focus and line.heads else "table--cursor-blurred"
            cursor = Style(bgcolor=self._style(name).bgcolor)

        def style(name: str) -> Style:
            return base + self.get_component_rich_style(name, partial=True) + cursor

        mark = HAS_TERMINAL if line.terminal else ""
        room = width - LABEL - PID - STATE - 4
        mark = mark if room - len(mark) >= 8 else mark[:1]
        ended = line.job is not None and line.job.state == "done"
        name = "job--command" if line.heads and not ended else "table--muted"
        left = room - len(mark) - (2 if mark else 0)
        segments = [
            Segment(" " + fit(line.label, LABEL) + " ", style(line.style if line.heads else "table--muted")),
            Segment(fit(line.pid, PID) + " ", style("table--muted")),
            Segment(fit(line.state, STATE) + " ", style(line.style)),
            Segment(fit(line.command, left), style(name)),
            Segment(f" {mark} " if mark else "", style("job--terminal")),
        ]
        return Strip(segments).adjust_cell_length(width, base + cursor)


def _lines(jobs: Jobs) -> Iterator[_Line]:
    state = "at its prompt" if jobs.at_prompt else "waits for a job"
    style = "job--running" if jobs.at_prompt else "table--muted"
    yield _Line("", str(jobs.shell), state, jobs.shell_name, style, terminal=jobs.at_prompt)
    for job in jobs.jobs:
        owns = job.pgid == jobs.foreground
        teller = job.teller
        words = condition(teller) if teller else job.state
        if job.state == "running":  # a pipeline goes on when its last member has ended
            words = "running"
        yield _Line(job.label, f"{job.pgid}", words, job.command, _look(job.state, teller), owns, job)
        for process in job.processes:
            tree = "└─" if process is job.processes[-1] else "├─"
            words, look = condition(process), _look(process.state, process)
            yield _Line("", f"{tree} {process.pid}", words, process.command, look, job=job, heads=False)


def _look(state: str, process: Process | None) -> str:
    """The component class of a state."""
    if state != "done":
        return f"job--{state}"
    failed = process is not None and (process.signal is not None or process.status not in (0, None))
    return "job--failed" if failed else "job--done"


def _current(jobs: Jobs | None) -> int | None:
    """The one that has the terminal, else the job a shell would take when none is named."""
    if jobs is None or not jobs.jobs:
        return None
    ranked = sorted(jobs.jobs, key=lambda job: (job.pgid == jobs.foreground, job.mark == "+", job.state != "done"))
    return ranked[-1].pgid
