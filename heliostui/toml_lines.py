"""TOML files that people write: read, and a fault named by file, line and key. Imports the standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def document(path: Path, text: str) -> dict[str, Any]:
    """The document. Raises ValueError, a sentence that names file and line."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = re.match(r"line \d+", place)
        raise ValueError(f"{path}, {line[0] if line else 'at its end'}: not TOML: {reason}") from None
    except RecursionError:
        raise ValueError(f"{path}: nested too deeply") from None


def located(path: Path, text: str, keys: Sequence[str], reason: str) -> str:
    """The sentence with the line where the last of the keys stands, each looked for after the one before."""
    place, line = 0, ""
    for key in keys:
        start = re.compile(rf"""(?m)(?:^|[{{,.])\s*\[*["']?(?={re.escape(key)}["']?\s*[]=:.])""").search(text, place)
        if start:
            place = start.end()
            line = f", line {text.count(chr(10), 0, place) + 1}"
    name = f"{'.'.join(keys)}: " if keys else ""
    return f"{path}{line}: {name}{reason}"
