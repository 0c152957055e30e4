"""jobs, fg, bg, wait and disown: without job control beside bash's, with it on a terminal."""

from __future__ import annotations

import os
import re
import select
import signal

import pytest

from tests.engine.shell.builtins.conftest import UNTIL_IT_WAITS, Heliosh, Same
from tests.engine.shell.conftest import DEADLINE, PROMPT, ShellTerminal, stat_of


def background(shell: ShellTerminal, line: str) -> int:
    """Start a line that ends with &; the pid that the shell tells."""
    return int(shell.run(line).split()[1])


def state_of(pid: int) -> str:
    """Of a process; empty when it is gone, and reaped."""
    stat = stat_of(pid)
    return stat.state if stat is not None else ""


def stopped(shell: ShellTerminal, line: str) -> int:
    """Start a line in the background and stop it; its process group."""
    pid = background(shell, line + " &")
    shell.run(f"kill -STOP -- -{pid}")
    shell.until(lambda: state_of(pid) == "T")
    shell.run("true")
    return pid


# --- without job control ---


def test_jobs_are_listed(same: Same) -> None:
    same(
        "jobs; echo $?; sleep 100 & jobs; jobs -r; jobs -s; kill $!; wait; jobs",
        "sleep 100 & jobs %1; jobs %2; echo $?; jobs -p | grep -c .; jobs %sleep; jobs '%?lee'; kill %1; wait $!",
        "sleep 100 & sleep 101 & jobs; jobs %+; jobs %-; jobs %%; kill %1 %2; wait",
        "sleep 100 & jobs -x echo a %1 | sed 's/[0-9][0-9]*/N/'; kill $!; wait",
    )


def test_statuses_are_waited_for(same: Same) -> None:
    same(
        "(exit 3) & (exit 4) & wait $!; echo $?; wait; echo $?",
        "(exit 3) & p=$!; (exit 4) & wait $p $!; echo $?; wait $p; echo $?",
        "wait %5; echo $?; wait 1; echo $?; wait abc; echo $?; wait -n; echo $?; wait; echo $?",
        "(sleep 0.1; exit 3) & wait -n; echo $?; wait -n; echo $?",
        "(sleep 0.1; exit 3) & wait -n -p v; echo $?; [ $v = $! ]; echo $?",
        "(exit 3) & wait -p v $!; echo $?; [ $v = $! ]; echo $?; wait -p v; echo ${v-unset}",
        "sleep 100 & p=$!; (exit 5) & wait -n; echo $?; kill $p; wait",
        "sleep 100 & p=$!; (sleep 0.1; exit 5) & wait -n %2; echo $?; kill $p; wait",
        "sleep 0.1 | cat & wait %1; echo $?; (exit 1) | true & wait $!; echo $?; true | (exit 7) & wait -f %1; echo $?",
        "set -o pipefail; (exit 3) | true & wait %1; echo $?",
        "sleep 100 >&- & kill -9 $!; wait $!; echo $?",
    )


def test_a_trapped_signal_ends_waiting(same: Same) -> None:
    start = f"p=$BASHPID; trap 'echo usr' USR1; ({UNTIL_IT_WAITS}; kill -USR1 $p"
    same(
        f"{start}) & sleep 100 & wait %2; echo $?; kill $!",
        f"{start}) & sleep 100 & wait; echo $?; kill $!",
        f"{start}; exec sleep 100) & wait -n; echo $?; kill $!",
    )


def test_jobs_can_be_disowned(same: Same) -> None:
    same(
        "disown; echo $?; sleep 100 >&- & disown; jobs; kill $!",
        "sleep 100 & disown %1; jobs; kill $!; disown %1; echo $?",
        "sleep 100 >&- & p=$!; sleep 101 >&- & disown -a; jobs; kill $! $p",
        "sleep 100 >&- & disown -r; jobs; kill $!",
    )


def test_there_is_no_job_control_in_a_script(same: Same, heliosh: Heliosh) -> None:
    same("fg; echo $?; bg; echo $?")
    assert "fg: no job control" in heliosh("fg").err


# --- on a terminal ---


def test_the_long_list_has_all_processes(shell: ShellTerminal) -> None:
    shell.run("sleep 100 | sleep 101 | sleep 102 &")
    listed = shell.run("jobs -l").splitlines()
    assert re.fullmatch(r"\[1\]\+ +\d+ Running +sleep 100", listed[0])
    assert re.fullmatch(r" +\d+ +\| sleep 101", listed[1])
    assert re.fullmatch(r" +\d+ +\| sleep 102 &", listed[2])
    group = int(listed[0].split()[1])
    assert shell.run("jobs -p") == f"{group}\n"
    assert stat_of(group)


