"""Options of builtins, read as POSIX's utility guidelines say (XBD 12.2), and what is said about wrong ones."""

from __future__ import annotations

from engine.shell.builtins import BUILTINS
from engine.shell.faults import Fault
from engine.shell.state import is_name


class Usage(Fault):
    """A builtin is called in a way that it has not: status 2, and how it is meant."""

    def __init__(self, name: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or f"use it as `{name} {BUILTINS[name].usage}`", status=2)


def parse(name: str, arguments: list[str], letters: str) -> tuple[dict[str, str], list[str]]:
    """The options, in the order in which each was last given, and the words behind them. A letter with `:` behind it
    in `letters` takes a value; the others have the value "". Raises Usage."""
    options: dict[str, str] = {}
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            at += 1
            break
        if len(word) < 2 or word[0] != "-":
            break
        at += 1
        for place, letter in enumerate(word[1:], 2):
            if letter not in letters or letter == ":":
                raise Usage(name, f"there is no option -{letter}")
            options.pop(letter, None)
            options[letter] = ""
            if letters[letters.index(letter) + 1 :][:1] == ":":
                if place == len(word) and at == len(arguments):
                    raise Usage(name, f"option -{letter} needs a value")
                options[letter] = word[place:] or arguments[at]
                at += place == len(word)
                break
    return options, arguments[at:]


def check_name(text: str, status: int = 1) -> None:
    """Raises Fault where a variable can't be called so."""
    if not is_name(text):
        raise Fault(f"`{text}': not a valid identifier", status=status)


def whole(text: str) -> int | None:
    """A decimal number with or without a sign, blanks around it allowed; None where it is none."""
    digits = text.strip(" \t\n")
    number = digits[1:] if digits[:1] in ("+", "-") else digits
    return int(digits) if number.isascii() and number.isdigit() and len(number) < 20 else None
