"""Prompts say what bash's say."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell.prompt import default, prompt
from engine.shell.shell import Shell
from engine.shell.state import State

if TYPE_CHECKING:
    from tests.engine.shell.conftest import ShellTerminal


def a_shell(**environ: str) -> Shell:
    shell = Shell(State({**os.environ, **environ}, name="heliosh"))
    shell.history = []
    return shell


def bash_says(text: str, **environ: str) -> str:
    script = 'printf %s "${TEXT@P}"'
    environment = {**os.environ, **environ, "TEXT": text}
    return subprocess.run(["bash", "-c", script, "heliosh"], capture_output=True, env=environment).stdout.decode()


PIECES = [r"\u", r"\h", r"\H", r"\w", r"\W", r"\$", r"\j", r"\n", r"\e[1m", r"\a", r"\\", r"\101", r"\s", r"\r", r"\d"]
PIECES += ["$HOME", "${X}", "$(echo a)", "text ", "$ ", "\\D{%Y}", "$((1+1))", r"\\$X", "%", "\\q", "é"]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=5).map("".join))
def test_bash_decodes_the_same(text: str) -> None:
    assert prompt(a_shell(X="x$Y`"), text) == bash_says(text, X="x$Y`")


@pytest.mark.parametrize(
    ("directory", "trim"),
    [
        ("/", ""),
        ("/usr/share/doc", "2"),
        ("/usr/share/doc", "9"),
        ("HOME", ""),
        ("HOME/abcdef/b/c", "2"),
        ("HOME/a", "1"),
    ],
)
def test_the_directory_is_short_as_in_bash(
    directory: str, trim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = directory.replace("HOME", str(tmp_path))
    os.makedirs(path, exist_ok=True)
    monkeypatch.chdir(path)
    environ = {"HOME": str(tmp_path), "PWD": path, "PROMPT_DIRTRIM": trim}
    assert prompt(a_shell(**environ), r"\w|\W") == bash_says(r"\w|\W", **environ)


def test_what_a_directory_is_called_is_not_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "$(touch bad)`touch bad`\\x"
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert prompt(a_shell(PWD=str(odd)), r"\W") == odd.name
    assert not list(odd.iterdir())


def test_a_prompt_leaves_the_status_alone() -> None:
    shell = a_shell()
    shell.state.status = 3
    assert prompt(shell, r"$? \? $(exit 4)") == r"3 3 "
    assert shell.state.status == 3


def test_the_default_says_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/usr")
    shell = a_shell(PWD="/usr")
    assert "/usr" in default(shell)
    assert "✗" not in default(shell)
    shell.state.status = 130
    assert "✗ 130" in default(shell)


def test_where_there_is_only_text_prompts_are_decoded_too(terminals: Callable[..., ShellTerminal]) -> None:
    shell = terminals(env={"PS1": r"\[\a\]$(echo sub) \j> "})
    shell.expect("\asub 0> ")
    shell.send("sleep 0.01 &\n")
    shell.expect("sub 1> ")
    shell.send("wait; echo done\n")
    shell.expect("done\r\n")
    shell.expect("sub 0> ")