def test_jobs_are_chosen_by_what_they_do(shell: ShellTerminal) -> None:
    stopped(shell, "sleep 100")
    background(shell, "sleep 200 &")
    assert "sleep 100" in shell.run("jobs -s")
    assert "sleep 200" not in shell.run("jobs -s")
    assert "sleep 100" not in shell.run("jobs -r")
    assert "sleep 200 &" in shell.run("jobs -r")
    assert shell.run("jobs -n") == ""


@pytest.mark.parametrize("spec", ["", "%", "%%", "%+", "%1", "%sl", "'%?leep 1'", "PID"])
def test_a_stopped_job_goes_on_in_the_foreground(shell: ShellTerminal, spec: str) -> None:
    pid = stopped(shell, "sleep 100")
    shell.send(f"fg {spec.replace('PID', str(pid))}\n")
    shell.expect("\r\nsleep 100\r\n")
    shell.until(lambda: shell.foreground() == pid)
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"


def test_several_jobs_go_on_in_the_background(shell: ShellTerminal) -> None:
    pids = [stopped(shell, "sleep 100"), stopped(shell, "sleep 200")]
    assert shell.run("bg %1 %2") == "[1]- sleep 100 &\n[2]+ sleep 200 &\n"
    shell.until(lambda: [state_of(pid) for pid in pids] == ["S", "S"])
    assert "bg: job 1 already in background" in shell.run("bg %1; echo $?")
    assert shell.foreground() == shell.pid


def test_a_previous_job_has_a_name(shell: ShellTerminal) -> None:
    background(shell, "sleep 100 &")
    second = background(shell, "sleep 200 &")
    shell.run("kill %+")
    shell.until(lambda: state_of(second) in ("", "Z"))
    shell.run("true")
    assert "sleep 100" in shell.run("jobs %%")
    assert "ambiguous job spec" not in shell.run("fg %nothing")
    assert "fg: %nothing: no such job" in shell.run("fg %nothing")
    background(shell, "sleep 300 &")
    assert "sleep: ambiguous job spec" in shell.run("kill %sleep")


def test_killing_a_stopped_job_ends_it(shell: ShellTerminal) -> None:
    pid = stopped(shell, "sleep 100")
    shell.run("kill %1")
    shell.until(lambda: stat_of(pid) is None)
    assert shell.run("wait %1; echo $?").endswith("\n143\n")


def test_waiting_under_job_control_ends_when_a_job_stops(shell: ShellTerminal) -> None:
    pid = background(shell, "sh -c 'kill -STOP $$; exit 7' &")
    assert shell.run("wait %1; echo $?").startswith(f"{128 + signal.SIGSTOP}\n")
    shell.send('wait -f %1; echo "ended $?"\n')
    shell.expect("ended $")
    os.kill(pid, signal.SIGCONT)
    shell.expect("ended 7")


def test_waiting_can_be_interrupted(shell: ShellTerminal) -> None:
    pid = background(shell, "sleep 100 &")
    shell.send("echo wait''ing; wait\n")
    shell.expect("waiting")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"
    assert stat_of(pid)


def test_a_disowned_job_outlives_the_hang_up(shell: ShellTerminal) -> None:
    kept = background(shell, "sleep 100 &")
    shell.run("disown -h %1")
    assert "sleep 100" in shell.run("jobs")
    forgotten = background(shell, "sleep 200 &")
    shell.run("disown")
    assert "sleep 200" not in shell.run("jobs")
    hung_up = os.pidfd_open(background(shell, "sleep 300 &"))
    leader = shell.pid
    shell.hang_up()
    os.waitpid(leader, 0)
    shell.pid = 0
    try:
        assert select.select([hung_up], [], [], DEADLINE)[0]
        assert not {state_of(kept), state_of(forgotten)} & {"", "T", "Z"}
    finally:
        os.close(hung_up)
        os.kill(kept, signal.SIGKILL)
        os.kill(forgotten, signal.SIGKILL)


def test_suspended_readers_are_told_of(shell: ShellTerminal) -> None:
    pid = background(shell, "cat &")
    shell.until(lambda: state_of(pid) == "T")
    assert "Stopped (tty input)" in shell.run("jobs")
    shell.send("fg\n")
    shell.expect("\r\ncat\r\n")
    shell.send("hello\n")
    shell.expect("hello\r\nhello\r\n")
    shell.send("\x04")
    shell.expect(PROMPT)
    assert shell.run("echo $?; jobs") == "0\n"


def test_exec_gives_the_terminal_to_a_program(shell: ShellTerminal) -> None:
    shell.send("exec sh -c 'echo \"now $$\"'\n")
    shell.expect(f"now {shell.pid}")
    assert shell.end() == 0
