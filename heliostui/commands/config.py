"""`heliostui config path|check|keys|themes|example`: the file of settings, and the names that may stand in it."""

from __future__ import annotations

import argparse
from pathlib import Path

from heliostui.commandline.failures import Failure, complain
from heliostui.commandline.table import table

ACTIONS = {
    "path": "where the file of settings is",
    "check": "read it, and tell each fault by line and key",
    "keys": "the ids of all commands, with their keys",
    "themes": "the names of all themes",
    "example": "a file with every setting, to begin with",
}

EXAMPLE = """\
# Settings of heliostui's console. What is left out is as it is without this file.

# theme = "helios-dark"     # `heliostui config themes` lists them; left out: the one that was used last
# layout = "console"        # console, monitor, shell, heap or lecture; left out: the one that was used last
# preset = "k9s"            # keys for fingers used to k9s, lazydocker or tmux
# prefix = "ctrl+]"         # takes the keys back from a program
# image = "host"            # of containers, where nobody says
# slow_line = true          # draw less over a slow line; left out: found out

# [rates]                   # seconds between two changes
# numbers = 1.0             # of the list's numbers and sparklines
# graphs = 1.0              # of graphs

# [keys]                    # `heliostui config keys` lists the ids; several keys make a list, "" is none
# "container.stop" = "s"
# "pane.zoom" = ["z", "F11"]

# [themes.mine]             # a theme of your own; what it does not say is derived
# dark = true
# primary = "#7fb0e6"
# surface = "#171b21"
"""


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(ACTIONS), prog=parser.prog)
    for name, words in ACTIONS.items():
        one = actions.add_parser(name, help=words)
        if name == "check":
            one.add_argument("file", nargs="?", type=Path, help="another file than one's own")


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "path":
            from heliostui.settings.file import path

            print(path())
        case "check":
            _check(arguments.file)
        case "keys":
            _keys()
        case "themes":
            from heliostui.themes import NAMES

            print("\n".join(NAMES))
        case _:
            print(EXAMPLE, end="")
    return 0


def _check(file: Path | None) -> None:
    from heliostui.settings import file as settings
    from heliostui.settings.start import known

    place = file or settings.path()
    if not place.exists():
        if file is not None:
            raise Failure(f"{place}: there is no such file")
        print(f"{place}: there is no such file, so everything has its default")
        return
    try:
        settings.read(place, known())
    except ValueError as error:
        *others, last = str(error).splitlines()
        for fault in others:
            complain(fault)
        raise Failure(last) from None
    print(f"{place}: nothing is wrong with it")


def _keys() -> None:
    from heliostui.keymap.command import NO_KEY
    from heliostui.settings.ids import bindings
    from heliostui.settings.keys import spelled

    rows = []
    for id, binding in bindings().items():
        keys = [spelled(key) for key in binding.key.split(",") if key != NO_KEY]
        rows.append((id, " ".join(keys), binding.tooltip or binding.description))
    print(table(("ID", "KEYS", "WHAT IT DOES"), rows))
