"""Commands that change what is looked at. Imports command and the names of layouts."""

from __future__ import annotations

from heliostui.keymap.command import ANY, Command
from heliostui.workspace.layouts import LAYOUTS as NAMED
from heliostui.workspace.layouts import TITLES


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
    _tab("tab.stats", "tab('stats')", "3,m", "Graphs", "What it uses, as graphs and numbers"),
    _tab("tab.processes", "tab('processes')", "4,u", "Processes", "Its processes as a tree, live"),
    _tab("tab.isolation", "tab('isolation')", "5,I", "Isolation", "What it can and can't see and do"),
    _tab("tab.limits", "tab('limits')", "6,M", "Limits", "What it may use; to be changed while it runs"),
    _tab("tab.network", "tab('network')", "7,w", "Network", "Addresses, ports, sockets, rules and names, live"),
    _tab("tab.changes", "tab('changes')", "8,U", "Files changed", "What differs from its image"),
    _tab("tab.launch", "tab('launch')", "9,L", "Launch", "How it was launched, call by call"),
    _tab("tab.inspect", "tab('inspect')", "i", "Inspect", "All that is known of it"),
    _tab("tab.jobs", "tab('jobs')", "J", "Jobs", "The jobs of its terminal, and what they did"),
    _tab("tab.heap", "tab('heap')", "h", "Heap", "The heap of one of its processes as a map, live"),
    _tab("tab.next", "next_tab(1)", "right_square_bracket", "Next tab", "The next view of it", display="]"),
    _tab("tab.previous", "next_tab(-1)", "left_square_bracket", "Previous tab", "The view before", display="["),
)


def _pane(
    id: str, action: str, keys: str, label: str, help: str, *, footer: bool = False, display: str = ""
) -> Command:
    return Command(id, action, keys, label, help, group="View", footer=footer, display=display or None)


PANES = (
    _pane("pane.next", "focus_next_pane(1)", "tab", "Next", "To the next of all that is on the screen"),
    _pane("pane.previous", "focus_next_pane(-1)", "shift+tab", "Before", "To the one before"),
    _pane("pane.jump", "jump", "semicolon,alt+j", "Jump", "Letters on all; the next key goes there", display=";"),
    _pane(
        "terminal.release",
        "release",
        "ctrl+right_square_bracket",
        "gives the keys back to the console",
        "Take the keys back from a program",
        footer=True,
        display="ctrl+]",
    ),
    _pane(
        "terminal.type-prefix", "type_prefix", "ctrl+right_square_bracket", "Send ctrl+]", "Right after that: type it"
    ),
    _pane(
        "pane.zoom", "zoom", "z,f11", "Zoom", "Give it the whole screen, or take that back", footer=True, display="z"
    ),
    _pane("pane.hide", "hide", "X", "Hide", "Give its room to the others; its tab above, or ; brings it back"),
    _pane("pane.narrower", "grow('row', -1)", "ctrl+left", "Narrower", "Make it narrower"),
    _pane("pane.wider", "grow('row', 1)", "ctrl+right", "Wider", "Make it wider"),
    _pane("pane.taller", "grow('column', 1)", "ctrl+up", "Taller", "Make it taller"),
    _pane("pane.lower", "grow('column', -1)", "ctrl+down", "Lower", "Make it lower"),
)
LAYOUTS = (
    *(
        Command(
            f"layout.{layout.name}",
            f"layout('{layout.name}')",
            key,
            f"Layout: {layout.label}",
            layout.help,
            group="Layout",
        )
        for key, layout in zip(("f5", "f6", "f7", "f8", "f9"), NAMED.values(), strict=True)
    ),
    Command(
        "layout.forget",
        "forget_layout",
        "",
        "Layout as it was at first",
        "Forget what was hidden, zoomed and resized in this layout",
        group="Layout",
    ),
)
REGIONS = tuple(
    Command(
        f"region.{name}",
        f"region('{name}')",
        "",
        f"{title}: go there",
        f"Show {title}, and go there",
        group="Layout",
    )
    for name, title in TITLES.items()
)
