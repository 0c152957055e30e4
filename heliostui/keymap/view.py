"""Commands that change what is looked at. Imports command."""

from __future__ import annotations

from heliostui.keymap.command import ANY, Command


def _tab(id: str, action: str, keys: str, label: str, help: str, display: str | None = None) -> Command:
    return Command(id, action, keys, label, help, ANY, "View", display=display, place="containers")


CLEAR = Command(
    "view.back",
    "clear",
    "escape",
    "Back",
    "Back to the table; there, forget the filter",
    group="View",
    place="containers",
)
TABS = (
    _tab("tab.terminal", "tab('terminal')", "1", "Terminal", "Its screen"),
    _tab("tab.logs", "tab('logs')", "2,l", "Logs", "What it wrote, live"),
    _tab("tab.launch", "tab('launch')", "3,L", "Launch", "How it was launched, call by call"),
    _tab("tab.inspect", "tab('inspect')", "4,i", "Inspect", "All that is known of it"),
    _tab("tab.jobs", "tab('jobs')", "5,J", "Jobs", "The jobs of its terminal, and what they did"),
    _tab("tab.stats", "tab('stats')", "6,m", "Stats", "What it uses, as graphs and numbers"),
    _tab("tab.limits", "tab('limits')", "7,M", "Limits", "What it may use; to be changed while it runs"),
    _tab("tab.isolation", "tab('isolation')", "8,I", "Isolation", "What it can and can't see and do"),
    _tab("tab.network", "tab('network')", "9,w", "Network", "Addresses, ports, sockets, rules and names, live"),
    _tab("tab.heap", "tab('heap')", "h", "Heap", "The heap of one of its processes as a map, live"),
    _tab("tab.next", "next_tab(1)", "right_square_bracket", "Next tab", "The next view of it", display="]"),
    _tab("tab.previous", "next_tab(-1)", "left_square_bracket", "Previous tab", "The view before", display="["),
)
PANES = (
    Command(
        "pane.next",
        "focus_next_pane",
        "tab,shift+tab",
        "Other side",
        "From one pane to the other, and back",
        group="View",
    ),
    Command(
        "terminal.release",
        "release",
        "ctrl+right_square_bracket",
        "gives the keys back to the console",
        "Take the keys back from a program",
        group="View",
        footer=True,
        display="ctrl+]",
    ),
    Command(
        "terminal.type_prefix",
        "type_prefix",
        "ctrl+right_square_bracket",
        "Send ctrl+]",
        "Right after that: type it",
        group="View",
    ),
    Command(
        "pane.zoom",
        "zoom",
        "z,f11",
        "Zoom",
        "Give the details, or a terminal, the whole screen; or take it back",
        group="View",
    ),
)
