"""Words of a command line: an option with its value, sizes and times as people write them, and all of them as a shell
reads them. Standard library only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from engine.protocol.limits import MAX


class NoEquivalent(Exception):
    """No command line does that; `reason` says why, in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def option(name: str, value: str | None) -> list[str]:
    """`--name value`, `--name=value` where it might be taken for an option, nothing for None."""
    if value is None:
        return []
    return [f"{name}={value}"] if value.startswith("-") and name.startswith("--") else [name, value]


def each(name: str, values: Iterable[str]) -> list[str]:
    """The option once for each."""
    return [word for value in values for word in option(name, value)]


def flag(name: str, given: bool) -> list[str]:
    return [name] if given else []


def pairs(values: dict[str, str]) -> list[str]:
    """`key=value`; of a label without a value the key alone."""
    return [f"{key}={value}" if value else key for key, value in values.items()]


def size(number: int | None) -> str | None:
    """`64m`, `max`: the largest unit that divides it."""
    if number is None:
        return None
    if number == MAX:
        return "max"
    for unit, bytes_ in (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)):
        if number and number % bytes_ == 0:
            return f"{number // bytes_}{unit}"
    return str(number)


def count(number: float | None) -> str | None:
    """A number, or `max`."""
    if number is None:
        return None
    return "max" if number == MAX else plain(number)


def plain(number: float) -> str:
    """A number without an exponent, exactly: `0.5`, `2`."""
    if number == int(number):
        return str(int(number))
    text = repr(number)
    return f"{number:.9f}".rstrip("0") if "e" in text else text


def time(seconds: float) -> str:
    """`1.5s`, `30s`, `500ms`."""
    return f"{plain(seconds * 1000)}ms" if seconds < 1 else f"{plain(seconds)}s"


def shell(words: Iterable[str]) -> str:
    """The words for sh(1). What would steer the terminal of whoever looks at them is spelled out, for printf(1)."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    parts = re.split(r"([^ -~\n\t]+)", word)
    return "".join(_plain_or_octal(part) for part in parts if part)


def _plain_or_octal(part: str) -> str:
    if all(character.isprintable() or character in "\n\t" for character in part):
        return shlex.quote(part)
    octal = "".join(f"\\{byte:03o}" for byte in part.encode(errors="replace"))
    return f"\"$(printf '{octal}')\""
