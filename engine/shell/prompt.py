r"""Prompts: bash's escapes in PS1 and PS2 ("PROMPTING" in bash(1)), and the prompt of those who set none.

Imports what a prompt tells: the time, the user, the directory. `\[` and `\]` become the marks that readline and
prompt_toolkit know, U+0001 and U+0002.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.shell import Shell

PLAIN = "\\$ "  # where nothing but text can be shown
CONTINUATION = "> "

_ESCAPE = re.compile(r"\\(?:([0-7]{3})|D\{([^}]*)\}|(.))", re.DOTALL)
_TIMES = {"t": "%H:%M:%S", "T": "%I:%M:%S", "@": "%I:%M %p", "A": "%H:%M", "d": "%a %b %d"}
_CHARACTERS = {"a": "\a", "e": "\x1b", "n": "\n", "r": "\r", "\\": "\\", "[": "\1", "]": "\2"}


def prompt(shell: Shell, text: str) -> str:
    """What is shown for a PS1 or PS2: escapes first, then `$name` and `$(…)`, but not in what escapes stand for."""
    decoded = _ESCAPE.sub(lambda match: _decoded(shell, match), text)
    if (len(decoded) - len(decoded.rstrip("\\"))) % 2:
        decoded += "\\"  # one at the end stands for itself
    status, pipe_status = shell.state.status, shell.state.pipe_status
    try:
        with shell.jobs.unwatched():
            return shell.expander.prompt(decoded)
    finally:
        shell.state.status, shell.state.pipe_status = status, pipe_status


def default(shell: Shell) -> str:
    """The directory, what went wrong, how many jobs there are."""
    blue, red, yellow, bold, plain = ("\1\x1b[" + code + "m\2" for code in ("34", "31", "33", "1", "0"))
    parts = [f"{blue}{_directory(shell)}{plain}"]
    if shell.state.status:
        parts.append(f"{red}✗ {shell.state.status}{plain}")
    jobs = len(shell.jobs.all())
    if jobs:
        parts.append(f"{yellow}{jobs} job{'s' * (jobs > 1)}{plain}")
    return " ".join(parts) + f" {bold}{'#' if os.geteuid() == 0 else '❯'}{plain} "


def _directory(shell: Shell) -> str:
    """The working directory, with `~` for the home directory."""
    directory = shell.state.variables.get("PWD") or "?"
    home = (shell.state.variables.get("HOME") or "").rstrip("/")
    if home and (directory == home or directory.startswith(home + "/")):
        directory = "~" + directory[len(home) :]
    return _trimmed(directory, shell.state.variables.get("PROMPT_DIRTRIM") or "")


def _trimmed(directory: str, count: str) -> str:
    """The last `count` names of a directory only, when it has more."""
    names = directory.strip("/").split("/")
    if not count.isdecimal() or int(count) == 0 or len(names) - names[0].startswith("~") <= int(count):
        return directory
    short = ("~/" if names[0] == "~" else "") + ".../" + "/".join(names[-int(count) :])
    return short if len(short) < len(directory) else directory


def _decoded(shell: Shell, match: re.Match[str]) -> str:
    """One escape. What is typed as such is expanded afterwards, what the shell says is not."""
    octal, form, letter = match.groups()
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if letter in _CHARACTERS:
        return _CHARACTERS[letter]
    if form is not None or letter in _TIMES:
        return _protected(time.strftime(_TIMES[letter] if form is None else form or "%X"))
    return _protected(_known(shell, letter))


def _known(shell: Shell, letter: str) -> str:
    match letter:
        case "u":
            import pwd

            try:
                return pwd.getpwuid(os.geteuid()).pw_name
            except KeyError:
                return str(os.geteuid())
        case "h" | "H":
            name = os.uname().nodename
            return name.partition(".")[0] if letter == "h" else name
        case "w":
            return _directory(shell)
        case "W":
            directory = _directory(shell)
            return directory if directory in ("/", "//") else directory.rpartition("/")[2]
        case "$":
            return "#" if os.geteuid() == 0 else "$"
        case "?":
            return str(shell.state.status)
        case "j":
            return str(len(shell.jobs.all()))
        case "!" | "#":
            return str(len(shell.history or ()) + 1)
        case "s":
            return shell.state.name.rpartition("/")[2]
        case "l":
            return os.path.basename(os.ttyname(0)) if os.isatty(0) else "tty"
        case "v" | "V":
            return ""
    return "\\" + letter


def _protected(text: str) -> str:
    """Such that expanding it gives it back."""
    return re.sub(r"[\\$`]", r"\\\g<0>", text)
