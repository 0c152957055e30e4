"""Signals at the shell itself: traps, ctrl+c in scripts, what programs inherit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from engine.shell import signals
from tests.engine.shell.conftest import HELIOSH, PROMPT, ShellTerminal, Terminals, stat_of, states_of_group


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(text: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """A text carried out by heliosh; `before` by the sh that starts it."""
    words = ["sh", "-c", before + 'exec "$@"', "sh", *HELIOSH, "-c", text]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def started(text: str) -> subprocess.Popen[str]:
    """A script in a group of its own that has written `go`."""
    process = subprocess.Popen(
        [*HELIOSH, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    return process


def test_names_and_numbers_find_each_other() -> None:
    assert signals.number("TERM") == signals.number("SIGTERM") == signals.number("term") == signals.number("15") == 15
    assert signals.number("CHLD") == signal.SIGCHLD
    assert signals.number("0") == 0
    assert signals.number("NONE") is None
    assert signals.NAMES[signals.NUMBERS["RTMIN+3"]] == "RTMIN+3"


# --- traps ---


def test_a_trap_runs_between_two_commands_and_keeps_the_status() -> None:
    result = run("trap 'echo caught $?; false' USR1; sh -c \"kill -USR1 $$; echo first; exit 3\"; echo status $?")
    assert result.stdout == "first\ncaught 3\nstatus 3\n"


def test_a_trap_waits_for_the_program_in_the_foreground() -> None:
    os.mkfifo("fifo")
    process = started("trap 'echo caught' TERM; sh -c 'echo go; read x < fifo; echo program'; echo after")
    os.kill(process.pid, signal.SIGTERM)
    Path("fifo").write_text("\n")
    out, _ = process.communicate(timeout=30)
    assert out == "program\ncaught\nafter\n"


def test_wait_ends_at_a_trapped_signal() -> None:
    process = started("trap 'echo caught' TERM; sleep 100 & echo go; wait; echo $?; kill $!")
    until_it_waits(process.pid)
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == "caught\n143\n"


def until_it_waits(pid: int) -> None:
    """All that can put the shell to sleep from here on is the wait."""
    end = time.monotonic() + 20
    while (stat := stat_of(pid)) is None or stat.state != "S":
        assert time.monotonic() < end, "it does not wait"


def test_wait_ends_at_ctrl_c(shell: ShellTerminal) -> None:
    shell.run("sleep 100 &")
    shell.send("wait; echo nev''er\n")
    shell.expect("er\r\n")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?; kill %1").startswith("130\n")
    assert "never" not in shell.screen


def test_read_ends_at_ctrl_c(shell: ShellTerminal) -> None:
    shell.send("read x; echo nev''er\n")
    shell.expect("er\r\n")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"


@pytest.mark.parametrize("ending", ["exit 3", "(exit 3)", "exec sh -c 'exit 3'", "nothing_like_this; (exit 3)"])
def test_the_exit_trap_runs_once_at_the_end(ending: str) -> None:
    result = run(f"trap 'echo bye $?' EXIT; {ending}")
    assert result.stdout == ("" if "exec" in ending else "bye 3\n")
    assert result.returncode == 3


def test_the_exit_trap_runs_when_a_signal_ends_the_script() -> None:
    result = run("trap 'echo bye' EXIT; kill -TERM $$; echo never")
    assert result.stdout == "bye\n"
    assert result.returncode == -signal.SIGTERM


def test_exit_in_an_exit_trap_changes_the_status() -> None:
    assert run("trap 'exit 5' EXIT; exit 3").returncode == 5


def test_subshells_have_no_traps_but_what_is_ignored_stays_ignored() -> None:
    subshell = "(kill -USR2 $BASHPID; echo ignored; kill -USR1 $BASHPID; echo never)"
    assert run(f"trap 'echo caught' USR1; trap '' USR2; {subshell}; echo $?").stdout == "ignored\n138\n"


def test_an_ignored_signal_is_ignored_by_programs_and_a_trapped_one_is_not() -> None:
    assert run("trap '' USR1; sh -c 'kill -USR1 $$; echo alive'").stdout == "alive\n"
    assert run("trap : USR1; sh -c 'kill -USR1 $$; echo never'; echo $?").stdout == "138\n"


def test_what_was_ignored_at_the_start_stays_so_in_a_script() -> None:
    assert run("trap 'echo caught' INT; kill -INT $$; echo alive", before="trap '' INT; ").stdout == "alive\n"


def test_the_chld_trap_runs_for_every_child_and_wait_goes_on() -> None:
    assert run("trap 'echo CHLD' CHLD; sleep 0.1; echo one; (sleep 0.1; exit 3) & wait $!; echo $?").stdout == (
        "CHLD\none\nCHLD\n3\n"
    )


def test_the_chld_trap_stays_when_prompts_come_between(shell: ShellTerminal) -> None:
    shell.run("trap 'echo CHLD' CHLD")
    assert shell.run("/bin/true") == "CHLD\n"
    said = shell.run("/bin/true & wait; echo more")
    assert said.count("CHLD\n") == said.count("more\n") == 1


def test_debug_and_err_traps() -> None:
    assert run("trap 'echo + $LINENO' DEBUG; true\ntrue").stdout == "+ 1\n+ 2\n"
    assert run("trap 'echo err $?' ERR; false || true; (exit 3); ! true").stdout == "err 3\n"


def test_traps_that_are_set_and_unset_are_listed() -> None:
    assert run("trap 'echo a' INT EXIT; trap - EXIT; trap").stdout == "trap -- 'echo a' SIGINT\n"


def test_a_trap_can_be_set_on_the_keyboards_signals(shell: ShellTerminal) -> None:
    shell.run("trap 'echo caught' INT")
    shell.send("sh -c 'echo g''o; exec sleep 100'; echo then\n")
    shell.expect("go\r\n")
    shell.send("\x03")
    shell.expect("then")


# --- ctrl+c in a script: wait and cooperative exit ---


def test_a_script_dies_with_a_program_that_dies_of_ctrl_c() -> None:
    process = started("sh -c 'echo go; exec sleep 100'; echo never")
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == -signal.SIGINT


def test_a_script_goes_on_after_a_program_that_deals_with_ctrl_c() -> None:
    process = started("sh -c 'trap \"exit 3\" INT; echo go; while :; do sleep 0.05; done'; echo status $?")
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "status 3\n"
    assert process.returncode == 0


def test_a_script_dies_of_ctrl_c_in_its_own_commands() -> None:
    os.mkfifo("fifo")
    process = started("echo go; read x < fifo; echo never")
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == -signal.SIGINT


def test_a_substitution_that_dies_of_ctrl_c_breaks_off_the_line(shell: ShellTerminal) -> None:
    shell.send("x=$(echo go >&2; sleep 100); echo nev''er\n")
    shell.expect("er\r\ngo\r\n")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"
    assert "never" not in shell.screen


def test_ctrl_z_can_not_stop_a_substitution(shell: ShellTerminal) -> None:
    shell.send("echo got $(sh -c 'echo go >&2; read x; echo $x')\n")
    shell.expect(")\r\ngo\r\n")
    shell.send("\x1a")
    shell.expect("^Z")
    shell.send("word\n")
    shell.expect("got word")


def test_a_script_stops_and_continues_with_its_group(terminals: Terminals) -> None:
    shell = terminals()
    shell.expect(PROMPT)
    Path("script").write_text("sh -c 'echo go; read x; echo got $x'\necho end\n")
    shell.send(" ".join(HELIOSH) + " script\n")
    shell.expect("go\r\n")
    job = shell.foreground()
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect(PROMPT)
    shell.until(lambda: set(states_of_group(job)) == {"T"})  # who is stopped later takes a byte more
    shell.send("fg\n")
    shell.until(lambda: shell.foreground() != shell.pid)
    shell.send("word\n")
    shell.expect("got word\r\nend\r\n")
