"""`--config FILE`: the fields of `ContainerOptions` as TOML, or as JSON where the file's name ends in `.json`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from engine.protocol.messages import ContainerOptions
from heliostui.commandline.restart import restart_policy

_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table of names and values",
    "null": "nothing",
}


def read(path: Path) -> dict[str, Any]:
    """The fields that the file sets, with checked values. `restart` may be written as on the command line. Raises
    ValueError naming file, line and key, and OSError."""
    try:
        text = path.read_text("utf-8-sig")
        document = _parse(path, text)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: the file is not UTF-8 (byte {error.start})") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected names and values, found {_WORDS[_kind(document)]}")
    try:
        if isinstance(document.get("restart"), str):
            document["restart"] = msgspec.to_builtins(restart_policy(document["restart"]))
        options = msgspec.convert(document, ContainerOptions)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(path, text, str(error))) from None
    except ValueError as error:
        raise ValueError(_located(path, text, "restart", str(error))) from None
    return {name: getattr(options, name) for name in document}


def _parse(path: Path, text: str) -> object:
    if path.suffix == ".json":
        import json

        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {error.lineno}: not JSON: {error.msg}") from None
        except RecursionError:
            raise ValueError(f"{path}: nested too deeply") from None
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = re.match(r"line \d+", place)
        raise ValueError(f"{path}, {line[0] if line else 'at its end'}: not TOML: {reason}") from None
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None


def _sentence(path: Path, text: str, complaint: str) -> str:
    """msgspec's complaint (``Expected `str`, got `int` - at `$.name` ``) in words, with the key and its line."""
    reason, _, place = complaint.partition(" - at `$")
    if unknown := re.search(r"unknown field `(.*)`", reason):
        fields = ContainerOptions.__struct_fields__
        near = get_close_matches(unknown[1], fields, 1)
        hint = f": did you mean '{near[0]}'?" if near else f"; there are {', '.join(fields)}"
        return _located(path, text, unknown[1], "there is no such option" + hint)
    key = re.match(r"\.?(\w*)", place)
    wording = re.sub(r"`([\w |]+)`", lambda types: _in_words(types[1]), reason)
    return _located(path, text, key[1] if key else "", wording[:1].lower() + wording[1:])


def _in_words(types: str) -> str:
    """``str | null`` for a person; that a key may be left out goes without saying."""
    names = types.split(" | ")
    return " or ".join(_WORDS.get(name, name) for name in names if name != "null" or len(names) == 1)


def _located(path: Path, text: str, key: str, reason: str) -> str:
    found = re.search(rf"""(?m)(?:^|[{{,])\s*\[?["']?(?={re.escape(key)}["']?\s*[]=:.])""", text) if key else None
    line = f", line {text.count(chr(10), 0, found.end()) + 1}" if found else ""
    return f"{path}{line}: {f'{key}: ' if key else ''}{reason}"


def _kind(document: object) -> str:
    return {list: "array", bool: "bool", int: "int", float: "float", str: "str"}.get(type(document), "null")
