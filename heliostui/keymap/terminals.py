"""Commands of terminals and of their jobs, and the keys that a program on one never sees. Imports command."""

from __future__ import annotations

from heliostui.keymap.command import NEEDS_NOTHING, Command


def _terminal(
    id: str,
    action: str,
    keys: str,
    label: str,
    help: str,
    *,
    footer: bool = True,
    changes: bool = False,
    display: str | None = None,
) -> Command:
    return Command(
        id,
        action,
        keys,
        label,
        help,
        group="Terminals",
        footer=footer,
        changes=changes,
        display=display,
        place="terminal",
    )


def _job(id: str, action: str, keys: str, label: str, help: str, *, changes: bool = True) -> Command:
    return Command(id, action, keys, label, help, group="Jobs", footer=True, changes=changes, place="jobs")


TERMINALS = (
    Command(
        "terminal.new",
        "new_terminal",
        "t",
        "Terminal",
        "Open a terminal here, on the host",
        NEEDS_NOTHING,
        "Terminals",
        True,
        True,
    ),
    _terminal(
        "terminal.close",
        "close_terminal",
        "w",
        "Close",
        "Close the terminal; asks when something runs in it",
        changes=True,
    ),
    _terminal("terminal.use", "use_terminal", "escape,enter", "Back", "Give the terminal the keys", display="esc"),
    _terminal(
        "terminal.search",
        "search_terminal",
        "slash",
        "Search",
        "Find text in all it has shown",
        footer=False,
        display="/",
    ),
    _terminal("terminal.copy", "copy_terminal", "y", "Copy", "Select and copy by keyboard", footer=False),
    Command(
        "terminal.next",
        "next_terminal(1)",
        "ctrl+pagedown",
        "Next terminal",
        "The next tab",
        group="Terminals",
        also="right_square_bracket",
    ),
    Command(
        "terminal.previous",
        "next_terminal(-1)",
        "ctrl+pageup",
        "Terminal before",
        "The tab before",
        group="Terminals",
        also="left_square_bracket",
    ),
    Command(
        "terminal.leave",
        "show_terminal(0)",
        "alt+0",
        "Containers",
        "Back to the containers",
        group="Terminals",
        also="0",
    ),
    *(
        Command(
            f"terminal.{n}",
            f"show_terminal({n})",
            f"alt+{n}",
            f"Terminal {n}",
            "Go to the terminal of this number",
            group="Terminals",
            also=str(n),
        )
        for n in range(1, 10)
    ),
)
JOBS = (
    _job("job.foreground", "job('foreground')", "f,enter", "Foreground", "Give the job the terminal (the shell's fg)"),
    _job("job.background", "job('background')", "b", "Background", "Let the job run without the terminal (bg)"),
    _job("job.stop", "job('stop')", "s", "Stop", "Stop all of the job's processes (STOP)"),
    _job("job.continue", "job('continue')", "c", "Continue", "Let the job's processes go on (CONT)"),
    _job("job.signal", "signal_job", "K", "Signal…", "Send the job any signal"),
    _job("job.view", "job_view", "v", "View", "Show the table, the lanes of time, or both", changes=False),
)
TERMINAL_KEYS = (
    ("ctrl+]", "Give the keys back to the console"),
    ("ctrl+] twice", "Send one ctrl+] to the program"),
    ("ctrl+p ctrl+q", "Detach, as in Docker"),
    ("shift+pageup", "Look back; shift+pagedown comes forward, shift+home and shift+end go all the way"),
    ("drag", "Select and copy; double click a word, triple a line, alt a block, shift in spite of the program"),
    ("ctrl+click", "Open a link"),
)
"""The only keys that do not go to the program of a terminal that has them."""
