"""Programs: which file a name means, and why one can't be run. Imports os and the faults."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from engine.shell.faults import Fault
from engine.shell.state import State


def find(state: State, name: str) -> str | None:
    """The program of that name in PATH, remembered (`state.hash`); a name with a slash is its own path."""
    if "/" in name:
        return name
    path = state.hash.get(name)
    if path is None:
        path = _search(state, name, lambda path: os.access(path, os.X_OK) and os.path.isfile(path))
        if path is not None:
            state.hash[name] = path
    return path


def _search(state: State, name: str, wanted: Callable[[str], bool]) -> str | None:
    if not name:
        return None
    for directory in (state.variables.get("PATH") or "").split(":"):
        path = f"{directory or '.'}/{name}"
        if wanted(path):
            return path
    return None


def not_found(state: State, name: str) -> Fault:
    """Why there is no such program in PATH: there is none, or it can't be executed."""
    path = _search(state, name, os.path.isfile)
    if path is not None:
        return Fault(f"{path}: Permission denied", hint=f"chmod +x {path} makes it a program", status=126)
    return Fault(f"{name}: command not found", status=127)


def interpreted(path: str, words: list[str], error: OSError) -> list[str]:
    """The words that run a text without `#!` by this shell (XCU 2.9.1.4); raises `error` for anything else."""
    if error.errno != errno.ENOEXEC or _is_binary(path):
        raise error
    return [sys.executable, "-P", "-m", "engine.shell", path, *words[1:]]


def refusal(name: str, path: str, error: OSError | ValueError) -> Fault:
    """Why execve(2) didn't run it. 127 for what isn't there, 126 for the rest."""
    if isinstance(error, ValueError):
        return Fault(f"{name!r}: a NUL character can't be in an argument", status=126)
    if os.path.isdir(path):
        return Fault(f"{name}: Is a directory", hint=f"cd {name} goes there", status=126)
    if error.errno == errno.ENOENT and os.path.exists(path):
        return Fault(f"{name}: bad interpreter: {_interpreter_of(path)}: No such file or directory", status=126)
    if error.errno == errno.ENOEXEC:
        return Fault(f"{name}: cannot execute binary file: Exec format error", status=126)
    return Fault(f"{name}: {error.strerror}", status=127 if error.errno == errno.ENOENT else 126)


def _is_binary(path: str) -> bool:
    """Whether its first line has a NUL: then it is no text, only for another machine perhaps."""
    try:
        with open(path, "rb") as file:
            return b"\0" in file.read(256).split(b"\n", 1)[0]
    except OSError:
        return True


def _interpreter_of(path: str) -> str:
    try:
        with open(path, "rb") as file:
            line = file.readline(256)
    except OSError:
        return "?"
    words = line[2:].split() if line.startswith(b"#!") else []
    return os.fsdecode(words[0]) if words else "?"
