"""Every command of the console in one table: its keys, its words, and when it is possible.

Bindings, footer, help and the command palette are all made from it. Imports the protocol's states only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.binding import Binding

from engine.protocol.messages import Status

ANY = frozenset(Status)
LIVE = frozenset({Status.RUNNING, Status.PAUSED})
RUNNING = frozenset({Status.RUNNING})
ENDED = frozenset({Status.CREATED, Status.STOPPED, Status.EXITED})

NEEDS_NOTHING: frozenset[Status] = frozenset()

Place: TypeAlias = Literal["anywhere", "containers", "terminal", "jobs"]
"""Where a command is possible: everywhere, with the containers, on a terminal's tab, where jobs are shown."""


@dataclass(frozen=True)
class Command:
    """One thing that can be done. `keys` in Textual's spelling, comma separated, the first is shown; `states` those of
    the selected container in which it is possible, empty when it needs none; `changes`: not for a viewer; `also`: keys
    that mean it as well on a terminal's tab."""

    action: str
    keys: str
    label: str
    help: str
    states: frozenset[Status] = NEEDS_NOTHING
    group: str = "Console"
    footer: bool = False
    changes: bool = False
    display: str | None = None
    place: Place = "anywhere"
    also: str = ""

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

    def binding_below(self, keys: str) -> Binding:
        """The same for a widget of the screen, where a key means it before the screen is asked."""
        return Binding(
            keys,
            f"screen.{self.action}",
            self.label,
            show=self.footer and keys == self.keys,
            tooltip=self.help,
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
    return Command(action, keys, label, help, states, "Selected container", footer, changes, place="containers")


def _containers(
    action: str, keys: str, label: str, help: str, group: str, *, footer: bool = False, display: str | None = None
) -> Command:
    return Command(action, keys, label, help, group=group, footer=footer, display=display, place="containers")


def _network(action: str, keys: str, label: str, help: str, states: frozenset[Status]) -> Command:
    return Command(action, keys, label, help, states, "Networks", changes=True, place="containers")


def _tab(action: str, keys: str, label: str, help: str, display: str | None = None) -> Command:
    return Command(action, keys, label, help, ANY, "View", display=display, place="containers")


def _terminal(
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


def _job(action: str, keys: str, label: str, help: str, *, changes: bool = True) -> Command:
    return Command(action, keys, label, help, group="Jobs", footer=True, changes=changes, place="jobs")


COMMANDS = (
    Command(
        "explain",
        "x",
        "Explain",
        "Where the number under the cursor comes from, or what the line means",
        LIVE,
        "View",
        footer=True,
        place="containers",
    ),
    Command(
        "new",
        "n,insert",
        "New",
        "Make a container and start it",
        group="Containers",
        footer=True,
        changes=True,
        place="containers",
    ),
    _container("open", "enter,a", "Attach", "Use its terminal; starts it when it is not running", ANY, changes=False),
    _container("exec_shell", "e,T", "Shell", "Open a terminal inside, beside its own program", RUNNING),
    _container(
        "exec_command",
        "E",
        "Exec…",
        "Open a terminal inside with another program",
        RUNNING,
        footer=False,
    ),
    _container("start", "s", "Start", "Start it again; its files are as it left them", ENDED),
    _container(
        "stop", "S", "Stop", "Ask its program to end (TERM), force it after 10 seconds", LIVE | {Status.RESTARTING}
    ),
    _container("kill", "ctrl+k", "Kill", "End its program at once (KILL)", LIVE, footer=False),
    _container("pause", "p", "Pause", "Freeze all of its processes", RUNNING),
    _container("unpause", "p", "Resume", "Let its processes go on", frozenset({Status.PAUSED})),
    _container("restart", "r", "Restart", "Stop it and start it again", LIVE, footer=False),
    _container("rename", "R", "Rename", "Give it another name", ANY, footer=False),
    _container("remove", "d,delete", "Remove", "Remove it with its files and its log", ANY),
    _network("publish", "P", "Publish…", "Publish one more of its ports", ANY),
    _network("connect", "C", "Connect…", "Put it into one more network", ANY),
    _network("take_back", "", "Take back", "Take back the port, or leave the network, under the cursor", ANY),
    _network("capture", "c", "Capture…", "Capture its traffic to a pcap file; the same key ends it", RUNNING),
    Command(
        "map",
        "N,0",
        "Map",
        "The networks of the machine as a map, with live traffic",
        group="Networks",
        footer=True,
        place="containers",
    ),
    Command(
        "heap",
        "H",
        "Heap",
        "The heap of one of its processes, with all figures, on the whole screen",
        LIVE,
        "Heaps",
        place="containers",
    ),
    Command(
        "playground",
        "A",
        "Playground",
        "Heaps to play with: allocate and free by hand, forward and back",
        group="Heaps",
        changes=True,
    ),
    Command("first", "enter", "New", "Make the first container", group="Containers", changes=True, place="containers"),
    _containers("start_engine", "enter", "Start the engine", "Start an engine that was ended", "Console", footer=True),
    _containers(
        "filter", "slash", "Filter", "Show only containers with these words", "Containers", footer=True, display="/"
    ),
    _containers("sort", "o", "Sort", "Sort by the next column (or click a heading)", "Containers"),
    _containers("reverse", "O", "Reverse", "Turn the order round", "Containers"),
    Command(
        "new_terminal", "t", "Terminal", "Open a terminal here, on the host", NEEDS_NOTHING, "Terminals", True, True
    ),
    _terminal("close_terminal", "w", "Close", "Close the terminal; asks when something runs in it", changes=True),
    _terminal("use_terminal", "escape,enter", "Back", "Give the terminal the keys", display="esc"),
    _terminal("search_terminal", "slash", "Search", "Find text in all it has shown", footer=False, display="/"),
    _terminal("copy_terminal", "y", "Copy", "Select and copy by keyboard", footer=False),
    Command(
        "next_terminal(1)",
        "ctrl+pagedown",
        "Next terminal",
        "The next tab",
        group="Terminals",
        also="right_square_bracket",
    ),
    Command(
        "next_terminal(-1)",
        "ctrl+pageup",
        "Terminal before",
        "The tab before",
        group="Terminals",
        also="left_square_bracket",
    ),
    Command("show_terminal(0)", "alt+0", "Containers", "Back to the containers", group="Terminals", also="0"),
    *(
        Command(
            f"show_terminal({n})",
            f"alt+{n}",
            f"Terminal {n}",
            "Go to the terminal of this number",
            group="Terminals",
            also=str(n),
        )
        for n in range(1, 10)
    ),
    _job("job('foreground')", "f,enter", "Foreground", "Give the job the terminal (the shell's fg)"),
    _job("job('background')", "b", "Background", "Let the job run without the terminal (bg)"),
    _job("job('stop')", "s", "Stop", "Stop all of the job's processes (STOP)"),
    _job("job('continue')", "c", "Continue", "Let the job's processes go on (CONT)"),
    _job("signal_job", "K", "Signal…", "Send the job any signal"),
    _job("job_view", "v", "View", "Show the table, the lanes of time, or both", changes=False),
    _containers("clear", "escape", "Back", "Back to the table; there, forget the filter", "View"),
    _tab("tab('terminal')", "1", "Terminal", "Its screen"),
    _tab("tab('logs')", "2,l", "Logs", "What it wrote, live"),
    _tab("tab('launch')", "3,L", "Launch", "How it was launched, call by call"),
    _tab("tab('inspect')", "4,i", "Inspect", "All that is known of it"),
    _tab("tab('jobs')", "5,J", "Jobs", "The jobs of its terminal, and what they did"),
    _tab("tab('stats')", "6,m", "Stats", "What it uses, as graphs and numbers"),
    _tab("tab('limits')", "7,M", "Limits", "What it may use; to be changed while it runs"),
    _tab("tab('isolation')", "8,I", "Isolation", "What it can and can't see and do"),
    _tab("tab('network')", "9,w", "Network", "Addresses, ports, sockets, rules and names, live"),
    _tab("tab('heap')", "h", "Heap", "The heap of one of its processes as a map, live"),
    _tab("next_tab(1)", "right_square_bracket", "Next tab", "The next view of it", display="]"),
    _tab("next_tab(-1)", "left_square_bracket", "Previous tab", "The view before", display="["),
    Command("focus_next_pane", "tab,shift+tab", "Other side", "From one pane to the other, and back", group="View"),
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
    Command(
        "zoom", "z,f11", "Zoom", "Give the details, or a terminal, the whole screen; or take it back", group="View"
    ),
    Command("toggle_theme", "", "Dark or light", "Change between the dark and the light theme", group="Console"),
    Command("help", "question_mark,f1", "Help", "All keys", group="Console", footer=True, display="?"),
    Command(
        "palette", "ctrl+p,colon", "Menu", "Find a command by its name", group="Console", footer=True, display="^p"
    ),
    Command("quit", "q", "Leave", "Leave the console; containers and terminals go on", group="Console", footer=True),
)

ON_SCREEN = [command.binding for command in COMMANDS if command.keys and command.place in ("anywhere", "containers")]
ON_TERMINALS = [
    *(command.binding_below(command.keys) for command in COMMANDS if command.place == "terminal"),
    *(command.binding_below(command.also) for command in COMMANDS if command.also),
]
ON_JOBS = [command.binding_below(command.keys) for command in COMMANDS if command.place == "jobs"]

TERMINAL_KEYS = (
    ("ctrl+]", "Give the keys back to the console"),
    ("ctrl+] twice", "Send one ctrl+] to the program"),
    ("ctrl+p ctrl+q", "Detach, as in Docker"),
    ("shift+pageup", "Look back; shift+pagedown comes forward, shift+home and shift+end go all the way"),
    ("drag", "Select and copy; double click a word, triple a line, alt a block, shift in spite of the program"),
    ("ctrl+click", "Open a link"),
)
"""The only keys that do not go to the program of a terminal that has them."""


def command(action: str) -> Command | None:
    """The command of an action as bindings spell it."""
    return next((command for command in COMMANDS if command.action == action), None)
