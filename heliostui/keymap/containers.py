"""Commands of the list of containers and of the selected one. Imports command."""

from __future__ import annotations

from engine.protocol.messages import Status
from heliostui.keymap.command import ANY, ENDED, LIVE, RUNNING, Command


def _container(
    id: str,
    action: str,
    keys: str,
    label: str,
    help: str,
    states: frozenset[Status],
    *,
    footer: bool = True,
    changes: bool = True,
) -> Command:
    return Command(id, action, keys, label, help, states, "Selected container", footer, changes, place="containers")


def _list(id: str, action: str, keys: str, label: str, help: str, *, display: str | None = None) -> Command:
    return Command(
        id, action, keys, label, help, group="Containers", footer=bool(display), display=display, place="containers"
    )


EXPLAIN = Command(
    "explain",
    "explain",
    "x",
    "Explain",
    "Where the number under the cursor comes from, or what the line means",
    LIVE,
    "View",
    footer=True,
    place="containers",
)
NEW = Command(
    "container.new",
    "new",
    "n,insert",
    "New",
    "Make a container and start it",
    group="Containers",
    footer=True,
    changes=True,
    place="containers",
)
LIFE = (
    _container(
        "container.attach",
        "open",
        "enter,a",
        "Attach",
        "Use its terminal; starts it when it is not running",
        ANY,
        changes=False,
    ),
    _container(
        "container.shell", "exec_shell", "e,T", "Shell", "Open a terminal inside, beside its own program", RUNNING
    ),
    _container(
        "container.exec",
        "exec_command",
        "E",
        "Exec…",
        "Open a terminal inside with another program",
        RUNNING,
        footer=False,
    ),
    _container("container.start", "start", "s", "Start", "Start it again; its files are as it left them", ENDED),
    _container(
        "container.stop",
        "stop",
        "S",
        "Stop",
        "Ask its program to end (TERM), force it after 10 seconds",
        LIVE | {Status.RESTARTING},
    ),
    _container("container.kill", "kill", "ctrl+k", "Kill", "End its program at once (KILL)", LIVE, footer=False),
    _container("container.signal", "signal", "K", "Signal…", "Send its program any signal", LIVE, footer=False),
    _container("container.pause", "pause", "p", "Pause", "Freeze all of its processes", RUNNING),
    _container("container.resume", "unpause", "p", "Resume", "Let its processes go on", frozenset({Status.PAUSED})),
    _container("container.restart", "restart", "r", "Restart", "Stop it and start it again", LIVE, footer=False),
    _container("container.rename", "rename", "R", "Rename", "Give it another name", ANY, footer=False),
    _container("container.remove", "remove", "d,delete", "Remove", "Remove it with its files and its log", ANY),
    _container(
        "container.wait",
        "wait",
        "W",
        "Tell when it ends",
        "Say so when it has ended, and with which status",
        LIVE | {Status.RESTARTING},
        footer=False,
        changes=False,
    ),
    _container(
        "container.copy-name",
        "copy('name')",
        "y",
        "Copy name",
        "Put its name on the clipboard",
        ANY,
        footer=False,
        changes=False,
    ),
    _container(
        "container.copy-id",
        "copy('id')",
        "Y",
        "Copy id",
        "Put its id on the clipboard",
        ANY,
        footer=False,
        changes=False,
    ),
)
BULK = frozenset(
    f"container.{verb}" for verb in "start stop kill signal pause resume restart remove wait copy-name copy-id".split()
)
"""Commands that mean all marked containers, where some are marked."""
FIRST = Command(
    "container.first",
    "first",
    "enter",
    "New",
    "Make the first container",
    group="Containers",
    changes=True,
    place="containers",
)
LIST = (
    _list("list.filter", "filter", "slash", "Filter", "Show only containers that match", display="/"),
    Command(
        "list.menu",
        "row_menu",
        "full_stop",
        "Do…",
        "What can be done to it now, as a menu (or click right)",
        ANY,
        group="Containers",
        footer=True,
        display=".",
        place="containers",
    ),
    _list("list.sort", "sort", "o", "Sort", "Sort by the next column (or click a heading)"),
    _list("list.reverse", "reverse", "O", "Reverse", "Turn the order round"),
)
