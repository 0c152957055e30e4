"""The named layouts: what the console shows at once, where, and what it leaves out until it is asked for. Imports tree.

A layout has a tree for wide screens and one for others. Where not everything has room, what was used last stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from heliostui.workspace.tree import Cells, Node, Part, column, row

REGIONS = ("containers", "details", "terminals", "graphs", "heap")
TITLES = {
    "containers": "Containers",
    "details": "Details",
    "terminals": "Terminals",
    "graphs": "Graphs",
    "heap": "Heap",
}
LEAST_SIZE = Cells(110, 30)
"""The screen below which one region is shown at a time."""
WIDE = 170  # columns from which on the wide tree is used


def _part(name: str, weight: float = 1.0, width: int = 34, height: int = 6) -> Part:
    return Part(name, weight, Cells(width, height))


def _containers(weight: float = 1.0, width: int = 34) -> Part:
    return _part("containers", weight, width, 6)


def _details(weight: float = 1.0) -> Part:
    return _part("details", weight, 56, 12)


def _graphs(weight: float = 1.0) -> Part:
    return _part("graphs", weight, 36, 6)


def _terminals(weight: float = 1.0, height: int = 14) -> Part:
    return _part("terminals", weight, 56, height)


def _heap(weight: float = 1.0) -> Part:
    return _part("heap", weight, 48, 10)


@dataclass(frozen=True)
class NamedLayout:
    """`hidden`: what is not shown until it is asked for; `most`: so many regions at once; `calm`: without lines and
    hints, with room around everything; `terminals`: shown even while there are none."""

    name: str
    label: str
    help: str
    wide: Node
    other: Node
    hidden: frozenset[str] = frozenset()
    most: int = len(REGIONS)
    calm: bool = False
    terminals: bool = False

    def tree(self, wide: bool) -> Node:
        return self.wide if wide else self.other


_SHELL = row(
    column(_containers(2), _graphs(3), _details(3), weight=2),
    column(_terminals(4), _heap(2), weight=5),
)
_HEAP = row(
    column(_containers(2), _graphs(2), _details(3), weight=2),
    column(_heap(3), _terminals(2), weight=5),
)
_MONITOR = column(
    row(_graphs(3), _heap(2), weight=3),
    row(_containers(3), _details(3), weight=2),
    _terminals(2),
)
_LECTURE = row(_containers(2, 38), column(_graphs(3), _details(3), _terminals(3), _heap(3), weight=3))

LAYOUTS = {
    layout.name: layout
    for layout in (
        NamedLayout(
            "console",
            "Console",
            "Containers, what one of them does, graphs, and terminals below",
            wide=column(
                row(column(_containers(2), _graphs(3), weight=2), column(_details(3), _heap(2), weight=3), weight=3),
                _terminals(2),
            ),
            other=column(
                row(_containers(3), _graphs(2), weight=2),
                row(_details(3), _heap(2), weight=3),
                _terminals(4, 24),
            ),
            hidden=frozenset({"heap"}),
        ),
        NamedLayout(
            "monitor",
            "Monitor",
            "Large graphs above the list of containers",
            wide=_MONITOR,
            other=_MONITOR,
            hidden=frozenset({"details", "heap", "terminals"}),
        ),
        NamedLayout(
            "shell",
            "Shell",
            "A large terminal with its jobs, beside a narrow list of containers",
            wide=_SHELL,
            other=_SHELL,
            hidden=frozenset({"details", "heap"}),
            terminals=True,
        ),
        NamedLayout(
            "heap",
            "Heap",
            "A large map of the heap of the selected container, and a terminal",
            wide=_HEAP,
            other=_HEAP,
            hidden=frozenset({"details"}),
        ),
        NamedLayout(
            "lecture",
            "Lecture",
            "Large and calm: two things at once, for a projector",
            wide=_LECTURE,
            other=_LECTURE,
            hidden=frozenset({"details", "heap", "terminals"}),
            most=2,
            calm=True,
        ),
    )
}
FIRST = "console"

_PAGES: dict[str, Node] = {
    "containers": column(_part("containers", 2, 20, 5), _part("details", 3, 20, 6)),
    "graphs": _part("graphs"),
    "heap": _part("heap"),
    "terminals": _part("terminals"),
}


def page(name: str) -> Node:
    """The tree of a small screen that shows this region."""
    return _PAGES["containers" if name == "details" else name]
