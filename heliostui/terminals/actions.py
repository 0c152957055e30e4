"""What the console does to terminals and to the jobs in them: opens, shows, closes; foreground, stop, signals.

Imports the same as actions; the main screen inherits from it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from textual import work

from engine.client.errors import ClientError
from engine.protocol.messages import ActOnJob, CloseTerminal, ListTerminals, OpenTerminal, TerminalRef, Terminals
from heliostui.actions import Actions
from heliostui.keymap import Command
from heliostui.messages import TerminalsListed
from heliostui.presence.read_only import refused
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.signals import SignalMenu
from heliostui.terminals.jobs import JobPane
from heliostui.terminals.tab import TerminalTab
from widgets.jobs import Job
from widgets.key_turns import hold_keys, let_keys_go

# Of the terminal that the console runs in; the one that is opened is another.
_NOT_PASSED_ON = ("COLUMNS", "LINES", "TMUX", "TMUX_PANE", "STY", "WINDOW", "WINDOWID", "TERM_PROGRAM", "TERMINFO")


def environment(only: Collection[str] = ()) -> list[str]:
    """The console's own environment, or these of it, for a terminal that is xterm's like."""
    passed = {
        name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON and (not only or name in only)
    }
    passed |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return [f"{name}={value}" for name, value in passed.items()]


class TerminalActions(Actions):
    """The commands of the key map that act on terminals and jobs."""

    @property
    def shown_tab(self) -> TerminalTab | None:
        """The terminal's tab that is shown."""
        raise NotImplementedError

    def show_terminal(self, terminal: str | None) -> None:
        """Show a terminal's tab, or the containers."""
        raise NotImplementedError

    @property
    def terminal_size(self) -> tuple[int, int]:
        """The size that a terminal will have, in cells."""
        raise NotImplementedError

    @property
    def job_pane(self) -> JobPane | None:
        """Where jobs are shown now."""
        tab = self.shown_tab
        if tab is not None:
            return tab.jobs
        return self.details.jobs if self.details.tab == "jobs" else None

    @property
    def selected_job(self) -> Job | None:
        pane = self.job_pane
        return pane.selected if pane is not None else None

    def possible_job(self, command: Command) -> bool:
        """Whether a command for jobs makes sense for the one that is selected."""
        if command.action == "job_view":
            return self.job_pane is not None
        job = self.selected_job
        if job is None or job.state == "done":
            return False
        match command.action:
            case "job('foreground')":
                pane = self.job_pane  # no other shell than heliosh can be asked for it
                return not job.foreground and pane is not None and pane.jobs is not None and pane.jobs.told
            case "job('background')":
                return job.state == "stopped" or job.foreground
            case "job('stop')":
                return job.state == "running"
            case "job('continue')":
                return job.state == "stopped"
        return True

    # --- terminals ---

    def open_terminal(self, request: OpenTerminal) -> None:
        """Open a terminal and show it as soon as it is listed; it gets what is typed meanwhile."""
        hold_keys(self.app)
        self.run_worker(self._open_terminal(request), group="actions")

    async def _open_terminal(self, request: OpenTerminal) -> None:
        try:
            opened = (await self.link.request(request, TerminalRef)).terminal
            self.state.awaited_terminal = opened
            listed = await self.link.request(ListTerminals(), Terminals)
        except ClientError as error:
            let_keys_go(self.app)
            self.notify(str(error), severity="error", markup=False)
            return
        if opened not in (terminal.id for terminal in listed.terminals):
            let_keys_go(self.app)
            self.notify("The terminal's program ended as soon as it was started.", severity="error", markup=False)
        self.post_message(TerminalsListed(listed.terminals))

    def action_new_terminal(self) -> None:
        columns, lines = self.terminal_size
        try:
            here = str(Path.cwd())
        except FileNotFoundError:  # it was removed while we are in it
            here = str(Path.home())
        request = OpenTerminal(workdir=here, env=environment(), columns=columns, lines=lines)
        if self.link.here.places.host is not None:  # where our directory and our PATH mean nothing
            request = OpenTerminal(env=environment(("LANG", "LC_ALL", "LC_CTYPE")), columns=columns, lines=lines)
        self.open_terminal(request)

    def _open_inside(self, command: list[str]) -> OpenTerminal:
        columns, lines = self.terminal_size
        return OpenTerminal(
            container=self._selected.id, command=command, env=["TERM=xterm-256color"], columns=columns, lines=lines
        )

    def action_exec_shell(self) -> None:
        self.open_terminal(self._open_inside([]))

    @work(group="actions")
    async def action_exec_command(self) -> None:
        container = self._selected
        line = await self.app.push_screen_wait(Prompt(f"Run in {container.name}", "Command", placeholder="ps aux"))
        if line is None:
            return
        try:
            command = shlex.split(line)
        except ValueError as error:
            self.notify(f"The command can't be split into words: {str(error).lower()}.", severity="error", markup=False)
            return
        self.open_terminal(self._open_inside(command))

    @work(group="actions")
    async def action_close_terminal(self) -> None:
        """Close the terminal that is shown; ask when a program would be hung up."""
        tab = self.shown_tab
        if tab is None:
            return
        if tab.running:
            consequence = f"{tab.running} is hung up (HUP), and killed if it has not ended after two seconds."
            if not await self.app.push_screen_wait(Confirm(f"Close {tab.name_shown}?", consequence, "Close")):
                return
        await self.ask(CloseTerminal(terminal=tab.summary.id))

    def action_use_terminal(self) -> None:
        if self.shown_tab is not None and not refused(self):
            self.shown_tab.use()

    def action_search_terminal(self) -> None:
        if self.shown_tab is not None:
            self.shown_tab.pane.view.action_search()

    def action_copy_terminal(self) -> None:
        if self.shown_tab is not None:
            view = self.shown_tab.pane.view
            view.look()
            self.call_after_refresh(view.action_copy_mode)

    def action_show_terminal(self, number: int) -> None:
        """Show the tab of this number; 0 are the containers."""
        terminals = list(self.state.terminals)
        if number == 0:
            self.show_terminal(None)
        elif number <= len(terminals):
            self.show_terminal(terminals[number - 1])

    def action_next_terminal(self, by: int) -> None:
        """Show the tab after the one that is used, or before it; the containers are the first."""
        tabs = [None, *self.state.terminals]
        self.show_terminal(tabs[(tabs.index(self.state.shown_terminal) + by) % len(tabs)])

    # --- jobs ---

    def action_job(self, action: Literal["foreground", "background", "stop", "continue"]) -> None:
        pane, job = self.job_pane, self.selected_job
        if pane is not None and pane.whose is not None and job is not None:
            whose = pane.whose
            request = ActOnJob(terminal=whose.terminal, container=whose.container, pgid=job.pgid, action=action)
            self.run_worker(self._act_on_job(request), group="actions")

    async def _act_on_job(self, request: ActOnJob) -> None:
        """Do it; a program that gets the terminal gets the keys as well."""
        if not await self.ask(request) or request.action != "foreground":
            return
        tab = self.shown_tab
        if tab is not None and tab.summary.id == request.terminal:
            tab.use()
        elif self.details.container_id == request.container:
            self.details.open()

    @work(group="actions")
    async def action_signal_job(self) -> None:
        pane, job = self.job_pane, self.selected_job
        if pane is None or pane.whose is None or job is None:
            return
        whose = pane.whose
        name = await self.app.push_screen_wait(SignalMenu(job.command, len(job.processes)))
        if name is not None:
            await self.ask(
                ActOnJob(
                    terminal=whose.terminal, container=whose.container, pgid=job.pgid, action="signal", signal=name
                )
            )

    def action_job_view(self) -> None:
        if self.job_pane is not None:
            self.job_pane.next_view()
