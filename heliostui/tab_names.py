"""The names of the tabs of details, as long as there is room for all. Pure."""

from __future__ import annotations

TABS = {
    "terminal": ("1", "Terminal", "Term"),
    "logs": ("2", "Logs", "Logs"),
    "stats": ("3", "Graphs", "Graph"),
    "processes": ("4", "Processes", "Procs"),
    "isolation": ("5", "Isolation", "Isol"),
    "limits": ("6", "Limits", "Limit"),
    "network": ("7", "Network", "Net"),
    "changes": ("8", "Files changed", "Files"),
    "launch": ("9", "Launch", "Launch"),
    "inspect": ("i", "Inspect", "Insp"),
    "jobs": ("J", "Jobs", "Jobs"),
    "heap": ("h", "Heap", "Heap"),
}
"""By id in their order: the key that shows the tab, its name, and a short one."""


def names(width: int) -> tuple[dict[str, str], bool]:
    """What each tab is called in a line of so many cells, and whether there is room between them.

    With key and name, with the short name, without the key; what still has no room is scrolled to when it is shown.
    """
    for form, room in ((_whole, 2), (_whole, 1), (_short, 2), (_short, 1), (_bare, 2), (_bare, 1)):
        found = {tab: form(*parts) for tab, parts in TABS.items()}
        if sum(len(name) + room for name in found.values()) <= width:
            return found, room == 2
    return found, False


def _whole(key: str, name: str, short: str) -> str:
    return f"{key} {name}"


def _short(key: str, name: str, short: str) -> str:
    return f"{key} {short}"


def _bare(key: str, name: str, short: str) -> str:
    return short
