"""history: the lines that were typed in (`shell.history`, the oldest first), numbered from 1."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, parse, whole
from engine.shell.faults import Fault

if TYPE_CHECKING:
    from engine.shell.shell import Shell


def history(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("history", arguments, "cd:anrwps")
    if shell.history is None:
        shell.history = []
    lines = shell.history
    if len(options.keys() & set("anrw")) > 1:
        raise Fault("cannot use more than one of -anrw")
    if "c" in options:
        lines.clear()
    if "d" in options:
        _delete(lines, options["d"])
    elif "s" in options:
        lines.append(" ".join(words))
    elif "p" in options:
        shell.write("".join(f"{word}\n" for word in words))
    elif options.keys() & set("anrw"):
        _file(shell, lines, next(iter(options.keys() & set("anrw"))), words)
    elif "c" not in options:
        shell.write("".join(_numbered(lines, words)))
    return 0


def _numbered(lines: list[str], words: list[str]) -> list[str]:
    if len(words) > 1:
        raise Fault("too many arguments")
    count = whole(words[0]) if words else len(lines)
    if count is None:
        raise Fault(f"{words[0]}: numeric argument required")
    first = max(len(lines) - abs(count), 0)
    return [f"{number:5}  {line}\n" for number, line in enumerate(lines[first:], first + 1)]


def _delete(lines: list[str], what: str) -> None:
    """`5`, `-1` (the last), `3-7`, `3--1`."""
    begin, dash, end = what[1:].partition("-")
    first = _position(lines, what[:1] + begin, what)
    last = _position(lines, end, what) if dash else first
    if last < first:
        raise Fault(f"{what}: history position out of range")
    del lines[first : last + 1]


def _position(lines: list[str], text: str, what: str) -> int:
    number = whole(text)
    place = -1 if number is None else number - 1 if number > 0 else len(lines) + number
    if number == 0 or not 0 <= place < len(lines):
        raise Fault(f"{what}: history position out of range")
    return place


def _file(shell: Shell, lines: list[str], option: str, words: list[str]) -> None:
    """Between the list and a file of lines; the times that may stand between them (`#1700000000`) are left out."""
    path = words[0] if words else shell.state.variables.get("HISTFILE")
    if not path:
        raise Usage("history", "a file is missing, and HISTFILE names none")
    try:
        if option in "rn":
            known = frozenset(lines) if option == "n" else frozenset()
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                found = file.read().removesuffix("\n").split("\n")
            lines += [line for line in found if line not in known and not _is_time(line)]
            return
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if option == "a" else os.O_TRUNC)
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from None


def _is_time(line: str) -> bool:
    return line[:1] == "#" and line[1:].isdecimal()


COMMANDS = {"history": history}
