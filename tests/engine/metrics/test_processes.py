"""Promises of what is counted thread by thread, with real threads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import IO

import pytest

from engine.metrics.formats import Counters
from engine.metrics.processes import Processes, open_files, usage
from engine.metrics.watched import Program as Told
from engine.metrics.watched import Watched

# Does on each line what it says, and says when it is done.
PROGRAM = """
import os, sys, threading, time
opened, gates = [], []
for line in sys.stdin:
    if line == "open\\n":
        opened.append(os.open("/dev/null", os.O_RDONLY))
    elif line == "switch\\n":
        for _ in range(300):  # an interrupt may take so long that the time is over before anybody sleeps
            time.sleep(1e-6)
    elif line == "thread\\n":
        begun, gate = threading.Event(), threading.Event()
        def run():
            for _ in range(300):
                time.sleep(1e-6)
            begun.set()
            gate.wait()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        begun.wait()
        gates.append((gate, thread))
    elif line == "compute\\n":
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    elif line == "end threads\\n":
        for gate, thread in gates:
            gate.set()
            thread.join()
    print("done", flush=True)
"""


class Program:
    """It, by a pipe."""

    def __init__(self, process: subprocess.Popen[str], stdin: IO[str], stdout: IO[str]) -> None:
        self.pid = process.pid
        self._stdin, self._stdout = stdin, stdout
        self._processes = Processes()

    def do(self, what: str) -> None:
        self._stdin.write(f"{what}\n")
        self._stdin.flush()
        assert self._stdout.readline() == "done\n"

    def counters(self) -> Counters:
        return self._processes.read(0.0, [self.pid]).counters


@pytest.fixture
def program() -> Iterator[Program]:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Program(process, process.stdin, process.stdout)
        process.kill()


def test_open_files_are_counted(program: Program) -> None:
    program.do("wait for the start")
    before = program.counters()["open files"]
    program.do("open")
    program.do("open")
    assert program.counters()["open files"] == before + 2
    assert open_files(program.pid) == len(os.listdir(f"/proc/{program.pid}/fd"))


def test_switches_count_from_when_they_are_watched(program: Program) -> None:
    assert program.counters()["context switches"] == 0
    program.do("switch")
    assert program.counters()["context switches"] >= 200


def test_a_new_thread_counts_whole_and_an_ended_one_takes_nothing_away(program: Program) -> None:
    program.do("wait for the start")
    program.counters()
    program.do("thread")
    with_thread = program.counters()["context switches"]
    assert with_thread >= 200
    program.do("end threads")
    assert program.counters()["context switches"] >= with_thread


def test_a_process_that_has_ended_counts_nothing() -> None:
    child = os.posix_spawnp("true", ["true"], os.environ)
    os.waitpid(child, 0)
    assert not any(Processes().read(0.0, [child]).counters.values())


def test_without_a_cgroup_time_memory_and_threads_are_those_of_the_processes(program: Program) -> None:
    program.do("wait for the start")
    before = program.counters()
    program.do("compute")
    program.do("thread")
    after = program.counters()
    assert before["ticks"] == 0
    assert after["ticks"] >= 5
    assert after["threads"] == before["threads"] + 1
    assert before["resident bytes"] > 1 << 20


def test_a_name_with_brackets_and_spaces_hides_no_fields() -> None:
    fields = [str(number) for number in range(3, 53)]  # as proc_pid_stat(5) numbers them
    stat = f"1 (a) b (c) {' '.join(fields)}\n".encode()
    assert usage(stat) == (14 + 15, 20, 24 * os.sysconf("SC_PAGE_SIZE"))


def test_a_container_without_a_cgroup_has_what_its_processes_have(program: Program) -> None:
    watched = Watched(Told("c1", "c1", program, program.pid, None, lambda: [program.pid]), 1000, 0, None)
    program.do("wait for the start")
    for tick in (1, 2):
        watched.read(tick, time.monotonic())
        watched.take(tick, watched.look(time.monotonic()))
        program.do("compute")
    watched.take(2, watched.look(time.monotonic()))
    values = watched.values(fast=False)
    assert set(values) == {"cpu", "memory", "pids", "switches", "files"}
    assert 0 < values["cpu"] < 2
    assert values["memory"] > 1 << 20
    assert values["pids"] == 1
