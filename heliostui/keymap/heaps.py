"""Commands of heaps and playgrounds. Imports command."""

from __future__ import annotations

from heliostui.keymap.command import LIVE, Command

HEAPS = (
    Command(
        "heap.screen",
        "heap",
        "H",
        "Heap",
        "The heap of one of its processes, with all figures, on the whole screen",
        LIVE,
        "Heaps",
        place="containers",
    ),
    Command(
        "heap.playground",
        "playground",
        "A",
        "Playground",
        "Heaps to play with: allocate and free by hand, forward and back",
        group="Heaps",
        changes=True,
    ),
)
