"""`--env` and `--env-file`, as Docker reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path


def variables(words: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """`NAME=value` for each word; a bare `NAME` takes its value from `environment`, and is left out where it has
    none there. Raises ValueError."""
    given = []
    for word in words:
        name, equals, _ = word.partition("=")
        if "\0" in word:
            raise ValueError(f"the variable '{name}' has a NUL byte in it")
        if not name:
            raise ValueError(f"'{word}' is no variable: write NAME=value, or NAME to pass your own on")
        if equals:
            given.append(word)
        elif name in environment:
            given.append(f"{name}={environment[name]}")
    return given


def from_file(path: Path, environment: Mapping[str, str]) -> list[str]:
    """The variables of an env file: one `NAME=value` or `NAME` a line, the value taken as it stands; empty lines and
    lines that begin with `#` are skipped. Raises ValueError naming file and line, and OSError."""
    given: list[str] = []
    for number, raw in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            line = raw.decode().removesuffix("\r").lstrip()
            if line and not line.startswith("#"):
                given += variables([_checked(line)], environment)
        except ValueError as error:
            reason = "the line is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
            raise ValueError(f"{path}, line {number}: {reason}") from None
    return given


def _checked(line: str) -> str:
    name = line.partition("=")[0]
    if any(c.isspace() for c in name):
        raise ValueError(f"the name '{name}' has a space in it")
    return line
