"""Every command of the console in one table: its id, its keys, its words, and when it is possible.

Bindings, footer, help and the command palette are all made from it, in its order. Imports its modules only.
"""

from __future__ import annotations

from heliostui.keymap.command import Command
from heliostui.keymap.console import CONSOLE, START_ENGINE
from heliostui.keymap.containers import EXPLAIN, FIRST, LIFE, LIST, NEW
from heliostui.keymap.heaps import HEAPS
from heliostui.keymap.hosts import HOSTS
from heliostui.keymap.networks import NETWORKS
from heliostui.keymap.terminals import JOBS, TERMINAL_KEYS, TERMINALS
from heliostui.keymap.view import CLEAR, LAYOUTS, PANES, REGIONS, TABS

__all__ = ["COMMANDS", "ON_JOBS", "ON_SCREEN", "ON_TERMINALS", "TERMINAL_KEYS", "Command"]

COMMANDS = (
    EXPLAIN,
    NEW,
    *LIFE,
    *NETWORKS,
    *HEAPS,
    FIRST,
    START_ENGINE,
    *LIST,
    *TERMINALS,
    *JOBS,
    CLEAR,
    *TABS,
    *PANES,
    *LAYOUTS,
    *REGIONS,
    *HOSTS,
    *CONSOLE,
)

ON_SCREEN = [command.binding for command in COMMANDS if command.place in ("anywhere", "containers")]
ON_TERMINALS = [
    *(command.binding_below(command.keys) for command in COMMANDS if command.place == "terminal"),
    *(command.binding_below(command.also) for command in COMMANDS if command.also),
]
ON_JOBS = [command.binding_below(command.keys) for command in COMMANDS if command.place == "jobs"]
