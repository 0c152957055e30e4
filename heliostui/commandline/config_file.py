"""`--config FILE`: the fields of `ContainerOptions` as TOML, or as JSON where the file's name ends in `.json`.

Sizes, rates, counts and times may be written as on the command line ("512m", "max", "30s"), and so may `restart`,
`heap` (or true), each of the `ports` ("8080:80") and of the `networks` ("backend", "backend:ip=10.88.1.7").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from engine.heap.library import parse as parse_heap
from engine.protocol import ports
from engine.protocol.limits import Limits
from engine.protocol.messages import ContainerOptions
from engine.protocol.network import NetworkOption
from engine.protocol.quantities import count_or_max, cpus_or_max, size, size_or_max
from heliostui.commandline.networks import network
from heliostui.commandline.restart import restart_policy
from heliostui.commandline.times import seconds
from heliostui.toml_lines import document as toml_document
from heliostui.toml_lines import located

_POLICIES: dict[str, Callable[[str], Any]] = {
    "restart": lambda text: msgspec.to_builtins(restart_policy(text)),
    "shm_size": size,
    "heap": lambda text: msgspec.to_builtins(parse_heap(text)),
}
_LIMITS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("memory", "memory_reservation", "memory_high", "memory_swap"), size_or_max),
    "cpus": cpus_or_max,
    "pids": count_or_max,
}
_RATES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("read_bps", "write_bps"), size_or_max),
    **dict.fromkeys(("read_iops", "write_iops"), count_or_max),
}
_TIMES = dict.fromkeys(("interval", "timeout", "start_period", "start_interval"), seconds)
_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table of names and values",
    "null": "nothing",
}


def _network(text: str) -> Any:
    found = network(text)
    if isinstance(found, NetworkOption):
        return msgspec.to_builtins(found)
    raise ValueError(f"'{text}' is no network; in place of networks, it is namespaces.network that says so")


_LISTS: dict[str, Callable[[str], Any]] = {
    "networks": _network,
    "ports": lambda text: msgspec.to_builtins(ports.parse(text)),
}


def read(path: Path) -> dict[str, Any]:
    """The fields that the file sets, with checked values. Raises ValueError naming file, line and key, and OSError."""
    try:
        text = path.read_text("utf-8-sig")
        document = _parse(path, text)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file is not UTF-8 (byte {error.start})") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected names and values, found {_TYPES[_kind(document)]}")
    if isinstance(document.get("heap"), bool):
        document["heap"] = {} if document["heap"] else None  # as --heap without words, and as without it
    for keys, table, place, parse in _words(document):
        try:
            table[place] = parse(table[place])
        except ValueError as error:
            raise ValueError(located(path, text, keys, str(error))) from None
    try:
        options = msgspec.convert(document, ContainerOptions)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(path, text, str(error))) from None
    cpus = options.limits.cpus
    if cpus is not None and not isfinite(cpus):  # TOML and Python's JSON know nan and inf
        raise ValueError(located(path, text, ["limits", "cpus"], f"{cpus} is no number of CPUs: write 0.5, or max"))
    return {name: getattr(options, name) for name in document}


def _words(document: dict[str, Any]) -> Iterator[tuple[list[str], Any, str | int, Callable[[str], Any]]]:
    """The places where text stands for something else: keys on the way, table or list, place in it, what the text is
    read by."""
    limits = _table(document, "limits")
    pages = _table(limits, "hugetlb")
    tables: list[tuple[list[str], dict[str, Any], Mapping[str, Callable[[str], Any]]]] = [
        ([], document, _POLICIES),
        (["health"], _table(document, "health"), _TIMES),
        (["limits"], limits, _LIMITS),
        (["limits", "hugetlb"], pages, dict.fromkeys(pages, size_or_max)),
    ]
    listed = [device for device in _list(limits, "devices") if isinstance(device, dict)]
    tables += [(["limits", "devices"], device, _RATES) for device in listed]
    for way, table, readers in tables:
        for key, parse in readers.items():
            if isinstance(table.get(key), str):
                yield [*way, key], table, key, parse
    for key, parse in _LISTS.items():
        entries = _list(document, key)
        for number, entry in enumerate(entries):
            if isinstance(entry, str):
                yield [key], entries, number, parse


def _list(within: dict[str, Any], key: str) -> list[Any]:
    found = within.get(key)
    return found if isinstance(found, list) else []


def _table(within: dict[str, Any], key: str) -> dict[str, Any]:
    found = within.get(key)
    return found if isinstance(found, dict) else {}


def _parse(path: Path, text: str) -> object:
    if path.suffix == ".json":
        import json

        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from None
        except RecursionError:
            raise ValueError(f"{path}: nested too deeply") from None
    return toml_document(path, text)


def _sentence(path: Path, text: str, complaint: str) -> str:
    """msgspec's complaint (``Expected `str`, got `int` - at `$.name` ``) in words, with the key and its line."""
    reason, _, place = complaint.partition(" - at `$")
    keys = re.findall(r"\.(\w+)", place)
    if unknown := re.search(r"unknown field `(.*)`", reason):
        fields = (Limits if place.startswith(".limits") else ContainerOptions).__struct_fields__
        near = get_close_matches(unknown[1], fields, 1)
        hint = f": did you mean '{near[0]}'?" if near else f"; there are {', '.join(fields)}"
        return located(path, text, [*keys, unknown[1]], "there is no such option" + hint)
    wording = re.sub(r"`([\w |]+)`", lambda types: _in_words(types[1]), reason)
    return located(path, text, keys, wording[:1].lower() + wording[1:])


def _in_words(types: str) -> str:
    """``str | null`` for a person; that a key may be left out goes without saying."""
    names = types.split(" | ")
    return " or ".join(_TYPES.get(name, name) for name in names if name != "null" or len(names) == 1)


def _kind(document: object) -> str:
    return {list: "array", bool: "bool", int: "int", float: "float", str: "str"}.get(type(document), "null")
