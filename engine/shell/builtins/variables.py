"""export, readonly, unset, shift, env and let."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, parse, whole
from engine.shell.builtins.quotes import double
from engine.shell.faults import Fault
from engine.shell.state import is_name

if TYPE_CHECKING:
    from engine.shell.shell import Shell


def export(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("export", arguments, "npf")
    _no_functions("export", options)
    variables = shell.state.variables
    if not words:
        return _list(shell, "export", variables.exported_names())
    return _each(shell, "export", words, lambda name: variables.export(name, "n" not in options))


def readonly(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("readonly", arguments, "pfaA")
    _no_functions("readonly", options)
    if "a" in options or "A" in options:
        raise Usage("readonly", "there are no arrays here")
    variables = shell.state.variables
    if not words:
        return _list(shell, "readonly", variables.readonly_names())
    return _each(shell, "readonly", words, variables.readonly)


def unset(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("unset", arguments, "vfn")
    _no_functions("unset", options)
    status = 0
    for name in words:
        try:
            if shell.state.variables.is_readonly(name):
                raise Fault(f"{name}: cannot unset: readonly variable")
            shell.state.variables.unset(name)
        except Fault as fault:
            shell.complain(f"unset: {fault.message}")
            status = 1
    return status


def shift(shell: Shell, arguments: list[str]) -> int:
    words = arguments[arguments[:1] == ["--"] :]
    if len(words) > 1:
        raise Fault("too many arguments")
    count = whole(words[0]) if words else 1
    if count is None:
        raise Fault(f"{words[0]}: numeric argument required")
    if count < 0:
        raise Fault(f"{count}: shift count out of range")
    if count > len(shell.state.positional):
        return 1  # quietly, as in bash
    del shell.state.positional[:count]
    return 0


def env(shell: Shell, arguments: list[str]) -> int:
    """Prints by itself; env(1) runs commands in all the ways that it has."""
    environment = shell.state.variables.environment()
    words, end = list(arguments), "\n"
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-", "-i", "--ignore-environment"):
            environment.clear()
        elif option in ("-0", "--null"):
            end = "\0"
        elif option == "-u" and words:
            environment.pop(words.pop(0), None)
        elif option.startswith("--unset="):
            environment.pop(option[8:], None)
        elif option == "--":
            break
        else:
            return shell.call(["env", *arguments], builtins=False)
    while words and "=" in words[0][1:]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    if words:
        return shell.call(["env", *arguments], builtins=False)
    shell.write("".join(f"{name}={value}{end}" for name, value in environment.items()))
    return 0


def let(shell: Shell, arguments: list[str]) -> int:
    from engine.shell.arithmetic import Invalid, evaluate

    if not arguments:
        raise Fault("an expression is missing")
    value = 0
    for expression in arguments:
        try:
            value = evaluate(expression, shell.state.variables, nounset="nounset" in shell.state.options)
        except Invalid as invalid:
            raise Fault(f"{expression}: {invalid.message}", hint=invalid.hint) from None
    return 0 if value else 1


def _each(shell: Shell, command: str, words: list[str], mark: Callable[[str], None]) -> int:
    """`NAME`, `NAME=value` or `NAME+=value`, each; one that is wrong does not keep the others."""
    status = 0
    for word in words:
        name, equals, value = word.partition("=")
        append = bool(equals) and name.endswith("+") and is_name(name[:-1])
        name = name[:-1] if append else name
        try:
            if not is_name(name):
                raise Fault(f"`{word}': not a valid identifier")
            if equals:
                shell.state.variables.set(name, (shell.state.variables.get(name) or "") * append + value)
            mark(name)
        except Fault as fault:
            shell.complain(f"{command}: {fault.message}")
            status = 1
    return status


def _list(shell: Shell, command: str, names: list[str]) -> int:
    lines = []
    for name in names:
        value = shell.state.variables.get(name)
        lines.append(f"{command} {name}\n" if value is None else f"{command} {name}={double(value)}\n")
    shell.write("".join(lines))
    return 0


def _no_functions(name: str, options: dict[str, str]) -> None:
    if "f" in options:
        raise Usage(name, "there are no functions here")


COMMANDS = {"export": export, "readonly": readonly, "unset": unset, "shift": shift, "env": env, "let": let}
