"""Every command of the console in one table: its keys, its words, and when it is possible.

Screen bindings, footer, help and the command palette are all made from it. Imports the protocol's states only.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding

from engine.protocol.messages import Status

ANY = frozenset(Status)
LIVE = frozenset({Status.RUNNING, Status.PAUSED})
ENDED = frozenset({Status.CREATED, Status.STOPPED, Status.EXITED})

NEEDS_NOTHING: frozenset[Status] = frozenset()


@dataclass(frozen=True)
class Command:
    """One thing that can be done. `keys` in Textual's spelling, comma separated, the first is shown; `states` those of
    the selected container in which it is possible, empty when it needs none; `changes`: not for a viewer."""

    action: str
    keys: str
    label: str
    help: str
    states: frozenset[Status] = NEEDS_NOTHING
    group: str = "Console"
    footer: bool = False
    changes: bool = False
    display: str | None = None

    @property
    def needs_engine(self) -> bool:
        return self.changes or self.group == "Selected container"

    @property
    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.footer,
            tooltip=self.help,
            id=self.action,
            key_display=self.display,
        )


def _container(
    action: str,
    keys: str,
    label: str,
    help: str,
    states: frozenset[Status],
    *,
    footer: bool = True,
    changes: bool = True,
) -> Command:
    return Command(action, keys, label, help, states, "Selected container", footer, changes)


COMMANDS = (
    Command("new", "n,insert", "New", "Make a container and start it", group="Containers", footer=True, changes=True),
    _container("open", "enter,a", "Attach", "Use its terminal; starts it when it is not running", ANY, changes=False),
    _container("exec_shell", "e", "Shell", "Start a shell inside, beside its own program", frozenset({Status.RUNNING})),
    _container("exec_command", "E", "Exec…", "Run another program inside", frozenset({Status.RUNNING}), footer=False),
    _container("start", "s", "Start", "Start it again; its files are as it left them", ENDED),
    _container(
        "stop", "S,x", "Stop", "Ask its program to end (TERM), force it after 10 seconds", LIVE | {Status.RESTARTING}
    ),
    _container("kill", "ctrl+k", "Kill", "End its program at once (KILL)", LIVE, footer=False),
    _container("pause", "p", "Pause", "Freeze all of its processes", frozenset({Status.RUNNING})),
    _container("unpause", "p", "Resume", "Let its processes go on", frozenset({Status.PAUSED})),
    _container("restart", "r", "Restart", "Stop it and start it again", LIVE, footer=False),
    _container("rename", "R", "Rename", "Give it another name", ANY, footer=False),
    _container("remove", "d,delete", "Remove", "Remove it with its files and its log", ANY),
    Command("first", "enter", "New", "Make the first container", group="Containers", changes=True),
    Command("start_engine", "enter", "Start the engine", "Start an engine that was ended", footer=True),
    Command(
        "filter",
        "slash",
        "Filter",
        "Show only containers with these words",
        group="Containers",
        footer=True,
        display="/",
    ),
    Command("sort", "o", "Sort", "Sort by the next column (or click a heading)", group="Containers"),
    Command("reverse", "O", "Reverse", "Turn the order round", group="Containers"),
    Command("clear", "escape", "Back", "Back to the table; there, forget the filter", group="View"),
    Command("tab('terminal')", "1", "Terminal", "Its screen", ANY, "View"),
    Command("tab('logs')", "2,l", "Logs", "What it wrote, live", ANY, "View"),
    Command("tab('launch')", "3,L", "Launch", "How it was launched, call by call", ANY, "View"),
    Command("tab('inspect')", "4,i", "Inspect", "All that is known of it", ANY, "View"),
    Command("tab('exec')", "5", "Shell", "The shell started inside it", ANY, "View"),
    Command("next_tab(1)", "right_square_bracket", "Next tab", "The next tab", ANY, "View", display="]"),
    Command("next_tab(-1)", "left_square_bracket", "Previous tab", "The tab before", ANY, "View", display="["),
    Command("focus_next_pane", "tab,shift+tab", "Other side", "From the table to the details, and back", group="View"),
    Command(
        "release",
        "ctrl+right_square_bracket",
        "gives the keys back to the console",
        "Take the keys back from a program",
        group="View",
        footer=True,
        display="ctrl+]",
    ),
    Command("type_prefix", "ctrl+right_square_bracket", "Send ctrl+]", "Right after that: type it", group="View"),
    Command("zoom", "z,f11", "Zoom", "Give the details the whole screen, or take it back", ANY, "View"),
    Command("toggle_theme", "", "Dark or light", "Change between the dark and the light theme", group="Console"),
    Command("help", "question_mark,f1", "Help", "All keys", group="Console", footer=True, display="?"),
    Command(
        "palette", "ctrl+p,colon", "Menu", "Find a command by its name", group="Console", footer=True, display="^p"
    ),
    Command("quit", "q", "Leave", "Leave the console; containers go on", group="Console", footer=True),
)

TERMINAL_KEYS = (
    ("ctrl+]", "Give the keys back to the console"),
    ("ctrl+] twice", "Send one ctrl+] to the program"),
    ("ctrl+p ctrl+q", "Detach, as in Docker"),
    ("shift+pageup", "Look back; shift+pagedown comes forward"),
)
"""The only keys that do not go to the program of a terminal that has them."""


def command(action: str) -> Command | None:
    """The command of an action as bindings spell it."""
    return next((command for command in COMMANDS if command.action == action), None)
