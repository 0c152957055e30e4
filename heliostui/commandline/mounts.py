"""`--volume`, `--mount` and `--tmpfs`, as Docker spells them, and the `MountOption`s they make.

Only how they are written is checked here; what the words mean and which of them go together, the engine knows.
"""

from __future__ import annotations

import argparse
import csv
import os
import re

from engine.protocol.messages import MountOption
from heliostui.commandline.parser import checked

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")
# What --mount calls in its own way, and the option that it means.
_FLAGS = {
    "readonly": "ro",
    "ro": "ro",
    "volume-nocopy": "nocopy",
    "bind-nonrecursive": "bind",
    "bind-create-src": "create",
}
_RECURSION = {"enabled": [], "disabled": ["bind"], "writable": ["rbind"], "readonly": ["rbind", "rro"]}
_RENAMED = {"tmpfs-size": "size", "tmpfs-mode": "mode"}
_LABELS = {"shared": "z", "private": "Z"}
_ELSEWHERE = ("volume-opt", "volume-label", "volume-subpath")


def add_mount_options(parser: argparse._ActionsContainer) -> None:
    """`-v`, `--mount` and `--tmpfs`, each as often as wanted."""
    parser.add_argument(
        "-v",
        "--volume",
        action="append",
        type=volume,
        dest="volumes",
        metavar="[SOURCE:]PATH[:OPTIONS]",
        help="show a directory or file of the host, or a named volume, at PATH; without SOURCE a new volume",
    )
    parser.add_argument(
        "--mount",
        action="append",
        type=mount,
        dest="mounts",
        metavar="type=…,src=…,dst=…[,…]",
        help="the same, spelled out: type bind, volume or tmpfs, and options of mount(8)",
    )
    parser.add_argument(
        "--tmpfs", action="append", type=tmpfs, metavar="PATH[:OPTIONS]", help="a file system in memory, empty at start"
    )


def given_mounts(arguments: argparse.Namespace) -> list[MountOption]:
    """All that the words ask for: volumes first, then mounts, then memory."""
    return [*(arguments.volumes or ()), *(arguments.mounts or ()), *(arguments.tmpfs or ())]


@checked
def volume(text: str) -> MountOption:
    """`[SOURCE:]PATH[:OPTIONS]`. A source with a slash, or one that begins with a dot, is a path of the host, which is
    made where it is missing, as Docker does."""
    parts = text.split(":")
    if len(parts) > 3 or "" in parts:
        raise ValueError(f"'{text}' is no volume: write [SOURCE:]PATH[:OPTIONS]")
    source, destination = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    if not destination.startswith("/"):
        raise ValueError(f"'{text}': the place inside, '{destination}', needs to be an absolute path")
    options = _words(parts[2]) if len(parts) == 3 else []
    if "/" in source or source.startswith("."):
        return MountOption(
            type="bind", source=os.path.abspath(source), destination=destination, options=[*options, "create"]
        )
    _check_name(source)
    return MountOption(type="volume", source=source, destination=destination, options=options)


@checked
def tmpfs(text: str) -> MountOption:
    """`PATH[:OPTIONS]`."""
    destination, _, options = text.partition(":")
    if not destination.startswith("/"):
        raise ValueError(f"'{text}': the place inside needs to be an absolute path, as in /run:size=64m")
    return MountOption(type="tmpfs", destination=destination, options=_words(options))


@checked
def mount(text: str) -> MountOption:
    """`key=value` and words with commas between them; quotes as in CSV, so that a path may hold a comma."""
    fields = {"type": "volume", "source": "", "destination": ""}
    options: list[str] = []
    try:
        entries = next(csv.reader([text]), [])
    except csv.Error as error:
        raise ValueError(f"'{text}' is no list of options: {error}") from None
    for entry in entries:
        key, has_value, value = entry.partition("=")
        key = {"src": "source", "dst": "destination", "target": "destination"}.get(key, key)
        if key in fields:
            fields[key] = value
        else:
            options += _option(key, value if has_value else None)
    kind, source, destination = fields.values()
    if not destination.startswith("/"):
        raise ValueError(f"'{text}': it needs dst=, an absolute path inside")
    match kind:
        case "bind" if source:
            return MountOption(type="bind", source=os.path.abspath(source), destination=destination, options=options)
        case "volume":
            _check_name(source)
            return MountOption(type="volume", source=source, destination=destination, options=options)
        case "tmpfs" if not source:
            return MountOption(type="tmpfs", destination=destination, options=options)
        case "bind":
            raise ValueError(f"'{text}': a bind mount needs src=, a path of the host")
        case "tmpfs":
            raise ValueError(f"'{text}': a tmpfs has no source")
    raise ValueError(f"'{text}': there is no type '{kind}', only bind, volume and tmpfs")


def _option(key: str, value: str | None) -> list[str]:
    """The options that one entry of --mount means."""
    if key in _FLAGS:
        return [_FLAGS[key]] if _truth(key, value) else []
    if key in _ELSEWHERE:
        raise ValueError(f"'{key}' is not to be had here: make the volume first, with 'heliostui volume create'")
    if key == "consistency" or (key == "volume-driver" and value == "local"):
        return []  # on Linux every mount is consistent
    if key == "volume-driver":
        raise ValueError(f"there is no volume driver '{value}', only local")
    if key == "bind-propagation":
        return [value or ""]
    if key in ("bind-recursive", "relabel"):
        table: dict[str, list[str]] = _RECURSION if key == "bind-recursive" else {k: [v] for k, v in _LABELS.items()}
        if value not in table:
            raise ValueError(f"'{key}' is {', '.join(table)}, and not '{value or ''}'")
        return table[value]
    key = _RENAMED.get(key, key)
    return [key if value is None else f"{key}={value}"]


def _truth(key: str, value: str | None) -> bool:
    if value is None or value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise ValueError(f"'{key}' is true or false, and not '{value}'")


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _check_name(name: str) -> None:
    if name and not _NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is no name of a volume: letters, digits, '_', '.' and '-', the first one a letter or digit. "
            "A path of the host begins with / or ./"
        )
