"""What it costs to sample 1,000 containers once a second: the share of one core that the sampler takes.

Makes real cgroups, of every controller that there is, with a sleeping program in each. Measured is the engine's sampler
in this process, while all sleep, while a tenth of them works, and while all do. Removes everything at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from promises import measured

from engine.cgroups import Cgroup, Hierarchy, discover
from engine.metrics.sampler import Sampler
from engine.metrics.watched import Program

TARGET = 3.0  # percent of one core
SLEEP = ["sleep", "1000000"]
WORK = ["sh", "-c", "while sleep 0.9; do :; done"]  # a fork, an exec and an exit between any two readings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cgroups", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=15, help="that each state is measured for")
    arguments = parser.parse_args()
    hierarchy = discover()
    if not hierarchy.available or os.geteuid() != 0:
        print(f"Skipped: {hierarchy.reason or 'only root may give programs networks of their own.'}")
        return 0
    hierarchy = replace(hierarchy, base=f"{hierarchy.base}-sampling-{os.getpid()}")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # as the engine does
    with ExitStack() as made:
        programs = [made.enter_context(running(hierarchy, number)) for number in range(arguments.cgroups)]
        asyncio.run(measure(programs, arguments.seconds))
    return 0


@contextmanager
def running(hierarchy: Hierarchy, number: int) -> Iterator[Program]:
    """A sleeping program in a cgroup and a network namespace of its own."""
    id = f"c{number}"
    cgroup = hierarchy.create(id)
    try:
        process = start(["unshare", "--net", *SLEEP], cgroup)
        yield Program(id, id, process, process.pid, cgroup, cgroup.processes)
        cgroup.kill()
        process.wait()
    finally:
        cgroup.remove()


@contextmanager
def at_work(program: Program) -> Iterator[None]:
    """Something that runs now and then beside it."""
    assert isinstance(program.directories, Cgroup)
    process = start(WORK, program.directories)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def start(command: list[str], cgroup: Cgroup) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command)
    for file in [f"{cgroup.path}/cgroup.procs", *(f"{part}/tasks" for part in set(cgroup.parts.values()))]:
        Path(file).write_text(str(process.pid))
    return process


async def measure(programs: list[Program], seconds: int) -> None:
    sampler = Sampler(lambda: programs)
    task = asyncio.create_task(sampler.run())
    print(f"{len(programs)} cgroups, {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} descriptors at most")
    await settled(sampler)
    asleep = await share(sampler, seconds)
    report("asleep", asleep)
    if len(programs) == 1000:  # as promised
        measured("sampling", asleep)
    for working in (len(programs) // 10, len(programs)):
        with ExitStack() as workers:
            for program in programs[:working]:
                workers.enter_context(at_work(program))
            await settled(sampler)
            report(f"{working} at work", await share(sampler, seconds))
    task.cancel()
    await asyncio.wait([task])


async def settled(sampler: Sampler) -> None:
    """Until all are known, and at rest if they are."""
    for _ in range(4):
        await sampler.beat()


async def share(sampler: Sampler, seconds: int) -> float:
    """Percent of a core that this process takes for so many beats of the sampler."""
    began, used = time.monotonic(), time.process_time()
    for _ in range(seconds):
        await sampler.beat()
    return 100 * (time.process_time() - used) / (time.monotonic() - began)


def report(state: str, percent: float) -> None:
    verdict = "kept" if percent <= TARGET else "MISSED"
    opened = len(os.listdir("/proc/self/fd"))
    print(f"{state:>14}: {percent:.2f} % of one core, {opened} descriptors open; target {TARGET:g} %: {verdict}")


if __name__ == "__main__":
    sys.exit(main())
