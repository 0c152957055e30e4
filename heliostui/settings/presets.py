"""Keys for fingers that are used to other programs: each preset names commands by their ids. Imports nothing of ours.

What a program has that we have not is left out; what only we have keeps its keys unless a preset needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_PREFIX = "ctrl+right_square_bracket"


@dataclass(frozen=True)
class Preset:
    """Other keys for commands, and the key that takes the keys back from a program."""

    keys: Mapping[str, tuple[str, ...]]
    prefix: str = _PREFIX


PRESETS: Mapping[str, Preset] = {
    "k9s": Preset(
        {
            "container.shell": ("s",),
            "container.start": ("ctrl+s",),
            "container.remove": ("ctrl+d", "delete"),
            "tab.inspect": ("d", "y", "i"),
            "tab.terminal": ("1",),
            "console.leave": ("q", "ctrl+c"),
            "console.menu": ("colon", "ctrl+p", "ctrl+a"),
            "network.publish": ("shift+f", "F"),
        }
    ),
    "lazydocker": Preset(
        {
            "container.stop": ("s", "S"),
            "container.start": ("u",),
            "container.shell": ("E",),
            "container.exec": ("c",),
            "tab.logs": ("m", "2", "l"),
            "tab.stats": ("3",),
            "list.menu": ("x", "full_stop"),
            "explain": ("X",),
            "network.capture": ("ctrl+o",),
            "tab.processes": ("t",),
            "terminal.new": ("T",),
            "pane.hide": ("ctrl+x",),
            "console.leave": ("q", "ctrl+c"),
        }
    ),
    "tmux": Preset(
        {
            "terminal.new": ("t", "ctrl+t"),
            "terminal.close": ("x", "ampersand"),
            "terminal.copy": ("left_square_bracket",),
            "terminal.next.in-terminal": ("n",),
            "terminal.previous.in-terminal": ("p",),
            "pane.zoom": ("z",),
            "console.leave": ("d", "q"),
            "container.remove": ("delete",),
        },
        prefix="ctrl+b",
    ),
}
