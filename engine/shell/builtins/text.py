"""echo and printf."""

from __future__ import annotations

from engine.shell.builtins.escapes import ECHO, unescape
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.shell import Shell


def echo(shell: Shell, arguments: list[str]) -> int:
    """Options are words of n, e and E only; all else is text, `--` too."""
    newline, escapes, at = "\n", False, 0
    for word in arguments:
        if len(word) < 2 or word[0] != "-" or word[1:].strip("neE"):
            break
        at += 1
        for letter in word[1:]:
            if letter == "n":
                newline = ""
            else:
                escapes = letter == "e"
    text = " ".join(arguments[at:])
    if escapes:
        text, ended = unescape(text, ECHO)
        newline = "" if ended else newline
    shell.write(text + newline)
    return 0


def printf(shell: Shell, arguments: list[str]) -> int:
    from engine.shell.builtins.printf import printf  # re and more: echo does without

    return printf(shell, arguments)


COMMANDS = {"echo": echo, "printf": printf}
