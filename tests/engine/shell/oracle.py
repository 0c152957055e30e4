"""bash as the oracle: words expanded by one bash process, and the same words by heliosh's expander."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import pytest

from engine.shell.ast import Script, SimpleCommand
from engine.shell.expansion import Expander
from engine.shell.faults import Fault
from engine.shell.parser import parse
from engine.shell.state import State

BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="bash is not installed: there is nothing to compare with")

FAULT = ["<fault>"]


class Case(NamedTuple):
    """Words as they are typed, and what is set before. `PATH` is never touched; IFS None means unset."""

    text: str
    variables: Mapping[str, str] = {}
    positional: Sequence[str] = ()
    ifs: str | None = " \t\n"
    options: frozenset[str] = frozenset()
    before: str = ""  # a command that only bash carries out first


def expander(case: Case) -> Expander:
    """An expander with the state that the case asks for. Its command substitutions know `echo` only."""
    state = State({"PATH": "/usr/bin:/bin", "HOME": "/home/of/me", "PWD": os.getcwd()}, name=BASH or "bash")
    for name, value in case.variables.items():
        state.variables.set(name, value)
    state.positional = list(case.positional)
    state.options |= case.options
    if case.ifs is None:
        state.variables.unset("IFS")
    else:
        state.variables.set("IFS", case.ifs)
    expands = Expander(state, lambda scripts: "")

    def echo(scripts: tuple[Script, ...]) -> str:
        return " ".join(expands.words(command_of(scripts[0]).words)[1:]).rstrip("\n")

    expands._substitute = echo
    return expands


def command_of(script: Script) -> SimpleCommand:
    """The only command of a script."""
    command = script.statements[0].body.pipelines[0].commands[0]
    assert isinstance(command, SimpleCommand)
    return command


def ours(case: Case) -> list[str]:
    """The fields that heliosh makes of the case."""
    try:
        return expander(case).words(command_of(parse(f"fields {case.text}")[0]).words)[1:]
    except Fault:
        return FAULT


class Bash:
    """A bash that is asked one case after the other."""

    def __init__(self, directory: Path) -> None:
        assert BASH is not None
        self._process = subprocess.Popen(
            [BASH, "--norc", "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=directory,
            env={"PATH": "/usr/bin:/bin", "HOME": "/home/of/me", "LC_ALL": "C.UTF-8"},
        )
        self._write('shopt -s globstar\nfields() { printf \'%s\\0\' "#$#" "$@"; }\n')

    def fields(self, case: Case) -> list[str]:
        """The fields that bash makes of the case. In a subshell of its own, so that nothing is left of it."""
        self._write(f"( {_preparation(case)}eval {_quoted('fields ' + case.text)}\n)\nprintf '!%s\\0' \"$?\"\n")
        first = self._read()
        if first.startswith("!"):
            return FAULT
        fields = [self._read() for _ in range(int(first[1:]))]
        assert self._read() == "!0"
        return fields

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode("utf-8", "surrogateescape"))
        self._process.stdin.flush()

    def _read(self) -> str:
        """What stands before the next NUL."""
        assert self._process.stdout is not None
        text = bytearray()
        while (byte := self._process.stdout.read(1)) != b"\0":
            assert byte, "bash has ended"
            text += byte
        return text.decode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _preparation(case: Case) -> str:
    lines = [f"{name}={_quoted(value)}" for name, value in case.variables.items()]
    lines.append("set -- " + " ".join(map(_quoted, case.positional)))
    lines += [f"set -o {name}" for name in case.options if name in ("noglob", "nounset")]
    lines += [f"shopt -s {name}" for name in case.options if name in ("nullglob", "dotglob")]
    lines.append("unset IFS" if case.ifs is None else f"IFS={_quoted(case.ifs)}")
    lines.append(case.before)
    return "\n".join(lines) + "\n"
