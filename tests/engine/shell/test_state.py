"""What a shell knows: variables, parameters, options."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.shell.faults import Fault
from engine.shell.state import DEFAULT_PATH, State
from tests.engine.shell.oracle import BASH, needs_bash


def state(**environ: str) -> State:
    return State(environ, name="shell")


def test_the_environment_becomes_exported_variables_and_is_handed_down() -> None:
    variables = state(A="1").variables
    variables.set("B", "2")
    variables.set("A", "3")
    assert (variables.get("A"), variables.get("B"), variables.get("C")) == ("3", "2", None)
    assert variables.environment()["A"] == "3"
    assert "B" not in variables.environment()
    assert (variables.is_exported("A"), variables.is_exported("B")) == (True, False)


def test_an_entry_that_is_no_variable_can_not_be_seen_but_is_handed_down() -> None:
    variables = State({"A-B": "1"}).variables
    assert "A-B" not in variables.names()
    assert variables.environment()["A-B"] == "1"


def test_bytes_that_are_no_text_go_through_unchanged() -> None:
    variables = State({"A": os.fsdecode(b"\xff\xfe")}).variables
    assert os.fsencode(variables.environment()["A"]) == b"\xff\xfe"


def test_export_holds_for_what_is_set_later_and_can_be_taken_back() -> None:
    variables = state().variables
    variables.export("A")
    assert "A" not in variables.environment()
    variables.set("A", "1")
    assert variables.environment()["A"] == "1"
    variables.export("A", False)
    assert "A" not in variables.environment()
    assert variables.get("A") == "1"


def test_allexport_exports_what_is_set() -> None:
    shell = state()
    shell.options.add("allexport")
    shell.variables.set("A", "1")
    assert shell.variables.environment()["A"] == "1"


def test_what_is_unset_is_gone_with_its_export() -> None:
    variables = state(A="1").variables
    variables.unset("A")
    variables.unset("A")
    variables.set("A", "2")
    assert "A" not in variables.environment()


@pytest.mark.parametrize("name", ["", "1a", "a-b", "é", "a=", "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    for use in (state().variables.unset, state().variables.export, state().variables.readonly):
        with pytest.raises(Fault, match="not a valid identifier"):
            use(name)
    with pytest.raises(Fault, match="not a valid identifier"):
        state().variables.set(name, "")


def test_what_is_read_only_stays_as_it_is() -> None:
    variables = state(A="1").variables
    variables.readonly("A")
    with pytest.raises(Fault, match="A: readonly variable"):
        variables.set("A", "2")
    with pytest.raises(Fault, match="A: readonly variable"):
        variables.unset("A")
    assert variables.get("A") == "1"
    assert "A" in variables.readonly_names()


@pytest.mark.parametrize("name", ["PLAIN", "EXPORTED", "UNSET", "RANDOM", "FIXED"])
def test_a_variable_is_put_back_as_it_was(name: str) -> None:
    variables = state(EXPORTED="1").variables
    variables.set("PLAIN", "1")
    variables.set("FIXED", "1")
    variables.readonly("FIXED")
    before = variables.saved(name)
    if name != "FIXED":
        variables.set(name, "2")
        variables.export(name)
    variables.restore(name, before)
    assert variables.saved(name) == before
    assert ("EXPORTED" in variables.environment(), "PLAIN" in variables.environment()) == (True, False)
    assert variables.get("UNSET") is None


def test_who_watches_a_variable_hears_of_every_change() -> None:
    shell = state()
    shell.hash["ls"] = "/bin/ls"
    shell.variables.set("PATH", "/nowhere")
    assert shell.hash == {}


def test_a_shell_without_an_environment_has_what_it_needs() -> None:
    variables = state().variables
    assert variables.get("IFS") == " \t\n"
    assert variables.get("PATH") == DEFAULT_PATH
    assert variables.get("PWD") == os.getcwd()
    assert variables.get("SHLVL") == "1"
    assert (variables.get("UID"), variables.get("PPID")) == (str(os.getuid()), str(os.getppid()))
    assert "PATH" not in variables.environment()


def test_the_environment_is_not_believed_in_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = state(IFS="x", UID="7", PWD="/nowhere", SHLVL="3").variables
    assert (variables.get("IFS"), variables.get("PWD"), variables.get("SHLVL")) == (" \t\n", os.getcwd(), "4")
    assert variables.get("UID") == str(os.getuid())
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert state(PWD=f"{tmp_path}/link").variables.get("PWD") == f"{tmp_path}/link"
    assert state(PWD=f"{tmp_path}/./link").variables.get("PWD") == str(tmp_path)


def test_parameters_are_found_by_name_number_and_sign() -> None:
    shell = state()
    shell.positional = [str(number) for number in range(1, 12)]
    shell.status, shell.last_argument = 3, "last"
    expected = {"0": "shell", "1": "1", "11": "11", "12": None, "#": "11", "?": "3", "_": "last", "!": None}
    assert {name: shell.parameter(name) for name in expected} == expected
    shell.last_background = 5
    assert (shell.parameter("!"), shell.parameter("$")) == ("5", str(os.getpid()))


def test_option_letters_are_in_bash_s_order() -> None:
    shell = State({}, interactive=True)
    shell.options |= {"noclobber", "errexit", "monitor", "pipefail", "histexpand", "allexport"}
    shell.invoked = "s"
    assert shell.option_letters() == shell.parameter("-") == "aeimCHs"


def test_seconds_count_from_the_start_or_from_what_was_assigned() -> None:
    shell = state()
    start = time.monotonic()
    shell.started = start - 5
    assert 5 <= int(shell.variables.get("SECONDS") or "") <= 5 + time.monotonic() - start
    start = time.monotonic()
    shell.variables.set("SECONDS", "100")
    assert 100 <= int(shell.variables.get("SECONDS") or "") <= 100 + time.monotonic() - start


def test_a_computed_variable_that_was_unset_is_an_ordinary_one() -> None:
    variables = state().variables
    variables.unset("LINENO")
    assert variables.get("LINENO") is None
    variables.set("LINENO", "x")
    assert variables.get("LINENO") == "x"


@needs_bash
@pytest.mark.parametrize("seed", ["0", "1", "42", "4294967295"])
def test_random_numbers_are_bash_s(seed: str) -> None:
    assert BASH is not None
    script = f"RANDOM={seed}; for i in {{1..50}}; do echo $RANDOM; done"
    expected = subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    variables = state().variables
    variables.set("RANDOM", seed)
    assert [variables.get("RANDOM") for _ in range(50)] == expected


def test_expansion_imports_nothing_heavy() -> None:
    heavy = {"asyncio", "dataclasses", "inspect", "pathlib", "glob", "fnmatch", "random", "subprocess"}
    script = f"import sys, engine.shell.expansion; print(*({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.split() == []
