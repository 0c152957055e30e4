"""The jobs of a terminal: seen as its shell tells them, or as /proc shows them, and acted on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from engine.client.errors import RequestFailed
from engine.protocol.messages import ActOnJob, CloseTerminal, ErrorCode, Job

from .conftest import BASH, HELIOSH, Client, Engine

PLAIN = ["env", "TERM=dumb", *HELIOSH]  # heliosh without its line editor
Action = Literal["foreground", "background", "stop", "continue", "signal"]


def act(engine: Engine, terminal: str, action: Action, job: Job, name: str = "TERM") -> None:
    engine.act(ActOnJob(terminal=terminal, pgid=job.pgid, action=action, signal=name))


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def is_let_be(pid: int) -> bool:
    """It is neither stopped nor gone; a sleeper may just be about to sleep, too."""
    return state(pid) in ("S", "R", "D")


def ready(client: Client) -> None:
    client.wait(lambda: client.screen.cursor[0] > 1, client.screen.text)  # it has prompted


# --- as /proc shows them ---


def test_the_jobs_of_a_shell_that_tells_nothing_are_derived(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        ready(client)
        table = watcher.until(lambda table: table.foreground == table.shell)
        assert (table.source, table.jobs) == ("proc", [])
        assert table.shell == table.shell_pgid == engine.terminals()[terminal].pid
        client.type("sleep 1000 | cat &\r")
        job = watcher.job("sleep 1000 | cat")
        assert (job.number, job.mark, job.foreground) == (None, "", False)
        assert [process.command for process in job.processes] == ["sleep 1000", "cat"]
        client.type("sleep 2000\r")
        front = watcher.job("sleep 2000")
        watcher.until(lambda table: table.foreground == front.pgid)
        assert watcher.job("sleep 2000").foreground
        client.type("\x1a")
        stopped = watcher.job("sleep 2000", "stopped")
        assert not stopped.foreground
        assert watcher.until(lambda table: table.foreground == table.shell_pgid)
        client.type("kill %1 %2\r")
        watcher.until(lambda table: all(job.state == "done" for job in table.jobs))
        client.type("/bin/true\r")  # bash may leave zombies until it waits again
        watcher.until(lambda table: not table.jobs)
        (sleeper,) = front.processes
        kinds = [event.kind for event in watcher.events if event.pid == sleeper.pid]
        assert kinds[0] == "fork"
        assert {"setpgid", "exec", "stop"} <= set(kinds)
        assert kinds[-1] == "exit"
        assert [event.pgid for event in watcher.events if event.kind == "foreground"][:2] == [front.pgid, table.shell]


def test_what_has_no_job_control_shows_its_processes(engine: Engine) -> None:
    terminal = engine.open("sh", "-c", "sleep 1000 | cat; exit")
    with engine.watch(terminal) as watcher:
        watcher.until(lambda table: {p.command for job in table.jobs for p in job.processes} == {"sleep 1000", "cat"})
        (job,) = watcher.table.jobs
        assert job.pgid == watcher.table.shell_pgid == watcher.table.foreground


def test_watching_ends_with_the_terminal(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.watch(terminal) as one, engine.watch(terminal) as two:
        engine.ask(CloseTerminal(terminal=terminal))
        for watcher in (one, two):
            watcher.wait(lambda watcher=watcher: watcher.ended, lambda: "the end")  # type: ignore[misc]


def test_one_of_terminal_and_container_must_be_named(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    for names in ({}, {"terminal": terminal, "container": "web"}):
        with pytest.raises(RequestFailed, match="either a terminal or a container"):
            engine.watch(**names)
    with pytest.raises(RequestFailed, match="nobody") as refusal:
        engine.watch(container="nobody")
    assert refusal.value.code == ErrorCode.NO_SUCH_CONTAINER


# --- as the shell tells them ---


def test_heliosh_tells_its_jobs(engine: Engine) -> None:
    terminal = engine.open(*PLAIN)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        watcher.until(lambda table: table.source == "heliosh")
        client.type("sleep 1000 | cat &\r")
        job = watcher.job("sleep 1000 | cat")
        assert (job.number, job.mark, job.foreground) == (1, "+", False)
        client.type("sh -c 'sleep 2000; true'\r")
        front = watcher.job("2000")
        assert front.number == 2
        watcher.until(lambda table: any(len(job.processes) == 2 for job in table.jobs if job.pgid == front.pgid))
        (_, grandchild) = watcher.job("2000").processes  # of which the shell knows nothing
        assert (grandchild.command, grandchild.state) == ("sleep 2000", "running")
        assert watcher.until(lambda table: table.foreground == front.pgid)
        client.type("\x1a")
        stopped = watcher.job("2000", "stopped")
        assert {process.state for process in stopped.processes} == {"stopped"}
        assert watcher.table.foreground == watcher.table.shell_pgid
        client.type("kill -9 %2\r")
        done = watcher.job("2000", "done")
        assert (done.processes[0].status, done.processes[0].signal) == (137, "KILL")
        kinds = [event.kind for event in watcher.events if event.pid == front.processes[0].pid]
        assert kinds.count("fork") == kinds.count("exec") == kinds.count("stop") == kinds.count("exit") == 1
        assert "7717" not in client.screen.text()
    with engine.watch(terminal) as late:  # what happened before it came
        assert [event for event in late.events if event.kind == "exit"]


def test_a_shell_in_a_shell_is_the_one_that_tells_while_it_lives(engine: Engine) -> None:
    terminal = engine.open(*PLAIN)
    leader = engine.terminals()[terminal].pid
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        watcher.until(lambda table: table.source == "heliosh")
        client.type(" ".join(HELIOSH) + "\r")
        inner = watcher.until(lambda table: table.shell != leader and table.source == "heliosh")
        assert inner.foreground == inner.shell_pgid
        client.type("exit\r")
        watcher.until(lambda table: table.shell == leader)


def test_the_table_is_there_again_after_the_engine_was_killed(engine: Engine) -> None:
    terminal = engine.open(*PLAIN)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        client.type("sleep 1000 &\r")
        job = watcher.job("sleep 1000")
    engine.kill()
    with engine.watch(terminal) as watcher:
        again = watcher.job("sleep 1000")
        assert (again.number, again.pgid, watcher.table.source) == (1, job.pgid, "heliosh")


# --- reports that lie ---


def report(**changes: Any) -> dict[str, Any]:
    table = {"v": 1, "shell": 0, "shell_pgid": 0, "foreground": 0, "jobs": [], "events": []}
    return {**table, **changes}


def claimed(pgid: int, *pids: int, state: str = "running", **changes: Any) -> dict[str, Any]:
    processes = [{"pid": pid, "command": "claimed", "state": state} for pid in pids]
    return {"pgid": pgid, "command": "claimed", "state": state, "processes": processes, "number": 1, **changes}


class Liar:
    """A program on a terminal that says what the test wants."""

    def __init__(self, engine: Engine) -> None:
        self.terminal = engine.open(
            "bash", "--norc", "-c", "stty -echo raw; while read -r line; do printf '%b' \"$line\"; done"
        )
        self.pid = engine.terminals()[self.terminal].pid
        self.client = engine.join(self.terminal)
        self.client.wait(lambda: self.said("up\\n"), self.client.screen.text)

    def said(self, text: str) -> bool:
        self.client.type(text + "\n")
        return "up" in self.client.screen.text()

    def says(self, table: Any) -> None:
        text = table if isinstance(table, str) else json.dumps(table)
        self.client.type("\\e]7717;heliosh;" + text.replace("\\", "\\\\") + "\\e\\\\\n")


@pytest.fixture
def liar(engine: Engine) -> Liar:
    return Liar(engine)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "{",
        "[]",
        '{"v":2}',
        "[" * 5000,
        json.dumps(report(jobs="all")),
        json.dumps(report(shell="1")),
        json.dumps(report(jobs=[{"pgid": 1}])),
        json.dumps(report(jobs=[claimed(1, state="asleep")])),
        json.dumps(report(events=[{"time": "now", "kind": "fork", "pid": 1, "pgid": 1}])),
        '{"v":1,"shell":1e999,"shell_pgid":0,"foreground":0,"jobs":[],"events":[]}',
    ],
)
def test_nonsense_is_ignored(engine: Engine, liar: Liar, nonsense: str) -> None:
    with engine.watch(liar.terminal) as watcher:
        liar.says(nonsense)
        liar.says(report(shell=liar.pid, jobs=[claimed(7, 7, state="done", number=77)]))  # after it, this is heard
        watcher.until(lambda table: any(job.number == 77 for job in table.jobs))


def test_processes_that_are_not_in_the_session_are_not_believed(engine: Engine, liar: Liar) -> None:
    with engine.watch(liar.terminal) as watcher:
        jobs = [claimed(1, 1), claimed(os.getpgrp(), os.getpid()), claimed(liar.pid, liar.pid, os.getpid(), 2**40)]
        liar.says(report(shell=liar.pid, jobs=jobs))
        table = watcher.until(lambda table: table.source == "heliosh")
        assert [(job.pgid, [process.pid for process in job.processes]) for job in table.jobs] == [
            (liar.pid, [liar.pid])
        ]


def test_a_shell_that_is_not_in_the_session_is_not_believed(engine: Engine, liar: Liar) -> None:
    with engine.watch(liar.terminal) as watcher:
        liar.says(report(shell=1, jobs=[claimed(liar.pid, liar.pid)]))
        liar.says(report(shell=liar.pid))
        table = watcher.until(lambda table: table.source == "heliosh")
        assert table.shell == liar.pid


def test_events_from_another_time_are_left_out_and_texts_cut(engine: Engine, liar: Liar) -> None:
    now = time.time()
    events = [
        {"time": at, "kind": "exec", "pid": 1, "pgid": 1, "text": "x" * 1000} for at in (0.0, now, now + 3600, 1e300)
    ]
    with engine.watch(liar.terminal) as watcher:
        liar.says(report(shell=liar.pid, events=events))
        assert len(watcher.until_event("exec", 1).text) == 200
        assert len([event for event in watcher.events if event.pid == 1]) == 1


def test_a_group_that_a_report_only_claims_is_not_signalled(engine: Engine, liar: Liar) -> None:
    victim = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}, setpgroup=0)
    with engine.watch(liar.terminal) as watcher:
        liar.says(report(shell=liar.pid, jobs=[claimed(victim, victim, state="done")]))
        job = watcher.job("claimed", "done")
        for action in ("stop", "continue", "signal", "background", "foreground"):
            with pytest.raises(RequestFailed, match=f"There is no .*{victim} in terminal {liar.terminal}") as refusal:
                act(engine, liar.terminal, action, job)  # type: ignore[arg-type]
            assert refusal.value.code == ErrorCode.INVALID
    assert is_let_be(victim)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)


def test_a_flood_of_reports_stops_nobody(engine: Engine) -> None:
    events = [{"time": 1e9, "kind": "fork", "pid": 1, "pgid": 1}] * 500
    text = json.dumps(report(shell=1, events=events))
    script = f"for i in {{1..3000}}; do printf '\\e]7717;heliosh;%s\\e\\\\' '{text}'; done; echo $((1 + 1)) done; read"
    terminal = engine.open("bash", "-c", script)
    with engine.join(terminal) as client, engine.watch(terminal):
        client.until("2 done")
        assert "heliosh" not in client.screen.text()


# --- acting on them ---


@pytest.fixture(params=[BASH, PLAIN], ids=["bash", "heliosh"])
def shell(request: pytest.FixtureRequest, engine: Engine) -> str:
    terminal = engine.open(*request.param)
    with engine.join(terminal) as client:
        ready(client)
    return terminal


def test_a_job_is_stopped_let_go_on_and_ended(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("sleep 1000 | sleep 1001 &\r")
        job = watcher.job("sleep 1000 | sleep 1001")
        act(engine, shell, "stop", job)
        watcher.job("sleep 1000", "stopped")
        assert {state(process.pid) for process in job.processes} == {"T"}
        act(engine, shell, "continue", job)
        watcher.job("sleep 1000", "running")
        act(engine, shell, "signal", job, "SIGTERM")
        watcher.until(lambda table: all(one.state == "done" for one in table.jobs))


def test_the_job_in_the_foreground_is_stopped_as_by_ctrl_z(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("sleep 1000\r")
        job = watcher.job("sleep 1000")
        watcher.until(lambda table: table.foreground == job.pgid)
        act(engine, shell, "stop", job)
        watcher.job("sleep 1000", "stopped")
        watcher.until(lambda table: table.foreground == table.shell_pgid)


def test_one_that_ignores_tstp_is_stopped_nevertheless(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("""bash -c 'trap "" TSTP; echo $((1+1)) up; while :; do :; done'\r""")
        client.until("2 up")
        job = watcher.job("trap")
        act(engine, shell, "stop", job)
        watcher.job("trap", "stopped")
        act(engine, shell, "signal", job, "KILL")


def test_the_job_in_the_foreground_goes_on_in_the_background(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("sleep 1000\r")
        job = watcher.job("sleep 1000")
        watcher.until(lambda table: table.foreground == job.pgid)
        act(engine, shell, "background", job)
        table = watcher.until(lambda table: table.foreground == table.shell_pgid)
        watcher.job("sleep 1000", "running")
        assert is_let_be(job.pgid)
        client.type("echo $((6 * 7)) from the shell\r")
        client.until("42 from the shell")
        assert table.shell


def test_what_no_shell_takes_the_terminal_from_is_not_put_in_the_background(engine: Engine) -> None:
    terminal = engine.open("bash", "-c", "set -m; trap '' TTOU; (sleep 1000) ; exec sleep 2000")
    with engine.watch(terminal) as watcher:
        # Its shell waits for the end and not for a stop.
        table = watcher.until(lambda table: any(table.foreground == job.pgid != table.shell_pgid for job in table.jobs))
        job = next(job for job in table.jobs if job.pgid == table.foreground)
        leader = engine.terminals()[terminal].pid
        os.kill(leader, signal.SIGSTOP)
        try:
            with pytest.raises(RequestFailed, match="did not give back the terminal") as refusal:
                act(engine, terminal, "background", job)
        finally:
            os.kill(leader, signal.SIGCONT)
        assert refusal.value.code == ErrorCode.WRONG_STATE


def test_a_stopped_job_goes_on_in_the_background(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("sleep 1000\r")
        watcher.until(lambda table: any(job.foreground for job in table.jobs))
        client.type("\x1a")
        job = watcher.job("sleep 1000", "stopped")
        act(engine, shell, "background", job)
        watcher.job("sleep 1000", "running")


def test_heliosh_brings_a_job_to_the_foreground_whatever_is_half_typed(engine: Engine) -> None:
    terminal = engine.open(*HELIOSH)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        watcher.until(lambda table: table.source == "heliosh")
        ready(client)
        client.type("sleep 1000 &\r")
        job = watcher.job("sleep 1000")
        client.type("echo half $((1 + 1)) typed")
        client.until("typed")
        act(engine, terminal, "foreground", job)
        watcher.until(lambda table: table.foreground == job.pgid)
        with pytest.raises(RequestFailed, match=r"is that of|no job") as refusal:
            act(
                engine,
                terminal,
                "foreground",
                Job(pgid=watcher.table.shell_pgid, command="", state="running", processes=[]),
            )
        assert refusal.value.code in (ErrorCode.WRONG_STATE, ErrorCode.INVALID)
        act(engine, terminal, "signal", job, "KILL")
        watcher.until(lambda table: table.foreground == table.shell_pgid)
        client.type("\r")
        client.until("half 2 typed")


def test_where_another_job_has_the_terminal_nothing_is_typed(engine: Engine) -> None:
    terminal = engine.open(*PLAIN)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        watcher.until(lambda table: table.source == "heliosh")
        client.type("sleep 1000 &\rcat\r")
        job, front = watcher.job("sleep 1000"), watcher.job("cat")
        watcher.until(lambda table: table.foreground == front.pgid)
        with pytest.raises(RequestFailed, match="Another job has the terminal") as refusal:
            act(engine, terminal, "foreground", job)
        assert refusal.value.code == ErrorCode.WRONG_STATE
        act(engine, terminal, "foreground", front)  # it is there already


def test_of_a_shell_that_tells_no_numbers_fg_is_asked_of_the_person(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        client.type("sleep 1000 &\r")
        with pytest.raises(RequestFailed, match="type `fg` there yourself") as refusal:
            act(engine, terminal, "foreground", watcher.job("sleep 1000"))
        assert refusal.value.code == ErrorCode.WRONG_STATE


def test_a_signal_must_be_one(engine: Engine, shell: str) -> None:
    with engine.join(shell) as client, engine.watch(shell) as watcher:
        client.type("sleep 1000 &\r")
        job = watcher.job("sleep 1000")
        with pytest.raises(RequestFailed, match="NONSENSE") as refusal:
            act(engine, shell, "signal", job, "NONSENSE")
        assert refusal.value.code == ErrorCode.INVALID
        assert is_let_be(job.pgid)


def test_nobody_who_is_not_watched_is_looked_at(engine: Engine) -> None:
    """An engine with terminals and no one who watches their jobs costs nothing."""
    terminal = engine.open(*BASH)
    with engine.watch(terminal) as watcher:
        watcher.until(lambda table: table.shell)
    pid = engine.info().pid
    quiet(lambda: int(Path(f"/proc/{pid}/io").read_text().split("syscr: ")[1].split()[0]))


def quiet(count: Callable[[], int]) -> None:
    """Wait until the count stands still for as long as two looks at /proc would be apart."""
    deadline = time.monotonic() + 20
    before = -1
    while (now := count()) != before:
        assert time.monotonic() < deadline, "it is still being looked at"
        before = now
        signal.sigtimedwait([], 0.6)  # nothing tells that nothing happens
