"""Promises of what is counted thread by thread, with real threads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

from engine.metrics.formats import Counters
from engine.metrics.processes import Threads, open_files

# Does on each line what it says, and says when it is done.
PROGRAM = """
import os, sys, threading, time
opened, gates = [], []
for line in sys.stdin:
    if line == "open\\n":
        opened.append(os.open("/dev/null", os.O_RDONLY))
    elif line == "switch\\n":
        for _ in range(200):
            time.sleep(1e-6)
    elif line == "thread\\n":
        begun, gate = threading.Event(), threading.Event()
        def run():
            for _ in range(200):
                time.sleep(1e-6)
            begun.set()
            gate.wait()
        thread = threading.Thread(target=run)
        thread.start()
        begun.wait()
        gates.append((gate, thread))
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
        self._threads = Threads()

    def do(self, what: str) -> None:
        self._stdin.write(f"{what}\n")
        self._stdin.flush()
        assert self._stdout.readline() == "done\n"

    def counters(self) -> Counters:
        return self._threads.read(0.0, [self.pid]).counters


@pytest.fixture
def program() -> Iterator[Program]:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Program(process, process.stdin, process.stdout)


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
    assert Threads().read(0.0, [child]).counters == {"context switches": 0, "open files": 0}
