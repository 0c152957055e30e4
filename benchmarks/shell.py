"""heliosh beside bash and dash, and fish where only the start is asked for. Target: external commands at most 1x bash.

heliosh has no loops, so that a loop is a file of as many lines for all. Interleaved rounds; the median of each, the
same less the median start (what a running shell takes), and the ratio of that to bash. Absent shells are left out.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from promises import measured

ROUNDS = 10
HELIOSH = Path(sys.executable).with_name("heliosh")


class Task(NamedTuple):
    """`line` is run `times` times by each of `shells`."""

    name: str
    line: str
    times: int
    shells: tuple[str, ...] = ("heliosh", "bash", "dash")


TASKS = (
    Task("start", ":", 1, ("heliosh", "bash", "dash", "fish")),
    Task("external command", "/bin/true", 500),
    Task("found on PATH", "uname", 500),
    Task("pipeline of four", "/bin/true | /bin/true | /bin/true | /bin/true", 100),
    Task("echo | cat | cat | wc", "echo text | cat | cat | wc >/dev/null", 100),
    Task("$(external)", "x=$(/bin/echo text)", 200),
    Task("$(builtin)", "x=$(echo text)", 200),
    Task("builtins", 'echo "$0" text >/dev/null; [ "$?" = 0 ] && : "$@"', 1000),
    Task("expansions", "p=/usr/lib/file.tar; q=${p##*/}.$((3 * 7)); : ${q%.*} \"${u:-$p}\" '*' /usr/l*", 1000),
)


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def commands(directory: Path) -> dict[tuple[Task, str], list[str]]:
    """What each shell is started with for each task."""
    found: dict[tuple[Task, str], list[str]] = {}
    for number, task in enumerate(TASKS):
        script = directory / f"{number}.sh"
        script.write_text(f"{task.line}\n" * task.times)
        for shell in task.shells:
            path = str(HELIOSH) if shell == "heliosh" else shutil.which(shell)
            if path is not None:
                found[task, shell] = [path, "-c", task.line] if task.times == 1 else [path, str(script)]
    return found


def medians_of(rounds: int) -> dict[tuple[Task, str], float]:
    """The median seconds of each task in each shell."""
    with tempfile.TemporaryDirectory() as directory:
        contestants = commands(Path(directory))
        taken: dict[tuple[Task, str], list[float]] = {key: [] for key in contestants}
        for _ in range(rounds):
            for key, command in contestants.items():
                taken[key].append(seconds(command))
    return {key: statistics.median(times) for key, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    medians = medians_of(parser.parse_args().rounds)
    start = TASKS[0]
    print(f"{'':<24}{'shell':<10}{'total':>10}{'running':>14}{'to bash':>10}")
    for (task, shell), median in medians.items():
        own = median - medians[start, shell] if task is not start else median
        base = medians.get((task, "bash"))
        if base is not None and task is not start:
            base -= medians[start, "bash"]
        ratio = f"{own / base:9.2f}x" if base else ""
        each = f"{own / task.times * 1e6:8.0f} µs each" if task is not start else ""
        print(f"{task.name:<24}{shell:<10}{median * 1000:7.1f} ms{each:>16}{ratio:>10}")
        if base and (task.name, shell) == ("external command", "heliosh"):
            measured("shell", own / base)


if __name__ == "__main__":
    main()
