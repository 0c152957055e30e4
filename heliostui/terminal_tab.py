"""The tab of one terminal that was opened: the terminal, and its jobs beside or below it.

Owns how the two share the screen. The jobs are at the right of a wide screen and below on others; on a small one, and
when the terminal is zoomed, they are there only while they have the keys. The terminal's program keeps the size it has
with the keys: giving them back and forth redraws nothing. Imports terminal_pane, job_pane and session.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.geometry import Size

from engine.protocol.messages import JoinTerminal, StreamJobs, TerminalSummary
from heliostui.job_pane import JobPane
from heliostui.keymap import ON_TERMINALS
from heliostui.link import Link
from heliostui.session import Session
from heliostui.state import program, shortened
from heliostui.terminal_pane import TerminalPane

WIDE = 180  # columns from which on the jobs are at the right
HIGH = 30  # lines from which on they are below
JOB_COLUMNS, JOB_LINES = 64, 12
SHELLS = ("heliosh", "sh", "bash", "dash", "ash", "zsh", "fish", "ksh")
"""Programs of which nothing is lost that is worth a question."""


class TerminalTab(Container):
    """One terminal that lives in the engine; several consoles may show it."""

    BINDINGS: ClassVar[list[BindingType]] = list(ON_TERMINALS)

    def __init__(self, link: Link, summary: TerminalSummary) -> None:
        super().__init__(id=f"terminal-{summary.id}")
        self._link = link
        self.summary = summary
        self.container_name = ""
        self._zoomed: bool | None = None
        self._peeking = False
        self.pane = TerminalPane(detach_keys=False)
        self.pane.looked = False
        self.jobs = JobPane(link)
        self.display = False

    def compose(self) -> ComposeResult:
        yield self.pane
        yield self.jobs

    def on_mount(self) -> None:
        self._arrange()
        self.describe()

    # --- the terminal ---

    def join(self) -> None:
        """Take part in the terminal, again when the engine was away."""
        if not self.pane.live:
            request = JoinTerminal(terminal=self.summary.id)
            self.pane.begin(Session(self._link, request, self.pane.post_message))
        if self.display:
            self._follow()

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
        """It is shown now."""
        self.display = True
        self.pane.looked = True
        self._follow()
        self.use()

    def look_away(self) -> None:
        """Another tab is shown now."""
        self.display = False
        self.pane.looked = False
        self.jobs.stop()

    def use(self) -> None:
        """Give the terminal the keys."""
        self._peeking = False
        self._arrange()
        if self.pane.live:
            self.pane.take_keys()
        else:
            self.release()

    def release(self) -> None:
        """Give the keys to the jobs."""
        self._peeking = True
        self._arrange()
        self.jobs.focus_view()

    def focus_next(self) -> None:
        """Look at the next of table, lanes and terminal; the terminal is read so, and gets no keys."""
        if self.pane.view.has_focus:
            self.release()
        elif not self.jobs.focus_next():
            self.pane.view.look()

    # --- the room ---

    @property
    def zoomed(self) -> bool:
        """Whether the terminal has the tab for itself while it has the keys."""
        return self._zoomed if self._zoomed is not None else self.small

    @property
    def full(self) -> bool:
        """Whether that was asked for, and not a matter of room."""
        return self._zoomed is True

    @property
    def small(self) -> bool:
        return self.app.size.width < WIDE and self.app.size.height < HIGH

    def zoom(self) -> None:
        self._zoomed = not self.zoomed
        self.use()

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-beside")
        self.jobs.display = not self.zoomed or self._peeking

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._peeking = self.jobs in event.widget.ancestors
        self._arrange()
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
        subtitle = "esc gives it the keys"
        session = self.pane.session
        if session is not None and session.ended:
            subtitle = "its connection is lost" if session.exit_code is None else f"ended with {session.exit_code}"
        elif self.pane.has_keys:
            facts.append("has the keys")
            subtitle = "ctrl+] gives them back"
        elif self.pane.view.has_focus:
            subtitle = "/ searches · v copies · esc gives it the keys"
        self._title(self.pane, " · ".join(filter(None, facts)), subtitle)
        self._title(self.jobs, *self.jobs.description())

    def _title(self, pane: Container | TerminalPane, title: str, subtitle: str) -> None:
        """A border that is only one line above says it all there, with blanks around."""
        if not self.has_class("-beside"):
            title, subtitle = f" {' · '.join(filter(None, (title, subtitle)))} ", ""
        pane.border_title, pane.border_subtitle = title, subtitle


def terminal_size(screen: Size) -> tuple[int, int]:
    """About the size that a terminal has with the keys on a screen of this size, in cells."""
    if screen.width >= WIDE:
        return screen.width - JOB_COLUMNS - 2, screen.height - 4
    return screen.width, screen.height - (2 if screen.height < HIGH else 3 + JOB_LINES)
