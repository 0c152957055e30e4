"""Real programs in real cgroups of each version, as a sampler watches them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cgroups import Cgroup, Hierarchy
from engine.cgroups.discover import choose, may_create
from engine.metrics.watched import Program

Start = Callable[..., Program]

# Does on each line what it says, and says when it is done.
PROGRAM = """
import sys, time
kept = []
for line in sys.stdin:
    what, _, amount = line.partition(" ")
    if what == "allocate":
        kept.append(b"x" * int(amount))
    elif what == "compute":
        end = time.process_time() + float(amount)
        while time.process_time() < end:
            pass
    print("done", flush=True)
"""


class Child:
    """It, by a pipe."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture(params=[2, 1], ids=["v2", "v1"])
def hierarchy(request: pytest.FixtureRequest) -> Iterator[Hierarchy]:
    """With a core of each version; the second is what a host without cgroup2 gives."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines(keepends=True)
    mounts = "".join(line for line in lines if request.param == 2 or " - cgroup2 " not in line)
    found = choose(mounts, Path("/proc/self/cgroup").read_text(), may_create)
    if found.version != request.param:
        pytest.skip(f"no cgroup v{request.param} hierarchy here that may be written to")
    yield from ours(found)


def ours(found: Hierarchy) -> Iterator[Hierarchy]:
    """A place of our own in it, cleared afterwards."""
    made = replace(found, base=f"{os.path.dirname(found.base)}/heliostui-metrics-{os.getpid()}")
    yield made
    for name in made.ids():
        made.find(name).kill()
        made.find(name).remove()


@pytest.fixture
def start(hierarchy: Hierarchy) -> Iterator[Callable[[str], Program]]:
    """Starts a program in a cgroup of its own; `run` of what it gives is the `Child`."""
    with ExitStack() as ended:

        def start(id: str, *command: str) -> Program:
            cgroup = hierarchy.create(id)
            process = subprocess.Popen(
                [*command, sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            ended.enter_context(process)
            ended.callback(process.kill)
            cgroup.add(process.pid)
            child = Child(process)
            child.do("start")
            return Program(id, id, child, process.pid, cgroup, cgroup.processes)

        yield start


def child(program: Program) -> Child:
    assert isinstance(program.run, Child)
    return program.run


def cgroup(program: Program) -> Cgroup:
    assert isinstance(program.directories, Cgroup)
    return program.directories
