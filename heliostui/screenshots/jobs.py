"""Pictures of a terminal and its jobs. Imports the application."""

from __future__ import annotations

from heliostui.screenshots.photographer import Photographer
from widgets.jobs import Jobs, condition


async def tell(by: Photographer) -> None:
    """Pictures of a terminal of the host with jobs in every state, of its lanes and of the menu of signals."""
    await start_jobs(by)
    await _job(by, "vim notes.md", "running")
    await by.until(lambda: _edits(by, "notes.md"))
    await by.picture("vim")
    await by.press("ctrl+z")
    await by.until(lambda: _told(by, "stopped by TSTP"))
    await by.line("kill -9 %3")
    await by.until(lambda: _told(by, "killed by KILL"))
    await by.picture("jobs")
    await by.press("ctrl+right_square_bracket")
    await by.until(lambda: not by.main.terminal_has_keys)
    await by.picture("jobs-keys")
    while _table_is_seen(by):
        await by.press("v")
    await by.picture("lanes")
    await by.press("K")
    await by.until(lambda: by.app.screen is not by.main)
    await by.picture("signals")
    await by.press("escape", "w")
    await by.until(lambda: by.app.screen is not by.main)
    others = len(by.main.state.terminals) - 1
    await by.press("y")
    await by.until(lambda: len(by.main.state.terminals) == others)


async def start_jobs(by: Photographer) -> None:
    """Open a terminal of the host, and have its shell start jobs."""
    await by.until(lambda: by.main.state.info is not None)
    await by.press("t")
    await by.until(lambda: by.main.terminal_has_keys and _jobs(by).told and _jobs(by).shell)
    await by.until(lambda: _prompted(by))
    for line, state in (
        ("sleep 100 | cat &", "running"),
        ("cat &", "stopped by TTIN"),
        ("yes >/dev/null &", "running"),
    ):
        await _job(by, line, state)


def _jobs(by: Photographer) -> Jobs:
    tab = by.main.shown_tab
    jobs = tab.jobs.jobs if tab else None
    return jobs or Jobs(0, 0, 0)


def _prompted(by: Photographer) -> bool:
    tab = by.main.shown_tab
    terminal = tab.pane.view.terminal if tab else None
    return terminal is not None and terminal.text().rstrip().endswith(("#", "$"))


def _table_is_seen(by: Photographer) -> bool:
    tab = by.main.shown_tab
    return tab is not None and tab.jobs.table.display


def _told(by: Photographer, words: str) -> bool:
    tab = by.main.shown_tab
    shown = tab.jobs.table.jobs if tab else None
    return any(condition(job.teller) == words for job in (shown.jobs if shown else ()))


def _edits(by: Photographer, name: str) -> bool:
    """Whether the terminal shows a full-screen editor that is ready."""
    tab = by.main.shown_tab
    terminal = tab.pane.view.terminal if tab else None
    return terminal is not None and terminal.alternate and f'"{name}"' in terminal.text()


async def _job(by: Photographer, line: str, state: str) -> None:
    """Have the shell run a line, and wait until there is one more job, in this state."""
    count = len(_jobs(by).jobs)
    await by.line(line)
    await by.until(lambda: len(_jobs(by).jobs) > count and condition(_jobs(by).jobs[-1].teller) == state)
