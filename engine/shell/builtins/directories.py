"""cd, pwd, pushd, popd and dirs: the working directory, by the path that led there, and the stack of them.

`state.directories` is what lies below the working directory, the last one pushed first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, parse
from engine.shell.faults import Fault

if TYPE_CHECKING:
    from engine.shell.shell import Shell


def cd(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("cd", arguments, "LP")
    if len(words) > 1:
        raise Fault("too many arguments")
    variables = shell.state.variables
    target = _needed(shell, "OLDPWD") if words == ["-"] else words[0] if words else _needed(shell, "HOME")
    found = _through_cdpath(shell, target)
    _enter(shell, found or target, physical=_last(options) == "P")
    if found or words == ["-"]:
        shell.write((variables.get("PWD") or "") + "\n")
    return 0


def pwd(shell: Shell, arguments: list[str]) -> int:
    options, _ = parse("pwd", arguments, "LP")
    shell.write((_physical() if _last(options) == "P" else working_directory(shell)) + "\n")
    return 0


def pushd(shell: Shell, arguments: list[str]) -> int:
    stay, word = _stack_options("pushd", arguments)
    stack = [working_directory(shell), *shell.state.directories]
    if word is None:
        if len(stack) < 2:
            raise Fault("no other directory")
        stack[:2] = stack[1::-1]
    elif _is_index(word):
        at = _index(shell, word, stack)
        stack = stack[at:] + stack[:at]
    else:
        _push(shell, word, stay)
        return _show(shell, [])
    if not stay:
        _enter(shell, stack[0])
    shell.state.directories[:] = stack[1:]
    return _show(shell, [])


def popd(shell: Shell, arguments: list[str]) -> int:
    stay, word = _stack_options("popd", arguments)
    below = shell.state.directories
    if not below:
        raise Fault("directory stack empty")
    if word is not None and not _is_index(word):
        raise Usage("popd", f"{word}: invalid argument")
    at = 0 if word is None else _index(shell, word, ["", *below])
    if at == 0 and not stay:
        _enter(shell, below[0])
    del below[max(at - 1, 0)]
    return _show(shell, [])


def dirs(shell: Shell, arguments: list[str]) -> int:
    indexes = [word for word in arguments if _is_index(word)]
    options, words = parse("dirs", [word for word in arguments if not _is_index(word)], "clpv")
    if words:
        raise Usage("dirs", f"{words[0]}: invalid argument")
    if "c" in options:
        shell.state.directories.clear()
        return 0
    stack = [working_directory(shell), *shell.state.directories]
    if indexes:
        at = _index(shell, indexes[0], stack)
        shell.write((stack[at] if "l" in options else _with_tilde(shell, stack[at])) + "\n")
        return 0
    return _show(shell, list(options))


def working_directory(shell: Shell) -> str:
    """By the path that led there, as long as it still does; where the directory is gone the path that it had."""
    try:
        return _existing(shell)
    except Fault:
        path = shell.state.variables.get("PWD") or ""
        if path.startswith("/"):
            return path
        raise


def _existing(shell: Shell) -> str:
    """The same; raises Fault where the directory is gone."""
    path = shell.state.variables.get("PWD") or ""
    try:
        if path.startswith("/") and os.path.samefile(path, "."):
            return path
    except OSError:
        pass
    return _physical()


def _physical() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise Fault(f"the working directory can not be told: {error.strerror}") from None


def _enter(shell: Shell, target: str, *, physical: bool = False) -> None:
    """Go there; PWD and OLDPWD say so. Raises Fault."""
    variables = shell.state.variables
    before = variables.get("PWD")
    path = target if physical or target.startswith("/") else f"{_start(shell)}/{target}"
    try:
        path = target if physical else _normal(path)
        if "" in (target, path):
            path = "."  # bash: `cd ""` stays where it is
        _change(path, target)
    except OSError as error:
        raise Fault(f"{target}: {error.strerror}") from None
    if before is not None:
        variables.set("OLDPWD", before)
        variables.export("OLDPWD")
    variables.set("PWD", _physical() if physical or not path.startswith("/") else path)
    variables.export("PWD")


def _start(shell: Shell) -> str:
    """ "." where the directory is gone: what is relative may lead out of it still."""
    try:
        return _existing(shell)
    except Fault:
        return "."


def _change(path: str, target: str) -> None:
    """chdir(2); by the words as they are where the whole path is too long for it."""
    try:
        os.chdir(path)
    except OSError:
        if path == target:
            raise
        os.chdir(target)


def _normal(path: str) -> str:
    """Without `.`, `..` and double slashes (POSIX XCU, "cd", step 8). Raises OSError where what stands before a
    `..` is no directory."""
    if not path.startswith("/"):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                os.stat("/" + "/".join(parts) + "/.")
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    double = "/" if path.startswith("//") and not path.startswith("///") else ""
    return double + "/" + "/".join(parts)


def _through_cdpath(shell: Shell, target: str) -> str | None:
    """Where CDPATH leads to, if that is not the working directory."""
    if target.startswith("/") or target.split("/")[0] in (".", ".."):
        return None
    for directory in (shell.state.variables.get("CDPATH") or "").split(":"):
        if directory == "":
            if os.path.isdir(target):
                return None
        elif os.path.isdir(os.path.join(directory, target)):
            return os.path.join(directory, target)
    return None


def _needed(shell: Shell, name: str) -> str:
    value = shell.state.variables.get(name)
    if value is None:
        raise Fault(f"{name} not set")
    return value


def _last(options: dict[str, str]) -> str:
    return next((letter for letter in reversed(options) if letter in "LP"), "L")


# --- the stack ---


def _stack_options(name: str, arguments: list[str]) -> tuple[bool, str | None]:
    """Whether -n was given, and the one word."""
    stay = arguments[:1] == ["-n"]
    words = arguments[stay:]
    if words and words[0].startswith("-") and words[0] != "-" and not _is_index(words[0]):
        _, words = parse(name, words, "n")
    if len(words) > 1:
        raise Fault("too many arguments")
    return stay, words[0] if words else None


def _push(shell: Shell, directory: str, stay: bool) -> None:
    if stay:
        shell.state.directories.insert(0, directory)
        return
    here = working_directory(shell)
    cd(shell, [directory] if directory == "-" else ["--", directory])
    shell.state.directories.insert(0, here)


def _is_index(word: str) -> bool:
    return word[:1] in ("+", "-") and word[1:].isdecimal()


def _index(shell: Shell, word: str, stack: list[str]) -> int:
    number = int(word[1:])
    if number >= len(stack):
        raise Fault(f"{word}: directory stack index out of range")
    return number if word[0] == "+" else len(stack) - 1 - number


def _show(shell: Shell, how: list[str]) -> int:
    stack = [working_directory(shell), *shell.state.directories]
    shown = stack if "l" in how else [_with_tilde(shell, path) for path in stack]
    if "v" in how:
        shell.write("".join(f"{number:2}  {path}\n" for number, path in enumerate(shown)))
    else:
        shell.write(("\n" if "p" in how else " ").join(shown) + "\n")
    return 0


def _with_tilde(shell: Shell, path: str) -> str:
    home = shell.state.variables.get("HOME")
    if home and home != "/" and (path + "/").startswith(home + "/"):
        return "~" + path[len(home) :]
    return path


COMMANDS = {"cd": cd, "pwd": pwd, "pushd": pushd, "popd": popd, "dirs": dirs}
