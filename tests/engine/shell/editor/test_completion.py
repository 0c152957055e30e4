"""What Tab offers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from engine.shell.editor import containers
from engine.shell.editor.completion import ShellCompleter
from engine.shell.editor.containers import VERBS, Names
from engine.shell.shell import Shell
from engine.shell.state import State
from heliostui.commands import VERBS as ALL_VERBS

if TYPE_CHECKING:
    from tests.engine.shell.editor.conftest import Typist


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a few files, and a PATH with two programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("frobnicate", "frotz"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    (programs / "fronot").write_text("no program")
    work = tmp_path / "work"
    (work / "my dir" / "deep").mkdir(parents=True)
    for name in ("my file", "my-other", "it's", ".hidden", "$odd", "run.sh"):
        (work / name).touch()
    (work / "run.sh").chmod(0o755)
    (work / "my dir" / "inner").touch()
    monkeypatch.chdir(work)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(work))
    return work


@pytest.fixture
def shell(home: Path) -> Shell:
    state = State(dict(os.environ))
    state.aliases["frob"] = "frobnicate -v"
    state.variables.set("FROM", "here")
    return Shell(state)


def completed(shell: Shell, typed: str) -> list[str]:
    """The lines that the offers make of what is typed."""
    document = Document(typed)
    offers = ShellCompleter(shell).get_completions(document, CompleteEvent(completion_requested=True))
    return [typed[: len(typed) + offer.start_position] + offer.text for offer in offers]


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("fro", ["frob", "frobnicate", "frotz"]),
        ("frot", ["frotz "]),
        ("a; frot", ["a; frotz "]),
        ("echo $(frot", ["echo $(frotz "]),
        ("unal", ["unalias "]),
        ("./r", ["./run.sh "]),
        ("./m", ["./my\\ dir/"]),
        ("cat my", ["cat my\\ dir/", "cat my\\ file", "cat my-other"]),
        ("cat my\\ f", ["cat my\\ file "]),
        ("cat 'my f", ["cat 'my file' "]),
        ('cat "my f', ['cat "my file" ']),
        ("cat 'my d", ["cat 'my dir/"]),
        ("cat it", ["cat it\\'s "]),
        ("cat 'it", ["cat 'it'\\''s' "]),
        ('cat "$o', []),
        ("cat '$o", ["cat '$odd' "]),
        ("cat \\$o", ["cat \\$odd "]),
        ("cat my\\ dir/", ["cat my\\ dir/deep/", "cat my\\ dir/inner"]),
        ("cat 'my dir'/i", ["cat 'my dir'/inner "]),
        ("cat my\\ dir/\"i", ["cat my\\ dir/\"inner\" "]),
        ("cat ~/my-", ["cat ~/my-other "]),
        ("cat $HOME/my-", ["cat $HOME/my-other "]),
        ("cat .h", ["cat .hidden "]),
        ("cat <my-", ["cat <my-other "]),
        ("X=my-", ["X=my-other "]),
        ("tool --file=my-", ["tool --file=my-other "]),
        ("tool --file=my\\ dir/in", ["tool --file=my\\ dir/inner "]),
        ("cd m", ["cd my\\ dir/"]),
        ("echo $FRO", ["echo $FROM"]),
        ("echo ${FRO", ["echo ${FROM}"]),
        ('echo "a $FRO', ['echo "a $FROM']),
        ("unset FRO", ["unset FROM"]),
        ("unalias fr", ["unalias frob "]),
        ("type frot", ["type frotz "]),
        ("help unal", ["help unalias "]),
        ("ls ~roo", ["ls ~root/"]),
        ("set -o vi", ["set -o vi "]),
        ("kill -TER", ["kill -TERM "]),
        ("kill -s WIN", ["kill -s WINCH "]),
        ("trap x WIN", ["trap x WINCH "]),
        ("heliostui insp", ["heliostui inspect "]),
        ("oci insp", ["oci inspect "]),
        ("echo nothing-like-it", []),
        ("# fro", []),
    ],
)  # fmt: skip
def test_what_is_offered(shell: Shell, typed: str, lines: list[str]) -> None:
    assert completed(shell, typed) == lines


def test_all_verbs_of_heliostui_are_known() -> None:
    assert set(ALL_VERBS) <= set(VERBS)


# --- the engine's names ---


def test_without_an_engine_there_are_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOSTUI_RUNTIME", str(tmp_path))
    monkeypatch.setenv("HELIOSTUI_STATE", str(tmp_path))
    assert Names().of("container") == []
    assert not list(tmp_path.iterdir())


def test_an_engine_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from engine.places import places

    monkeypatch.setenv("HELIOSTUI_RUNTIME", str(tmp_path))
    monkeypatch.setenv("HELIOSTUI_STATE", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(places().socket))
        listener.listen()
        names = Names()
        assert names.of("container") == []
        assert names._thread is not None
        assert names._thread.is_alive()  # still asking


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A container that was made, with an engine of its own."""
    monkeypatch.setenv("HELIOSTUI_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("HELIOSTUI_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(containers, "PATIENCE", 60)  # seconds: a busy machine's engine may take its time
    heliostui = [sys.executable, "-m", "heliostui"]
    made = subprocess.run([*heliostui, "create", "--name", "pond", "busybox"], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no container can be made: {made.stderr.strip()}")
    yield "pond"
    subprocess.run([*heliostui, "rm", "-f", "pond"], check=True, capture_output=True)
    subprocess.run([*heliostui, "engine", "stop", "--all"], check=True, capture_output=True)


def test_containers_and_images_are_offered_to_the_verbs_that_take_them(container: str, shell: Shell) -> None:
    assert completed(shell, "heliostui start po") == ["heliostui start pond "]
    assert completed(shell, "oci inspect -s po") == ["oci inspect -s pond "]
    assert completed(shell, "heliostui rm pond po") == []
    assert completed(shell, "heliostui exec po") == []  # it doesn't run
    assert completed(shell, "heliostui run busyb") == ["heliostui run busybox "]


# --- at the keyboard ---


def test_tab_puts_in_what_is_common_and_then_shows_a_menu(typists: Callable[..., Typist], home: Path) -> None:
    typist = typists(PATH=os.environ["PATH"] + ":/usr/bin:/bin")
    typist.type("cat my-\t")
    typist.see("ready> cat my-other")
    typist.type("\x15frob\t")
    typist.see("ready> frobnicate")
    typist.type("\x15cat my\t")
    typist.see_somewhere("my dir/")
    typist.see_somewhere("my-other")
    typist.type("\t")
    typist.see_somewhere("ready> cat my\\ dir/")
    typist.type("\r")
    typist.see("ready> cat my\\ dir/")


def test_jobs_are_offered_to_those_who_take_them(typist: Typist) -> None:
    typist.run("sleep 101 &")
    typist.run("sleep 102 &")
    typist.type("kill %\t")
    typist.see_somewhere("sleep 101")
    typist.see_somewhere("sleep 102")
    typist.type("\x03")
    for pid in re.findall(r"^\[\d\] (\d+)$", "\n".join(typist.screen()), re.MULTILINE):
        os.kill(int(pid), signal.SIGTERM)
