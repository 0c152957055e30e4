"""set and shopt: the options of the shell (`state.options`) and its positional parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, parse
from engine.shell.builtins.quotes import value
from engine.shell.faults import Fault
from engine.shell.state import OPTIONS

if TYPE_CHECKING:
    from engine.shell.shell import Shell

SHOPT = ("dotglob", "globstar", "nullglob")
SET = sorted(OPTIONS.keys() - set(SHOPT))
ALWAYS = {"B": "braceexpand", "h": "hashall"}  # on in bash, too; here they can't be switched off
_LETTERS = {letter: name for name, letter in OPTIONS.items() if letter} | ALWAYS


def set_(shell: Shell, arguments: list[str]) -> int:
    if not arguments:
        variables = shell.state.variables
        shell.write("".join(f"{name}={value(variables.get(name) or '')}\n" for name in variables.names()))
        return 0
    changes, listing, words = _read(arguments)
    for name, on in changes:
        shell.set_option(name, on)
    for sign in listing:
        _list(shell, SET, reusable=sign == "+")
    if words is not None:
        shell.state.positional[:] = words
    return 0


def _read(arguments: list[str]) -> tuple[list[tuple[str, bool]], list[str], list[str] | None]:
    """What to switch, the signs of each `-o` or `+o` without a name, and the new positional parameters."""
    changes: list[tuple[str, bool]] = []
    listing: list[str] = []
    words = list(arguments)
    while words and words[0][:1] in ("-", "+"):
        word = words.pop(0)
        if word == "--":
            return changes, listing, words
        if word in ("-", "+"):
            changes += [("xtrace", False), ("verbose", False)] if word == "-" else []
            return changes, listing, words or None
        for letter in word[1:]:
            if letter != "o":
                changes += _change(_LETTERS.get(letter), word[0] == "-", f"there is no option {word[0]}{letter}")
            elif words and words[0][:1] not in ("-", "+"):
                name = words.pop(0)
                known = name if name in SET or name in ALWAYS.values() else None
                changes += _change(known, word[0] == "-", f"{name}: invalid option name")
            else:
                listing.append(word[0])
    return changes, listing, words or None


def _change(name: str | None, on: bool, complaint: str) -> list[tuple[str, bool]]:
    if name is None:
        raise Usage("set", complaint)
    if name in ALWAYS.values():
        if not on:
            raise Fault(f"{name} is always on here", status=2)
        return []
    return [(name, on)]


def shopt(shell: Shell, arguments: list[str]) -> int:
    options, names = parse("shopt", arguments, "opqsu")
    known = SET if "o" in options else SHOPT
    if unknown := [name for name in names if name not in known]:
        raise Fault(f"{unknown[0]}: invalid shell option name", hint=f"there are {', '.join(known)}")
    if "s" in options and "u" in options:
        raise Fault("cannot set and unset shell options simultaneously")
    if not names:
        wanted = [name for name in known if (name in shell.state.options) == ("s" in options)]
        if "q" not in options:
            _list(shell, wanted if "s" in options or "u" in options else known, reusable="p" in options, shopt=True)
        return 0
    if "s" in options or "u" in options:
        for name in names:
            shell.set_option(name, "s" in options)
        return 0
    if "q" not in options:
        _list(shell, names, reusable="p" in options, shopt="o" not in options)
    return 0 if all(name in shell.state.options for name in names) else 1


def _list(shell: Shell, names: list[str] | tuple[str, ...], *, reusable: bool, shopt: bool = False) -> None:
    lines = []
    for name in names:
        on = name in shell.state.options
        if reusable:
            lines.append(f"shopt -{'s' if on else 'u'} {name}\n" if shopt else f"set {'-' if on else '+'}o {name}\n")
        else:
            lines.append(f"{name:<15}\t{'on' if on else 'off'}\n")
    shell.write("".join(lines))


COMMANDS = {"set": set_, "shopt": shopt}
