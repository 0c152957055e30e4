"""alias and unalias."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, parse
from engine.shell.builtins.quotes import single

if TYPE_CHECKING:
    from engine.shell.shell import Shell

_NOT_IN_NAMES = frozenset("/$`=\\'\"()<>|&; \t\n")


def alias(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("alias", arguments, "p")
    aliases = shell.state.aliases
    if not words or options:
        shell.write("".join(line(*item) for item in sorted(aliases.items())))
    status = 0
    for word in words:
        name, equals, text = word.partition("=")
        if equals and name:
            if _NOT_IN_NAMES & set(name):
                shell.complain(f"alias: `{name}': invalid alias name")
                status = 1
            else:
                aliases[name] = text
        elif word in aliases:
            shell.write(line(word, aliases[word]))
        else:
            shell.complain(f"alias: {word}: not found")
            status = 1
    return status


def unalias(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("unalias", arguments, "a")
    if options:
        shell.state.aliases.clear()
        return 0
    if not words:
        raise Usage("unalias", "a name is missing")
    status = 0
    for name in words:
        if shell.state.aliases.pop(name, None) is None:
            shell.complain(f"unalias: {name}: not found")
            status = 1
    return status


def line(name: str, text: str) -> str:
    """As it can be typed in again, newline included."""
    return f"alias {'-- ' if name.startswith('-') else ''}{name}={single(text)}\n"


COMMANDS = {"alias": alias, "unalias": unalias}
