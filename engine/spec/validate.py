"""config.json → Spec, and whether what it says can be. The first fault is told, with its JSON path.

Types and ranges of numbers are msgspec's to check; `faults` knows what the specification and the kernel ask for
beyond. Imports msgspec, the errors and the structs. Sources: runtime-spec config.md and config-linux.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec import faults
from engine.spec.structs import Spec

_TYPES = {
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "float": "a number",
}
_TOO_DEEP = "config.json is nested too deeply."


def read(text: bytes) -> Spec:
    """The spec that a config.json holds, checked. Raises EngineError INVALID with one sentence."""
    try:
        spec = msgspec.json.decode(text, type=Spec)
    except msgspec.ValidationError as error:
        raise EngineError(ErrorCode.INVALID, _sentence(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EngineError(ErrorCode.INVALID, f"config.json is no JSON: {error}.") from None
    except RecursionError:
        raise EngineError(ErrorCode.INVALID, _TOO_DEEP) from None
    check(spec)
    return spec


def check(spec: Spec) -> None:
    """Refuse what can't be. Raises EngineError INVALID, `$.linux.namespaces[2].type: "mont" is no namespace: …`."""
    for fault in (*_texts("$", msgspec.to_builtins(spec)), *faults.of(spec)):
        raise EngineError(ErrorCode.INVALID, f"{fault.path}: {fault.why}.")


def _texts(path: str, value: Any) -> Iterator[faults.Fault]:
    """What goes to the kernel as text ends at the first NUL."""
    if isinstance(value, str):
        if "\0" in value:
            yield faults.Fault(path, "the text holds a NUL byte")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _texts(f"{path}[{number}]", entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if "\0" in key:
                yield faults.Fault(path, f"the name {key!r} holds a NUL byte")
            yield from _texts(f"{path}.{key}", entry)


def _sentence(complaint: str) -> str:
    """msgspec's complaint (``Expected `str`, got `int` - at `$.hostname` ``) with the path first, in words."""
    reason, _, place = complaint.partition(" - at `")
    path = place.rstrip("`") or "$"
    if missing := re.search(r"missing required field `(.*)`", reason):
        return f"{path}: {missing[1]!r} is missing."
    words = re.sub(r"`([^`]*)`", lambda match: _in_words(match[1]), reason)
    return f"{path}: {words[:1].lower()}{words[1:]}."


def _in_words(type: str) -> str:
    names = [_TYPES.get(name, name) for name in type.split(" | ") if name != "null" or type == "null"]
    return " or ".join(names)
