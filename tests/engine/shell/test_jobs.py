"""Job control, as the kernel sees it: each test looks at real processes on a real terminal."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.engine.shell.conftest import DEADLINE, HELIOSH, PROMPT, ShellTerminal, Terminals, children_of, stat_of

IGNORED = (
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGPIPE,
)
ECHO = 3  # index of the local modes in termios.tcgetattr
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
needs_vim = pytest.mark.skipif(shutil.which("vim") is None, reason="vim is not installed")


def background(shell: ShellTerminal, line: str) -> int:
    """Start a line that ends with &; the pid that the shell tells."""
    return int(shell.run(line).split()[1])


def foreground(shell: ShellTerminal, line: str, says: str = "go") -> int:
    """Start a program in the foreground and wait until it writes something; its process group."""
    shell.send(line + "\n")
    shell.expect(line + "\r\n")
    shell.expect(says)
    return shell.foreground()


def state_of(pid: int) -> str:
    """Of a process; empty when it is gone, and reaped."""
    stat = stat_of(pid)
    return stat.state if stat is not None else ""


def states(pgid: int) -> list[str]:
    """Of all members of a process group."""
    found = [stat_of(int(name)) for name in os.listdir("/proc") if name.isdecimal()]
    return [stat.state for stat in found if stat is not None and stat.pgrp == pgid]


# --- groups and the terminal ---


@pytest.mark.parametrize("command", ["cat /proc/self/stat", "(cat /proc/self/stat)", "{ cat /proc/self/stat; } | cat"])
def test_a_job_has_a_group_of_its_own_and_the_terminal_before_it_runs(shell: ShellTerminal, command: str) -> None:
    for _ in range(3):
        fields = shell.run(command).rpartition(")")[2].split()
        pgrp, tpgid = int(fields[2]), int(fields[5])
        assert pgrp == tpgid != shell.pid


def test_the_shell_has_the_terminal_back_when_a_job_is_done_or_stopped(shell: ShellTerminal) -> None:
    shell.run("true")
    assert shell.foreground() == shell.pid
    assert foreground(shell, "sh -c 'echo g''o; exec sleep 100'") != shell.pid
    shell.send("\x1a")
    shell.expect(PROMPT)
    assert shell.foreground() == shell.pid


def test_the_shell_has_the_terminal_back_when_a_program_can_not_be_run(shell: ShellTerminal) -> None:
    Path("nothing").write_text("#!/no/such/interpreter\n")
    Path("nothing").chmod(0o755)
    assert "bad interpreter: /no/such/interpreter" in shell.run("./nothing")
    assert shell.foreground() == shell.pid


@pytest.mark.parametrize(
    "line", ["sleep 100 | sleep 101 | sleep 102 &", "sleep 100 | { sleep 101; } | (sleep 102) &", "(sleep 100) &"]
)
def test_all_members_of_a_pipeline_are_one_group(shell: ShellTerminal, line: str) -> None:
    background(shell, line)
    members = children_of(shell.pid)
    assert len(members) == line.count("|") + 1
    [group] = {stat.pgrp for stat in members.values()}
    assert group in members


def test_builtins_groups_and_subshells_are_members_of_pipelines(shell: ShellTerminal) -> None:
    assert shell.run("echo one two | { read a b; echo $b; } | (cat; echo three) | cat") == "two\nthree\n"
    assert shell.run("x=before; echo after | read x; echo $x") == "before\n"


def test_builtins_and_groups_run_in_the_background(shell: ShellTerminal) -> None:
    os.mkfifo("fifo")
    shell.run("{ echo from the background; } > fifo &")
    assert shell.run("cat fifo").startswith("from the background\n")
    assert os.getcwd() + "\n" in shell.run("cd / & wait; pwd")


# --- stop and continue ---


def test_ctrl_z_stops_all_of_a_pipeline_and_fg_continues_all_of_it(shell: ShellTerminal) -> None:
    line = "sleep 100 | { cat; } | sh -c 'echo g''o; exec cat'"
    pgid = foreground(shell, line)
    shell.send("\x1a")
    shell.expect(f"[1]+  Stopped                 {line}")
    shell.expect(PROMPT)
    assert set(states(pgid)) == {"T"}
    shell.send("fg\n")
    # SIGCONT takes back a stop that was asked for before it (signal(7)).
    shell.until(lambda: shell.foreground() == pgid and "T" not in states(pgid))
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect(PROMPT)
    assert shell.run("bg; jobs") == f"[1]+ {line} &\n[1]+  Running                 {line} &\n"
    assert "T" not in states(pgid)
    shell.send("fg\n")
    shell.until(lambda: shell.foreground() == pgid)
    shell.send("\x03")
    shell.expect(PROMPT)
    assert states(pgid) == []
    assert shell.foreground() == shell.pid


def test_a_stopped_job_has_status_148_and_what_stands_behind_goes_on(shell: ShellTerminal) -> None:
    foreground(shell, "sh -c 'echo g''o; exec sleep 100'; echo status $?")
    shell.send("\x1a")
    shell.expect("status 148")


def test_a_job_that_somebody_else_stops_and_continues_is_followed(shell: ShellTerminal) -> None:
    shell.run("set -b")
    pid = background(shell, "sleep 100 &")
    os.kill(pid, signal.SIGSTOP)
    shell.expect("[1]+  Stopped (signal)        sleep 100")
    os.kill(pid, signal.SIGCONT)
    shell.until(lambda: state_of(pid) == "S")
    shell.until(lambda: "Running" in shell.run("jobs"))


def test_a_background_job_that_reads_is_stopped_and_reads_on_in_the_foreground(shell: ShellTerminal) -> None:
    shell.run("set -b")
    shell.send("cat &\n")
    shell.expect("[1]+  Stopped (tty input)     cat")
    shell.send("\n")
    shell.expect(PROMPT)
    shell.send("fg\n")
    shell.expect("cat\r\n")
    shell.send("some words\n")
    shell.expect("some words\r\nsome words\r\n")
    shell.send("\x04")
    shell.expect(PROMPT)


def test_jobs_can_be_stopped_even_if_the_shell_was_started_with_that_ignored(terminals: Terminals) -> None:
    shell = terminals(command=["sh", "-c", "trap '' TSTP TTIN TTOU; exec \"$@\"", "sh", *HELIOSH])
    shell.expect(PROMPT)
    reader = background(shell, "cat &")
    shell.until(lambda: state_of(reader) == "T")
    shell.run("kill %1")
    foreground(shell, "sh -c 'echo g''o; exec sleep 100'")
    shell.send("\x1a")
    shell.expect(PROMPT)
    assert shell.run("echo $?").startswith("148\n")


@pytest.mark.parametrize("writer", ["sh -c 'echo writing'", "echo writing"])
def test_a_background_job_that_writes_is_stopped_under_tostop(shell: ShellTerminal, writer: str) -> None:
    shell.run("set -b; stty tostop")
    shell.send(writer + " &\n")
    shell.expect(f"[1]+  Stopped (tty output)    {writer}")
    shell.send("\n")
    shell.expect(PROMPT)
    shell.send("fg\n")
    shell.expect(writer + "\r\n")
    assert shell.expect(PROMPT) == "writing\r\n"


# --- signals from the keyboard ---


def test_ctrl_c_ends_a_job_with_130_and_breaks_off_what_stands_behind(shell: ShellTerminal) -> None:
    foreground(shell, "sh -c 'echo g''o; exec sleep 100'; echo nev''er")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"
    assert "never" not in shell.screen


@pytest.mark.parametrize("command", ["sleep 100", "(sleep 100)", "cat < fifo", "{ sleep 100; } | cat"])
def test_ctrl_c_is_not_lost_while_a_job_is_being_started(terminals: Terminals, command: str) -> None:
    program = """if True:
        import os, signal, sys
        from engine.shell.__main__ import main

        def press(event, arguments):
            if event == "os.fork" or (event == "ctypes.dlsym" and arguments[1] == "posix_spawn"):
                os.kill(os.getpid(), signal.SIGINT)

        sys.addaudithook(press)
        main([])"""
    os.mkfifo("fifo")
    shell = terminals(command=[sys.executable, "-P", "-c", program])
    shell.expect(PROMPT)
    shell.send(f"{command}; echo nev''er\n")
    shell.expect("er\r\n")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"
    assert "never" not in shell.screen


def test_ctrl_c_that_a_program_deals_with_breaks_nothing_off(shell: ShellTerminal) -> None:
    foreground(shell, "sh -c 'trap \"exit 3\" INT; echo g''o; while :; do sleep 0.1; done'; echo then $?")
    shell.send("\x03")
    shell.expect("then 3")


def test_ctrl_backslash_quits_and_the_shell_says_so(shell: ShellTerminal) -> None:
    foreground(shell, "sh -c 'ulimit -c 0; echo g''o; exec sleep 100'")
    shell.send("\x1c")
    shell.expect("Quit\r\n")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "131\n"


def test_the_shell_itself_is_neither_stopped_nor_ended_by_the_keyboard(shell: ShellTerminal) -> None:
    shell.send("\x1a\x1c\x03")
    shell.expect(PROMPT)
    assert shell.run("echo alive") == "alive\n"
    stat = stat_of(shell.pid)
    assert stat is not None
    assert stat.state != "T"
    os.kill(shell.pid, signal.SIGTERM)
    assert shell.run("echo still") == "still\n"


def test_programs_get_the_default_of_all_that_the_shell_ignores(shell: ShellTerminal) -> None:
    for line in ("grep SigIgn /proc/self/status", "(grep SigIgn /proc/self/status; true)"):
        ignored = int(shell.run(line).split()[1], 16)
        assert [number.name for number in IGNORED if ignored & 1 << number - 1] == []
    assert shell.run("grep SigBlk /proc/self/status").split()[1] == "0" * 16


@pytest.mark.parametrize(
    ("number", "words"), [(15, "Terminated"), (9, "Killed"), (1, "Hangup"), (10, "User defined signal 1")]
)
def test_death_by_a_signal_has_its_words_and_status(shell: ShellTerminal, number: int, words: str) -> None:
    assert shell.run(f"sh -c 'kill -{number} $$'") == f"{words}\n"
    assert shell.run("echo $?") == f"{128 + number}\n"


def test_a_broken_pipe_is_quiet(shell: ShellTerminal) -> None:
    assert shell.run("yes | head -n 1") == "y\n"
    assert shell.run("{ while_ 2>&-; yes; } | head -n 1; echo ${PIPESTATUS[*]}") == "y\n141 0\n"


# --- terminal modes ---


def test_the_modes_that_a_killed_job_leaves_are_undone(shell: ShellTerminal) -> None:
    before = shell.modes()
    shell.run("sh -c 'stty raw -echo; kill -9 $$'")
    assert shell.modes() == before
    shell.run("sh -c 'stty raw -echo; exit 1'")
    assert shell.modes() == before


def test_a_stopped_job_has_its_modes_again_in_the_foreground(shell: ShellTerminal) -> None:
    before = shell.modes()
    shell.run("sh -c 'stty -echo -icanon; kill -STOP $$; echo on; read x; echo got $x'")
    assert shell.modes() == before
    shell.send("fg\n")
    shell.expect("on\r\n")
    assert not shell.modes()[ECHO] & (termios.ECHO | termios.ICANON)
    shell.send("word\n")
    shell.expect("got word")


def test_modes_that_stty_sets_stay(shell: ShellTerminal) -> None:
    shell.run("stty -ixon")
    shell.run("sh -c 'stty raw; kill -9 $$'")
    assert not shell.modes()[0] & termios.IXON


@needs_vim
def test_a_stopped_full_screen_program_comes_back(shell: ShellTerminal) -> None:
    shell.send("TERM=xterm vim -n -u NONE -c 'set nomore' -c 'call append(0, \"hel\" . \"lo\")'\n")
    shell.expect("hello")
    shell.send("\x1a")
    shell.expect("Stopped")
    shell.expect(PROMPT)
    assert shell.modes()[ECHO] & termios.ICANON
    shell.send("fg\n")
    shell.expect("hello")
    assert not shell.modes()[ECHO] & termios.ICANON
    shell.send(":q!\r")
    shell.expect(PROMPT)
    assert shell.foreground() == shell.pid


# --- what the user is told ---


def test_the_end_of_a_background_job_is_told_before_the_next_prompt(shell: ShellTerminal) -> None:
    os.mkfifo("fifo")
    pid = background(shell, "cat fifo &")
    Path("fifo").write_text("")
    shell.until(lambda: stat_of(pid) is None)
    shell.send("\n")
    assert "[1]+  Done                    cat fifo\r\n" in shell.expect(PROMPT)
    assert shell.run("jobs") == ""


@pytest.mark.parametrize("wait", ["wait", "wait %1", "wait $!", "wait -n"])
def test_the_end_of_a_job_that_is_waited_for_is_told_once(shell: ShellTerminal, wait: str) -> None:
    said = shell.run(f"sleep 100 & kill %1; {wait}; echo after")
    assert said.count("[1]+  Terminated              sleep 100\nafter\n") == said.count("Terminated") == 1
    assert shell.run("jobs") == ""


def test_a_stopped_job_that_is_killed_is_waited_for(shell: ShellTerminal) -> None:
    for line in ("kill -CONT %1; kill %1", "kill -KILL %1", "kill $!; kill -CONT $!", "kill %1"):
        pid = background(shell, "sleep 100 &")
        shell.run("kill -STOP %1")
        shell.until(lambda pid=pid: state_of(pid) == "T")  # type: ignore[misc]
        shell.run("true")
        assert "echo" not in shell.run(f"{line}; wait %1; jobs")
        assert shell.run("jobs") == ""


def test_with_notify_it_is_told_at_once(shell: ShellTerminal) -> None:
    os.mkfifo("fifo")
    shell.run("set -b")
    background(shell, "sh -c 'read x < fifo; exit 3' &")
    Path("fifo").write_text("\n")
    shell.expect("[1]+  Exit 3                  sh -c 'read x < fifo; exit 3'")


def test_jobs_are_numbered_and_marked_as_in_bash(shell: ShellTerminal) -> None:
    for seconds in (100, 101, 102):
        background(shell, f"sleep {seconds} &")
    assert [line[:4] for line in shell.run("jobs").splitlines()] == ["[1] ", "[2]-", "[3]+"]
    foreground(shell, "sh -c 'echo g''o; exec sleep 103'")
    shell.send("\x1a")
    shell.expect("[4]+  Stopped")
    shell.expect(PROMPT)
    background(shell, "sleep 104 &")
    assert [line[:4] for line in shell.run("jobs").splitlines()] == ["[1] ", "[2] ", "[3] ", "[4]+", "[5]-"]


def test_pipestatus_and_pipefail_tell_of_each_member(shell: ShellTerminal) -> None:
    assert shell.run("false | (exit 3) | true; echo $? ${PIPESTATUS[*]}") == "0 1 3 0\n"
    assert shell.run("set -o pipefail; false | (exit 3) | true; echo $?") == "3\n"
    assert shell.run("! false | true; echo $?") == "0\n"


def test_a_subshell_sees_the_jobs_of_its_shell(shell: ShellTerminal) -> None:
    background(shell, "sleep 100 &")
    assert "sleep 100 &" in shell.run("jobs | cat")
    assert "sleep 100 &" in shell.run('echo "$(jobs)"')
    assert "no such job" in shell.run("(sleep 0 & fg %2)") or "job control" in shell.run("(fg %1)")


def test_exec_that_fails_leaves_the_shell_as_it_was(shell: ShellTerminal) -> None:
    assert "Permission denied" in shell.run("exec /etc/passwd")
    shell.send("\x1a")
    assert shell.run("true; echo alive") == "alive\n"
    assert shell.foreground() == shell.pid


# --- the end ---


def test_exit_with_stopped_jobs_warns_once(shell: ShellTerminal) -> None:
    foreground(shell, "sh -c 'echo g''o; exec sleep 100'")
    shell.send("\x1a")
    shell.expect(PROMPT)
    assert shell.run("exit") == "There are stopped jobs.\n"
    assert shell.run("echo other") == "other\n"
    assert shell.run("exit") == "There are stopped jobs.\n"
    shell.send("exit\n")
    assert shell.end() == 1


def test_a_stopped_job_does_not_outlive_the_shell(shell: ShellTerminal) -> None:
    pgid = foreground(shell, "sh -c 'echo g''o; exec sleep 100'")
    shell.send("\x1a")
    shell.expect(PROMPT)
    fd = os.pidfd_open(pgid)
    shell.run("exit")
    shell.send("exit\n")
    shell.end()
    assert wait_for_end(fd)


def wait_for_end(fd: int) -> bool:
    """Whether the process of a pidfd ends."""
    try:
        return bool(select.select([fd], [], [], DEADLINE)[0])
    finally:
        os.close(fd)


def test_a_hang_up_reaches_all_jobs_but_the_disowned(shell: ShellTerminal) -> None:
    gone, kept = "sh -c 'trap \"echo hup > gone; exit\" HUP; echo g''o; while :; do sleep 0.05; done' &", "sleep 103 &"
    shell.run(gone)
    shell.until(lambda: "go\r\n" in shell.screen)
    stopped = background(shell, "sleep 101 &")
    os.kill(stopped, signal.SIGSTOP)
    disowned = background(shell, "nohup sleep 102 > /dev/null 2>&1 < /dev/null &")
    shell.run("disown %3")
    spared = background(shell, kept)
    shell.run("disown -h %3")
    fds = [os.pidfd_open(stopped), os.pidfd_open(shell.pid)]
    os.kill(shell.pid, signal.SIGHUP)
    assert shell_status(shell) == -signal.SIGHUP
    assert all(wait_for_end(fd) for fd in fds)
    for pid in (disowned, spared):
        stat = stat_of(pid)
        assert stat is not None
        assert stat.state not in "TZX"
        os.kill(pid, signal.SIGKILL)


def shell_status(shell: ShellTerminal) -> int:
    """The status of the shell itself, while others still hold its terminal."""
    status = os.waitpid(shell.pid, 0)[1]
    shell.pid = 0
    return os.waitstatus_to_exitcode(status)


def test_when_the_terminal_goes_jobs_are_hung_up(shell: ShellTerminal) -> None:
    pid = background(shell, "sleep 100 &")
    fd = os.pidfd_open(pid)
    shell.hang_up()
    assert wait_for_end(fd)
    assert shell_status(shell) == -signal.SIGHUP


def test_there_is_never_a_zombie(shell: ShellTerminal) -> None:
    for line in (
        "true & true & true &",
        "true | true | true",
        "(true &) ; $(true)",
        "sleep 0.01 & disown",
        "echo $(echo x | cat)",
    ):
        shell.run(line)
    shell.run("sleep 0.1")
    shell.until(lambda: children_of(shell.pid) == {})


def test_children_that_the_shell_did_not_start_are_reaped_too(terminals: Terminals) -> None:
    shell = terminals(command=["sh", "-c", "sleep 0.01 & sleep 0.1 & exec " + " ".join(HELIOSH)])
    shell.expect(PROMPT)
    shell.run("sleep 0.2")
    shell.until(lambda: children_of(shell.pid) == {})


# --- wherever it is started ---


@needs_bash
def test_it_runs_as_a_job_of_another_shell(terminals: Terminals) -> None:
    bash = terminals("--norc", "--noprofile", "-i", command=["bash"], env={"PS1": "outer$ "})
    bash.expect("outer$ ")
    bash.send("PS1='ready> ' " + " ".join(HELIOSH) + "\n")
    bash.expect("\r\n" + PROMPT)
    inner = bash.foreground()
    assert inner != bash.pid
    assert bash.run("echo $$") == f"{inner}\n"
    bash.run("true | true")
    assert bash.foreground() == inner
    bash.send("exit 5\n")
    bash.expect("outer$ ")
    assert bash.foreground() == bash.pid
    bash.send("echo status $?\n")
    bash.expect("status 5\r\n")


@needs_bash
def test_started_in_the_background_it_waits_for_the_foreground(terminals: Terminals) -> None:
    bash = terminals("--norc", "--noprofile", "-i", command=["bash"], env={"PS1": "outer$ "})
    bash.expect("outer$ ")
    bash.send("set -b; PS1='ready> ' " + " ".join(HELIOSH) + " &\n")
    bash.expect("Stopped")
    bash.send("fg\n")
    bash.expect("\n" + PROMPT)
    assert bash.run("true; echo here") == "here\n"


@needs_bash
def test_stopped_it_leaves_the_terminal_to_the_outer_shell(terminals: Terminals) -> None:
    bash = terminals("--norc", "--noprofile", "-i", command=["bash"], env={"PS1": "outer$ "})
    bash.expect("outer$ ")
    bash.send("PS1='ready> ' " + " ".join(HELIOSH) + "\n")
    bash.expect("\r\n" + PROMPT)
    bash.send("kill -STOP $$\n")
    bash.expect("outer$ ")
    assert bash.foreground() == bash.pid
    bash.send("fg\n")
    bash.expect("\r\n" + PROMPT)
    assert bash.run("true; echo back") == "back\n"


@needs_bash
@pytest.mark.parametrize(("start", "stop"), [("{}", "suspend"), ("{}", "kill -STOP $$"), ("sh -c '{}; :'", "suspend")])
def test_continued_in_the_background_it_waits_for_the_foreground(terminals: Terminals, start: str, stop: str) -> None:
    bash = terminals("--norc", "--noprofile", "-i", command=["bash"], env={"PS1": "outer$ "})
    bash.expect("outer$ ")
    bash.send("export PS1='ready> '; set -b; " + start.format(" ".join(HELIOSH)) + "\n")
    bash.expect("\r\n" + PROMPT)
    bash.send("PS1='inner$ '\n")
    bash.expect("inner$ ")
    bash.send(stop + "\n")
    bash.expect("Stopped")
    bash.expect(PROMPT)
    bash.send("bg\n")
    bash.expect("Stopped")
    assert bash.foreground() == bash.pid
    bash.send("\n")
    bash.expect(PROMPT)
    bash.send("fg\n")
    bash.expect("inner$ ")
    bash.send("echo back\n")
    bash.expect("\r\nback\r\n")
    bash.expect("inner$ ")


def test_a_shell_that_nobody_could_continue_is_not_suspended(shell: ShellTerminal) -> None:
    assert "heliosh: suspend: this shell leads its session: nobody could continue it\n" in shell.run("suspend")


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """heliosh in a session without a terminal."""
    return subprocess.run(
        [*HELIOSH, *arguments], input=stdin, capture_output=True, text=True, start_new_session=True, timeout=30
    )


def test_without_a_terminal_there_is_no_job_control_and_it_says_so() -> None:
    result = run("-i", "--norc", stdin="sleep 0 &\nwait\necho $-\nfg\n")
    assert "heliosh: no job control in this shell: there is no controlling terminal\n" in result.stderr
    assert "m" not in result.stdout.split()[-1]


def test_without_a_terminal_job_control_can_be_asked_for() -> None:
    result = run("-c", "set -m; sleep 100 & cut -d' ' -f5 /proc/$!/stat; echo $!; kill %1; wait %1; echo $?; echo $-")
    pgid, pid, status, options = result.stdout.split()
    assert pgid == pid
    assert status == "143"
    assert "m" in options


def test_without_job_control_all_is_one_group_and_background_jobs_ignore_the_keyboard() -> None:
    text = (
        "cut -d' ' -f5 /proc/self/stat; cut -d' ' -f5 /proc/$$/stat; grep SigIgn /proc/self/status & wait; cat & wait"
    )
    own, shells, _, ignored = run("-c", text, stdin="not read").stdout.split()
    assert own == shells
    assert int(ignored, 16) & 0b110 == 0b110  # INT and QUIT


def test_set_m_in_a_script_hands_the_terminal_over(terminals: Terminals) -> None:
    shell = terminals("-c", "set -m; cat /proc/self/stat; cat /proc/$$/stat; sleep 0 & wait")
    fields = shell.expect_match(r"\(cat\) .*\r\n")[0].split()
    assert fields[3] == fields[6]  # pgrp, tpgid
    assert fields[3] != str(shell.pid)
    assert shell.end() == 0
