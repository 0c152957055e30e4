"""What is promised about speed (DESIGN, section 10), and the table of it beside what was measured.

Benchmarks tell `measured`; run by itself, after them, it prints the table: `make bench` does that. What no benchmark
told, because it could not run here, has no number.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple


class Promise(NamedTuple):
    """`target`: as one says it; `most`: as a number, None where it is the least that is promised (`least`)."""

    what: str
    target: str
    most: float | None = None
    least: float | None = None

    def kept(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)


PROMISES = {
    "start": Promise("create and start to execve, API", "<= 1.3x C", 1.3),
    "run crun": Promise("run /bin/true and reap it, API, to crun", "<= 0.45x", 0.45),
    "run runc": Promise("the same, to runc", "<= 0.13x", 0.13),
    "exec": Promise("exec into a running container, API, to crun", "<= 0.25x", 0.25),
    "500 idle": Promise("500 idle containers: engine and keeper", "<= 60 MB", 60),
    "500 each": Promise("500 idle containers: each", "<= 60 kB", 60),
    "sampling": Promise("sampling 1,000 cgroups at 1 Hz", "<= 3 % of a core", 3),
    "terminal plain": Promise("terminal core, MB/s to tmux, plain recordings", ">= 1x", None, 1.0),
    "terminal full": Promise("terminal core, MB/s to tmux, full screen", ">= 0.5x", None, 0.5),
    "echo": Promise("key to echo in the embedded terminal, to tmux", "<= 2x", 2),
    "idle bytes": Promise("idle console, nothing changing: bytes", "0 B/s", 0),
    "idle cpu": Promise("idle console, nothing changing: CPU", "<= 0.5 %", 0.5),
    "wire": Promise("console, 20 live containers, 120x40", "<= 5 kB/s", 5),
    "slow heap": Promise("heap map of a busy heap, slow line", "<= 5 kB/s", 5),
    "shell": Promise("heliosh: external command in a loop, to bash", "<= 1x", 1),
    "paint": Promise("console, first paint", "<= 0.8 s", 0.8),
    "ps": Promise("heliostui ps", "<= 0.1 s", 0.1),
}
_FILE = "HELIOSTUI_MEASURED"


def measured(key: str, value: float) -> None:
    """Tell what was measured for a promise, in the unit of its target."""
    assert key in PROMISES, f"{key} is not among the promises"
    if path := os.environ.get(_FILE):
        with open(path, "a") as file:
            file.write(json.dumps([key, value]) + "\n")


def table(found: dict[str, float]) -> str:
    width = max(len(promise.what) for promise in PROMISES.values())
    lines = [f"{'what':{width}}  {'target':>16}  {'measured':>10}"]
    for key, promise in PROMISES.items():
        value = found.get(key)
        shown = "-" if value is None else f"{value:.3g}"
        lines.append(
            f"{promise.what:{width}}  {promise.target:>16}  {shown:>10}"
            + ("" if value is None or promise.kept(value) else "  missed")
        )
    return "\n".join(lines)


def main() -> None:
    found: dict[str, float] = {}
    path = os.environ.get(_FILE, "")
    if path and os.path.exists(path):
        with open(path) as file:
            found = dict(map(json.loads, file))
    print(table(found))


if __name__ == "__main__":
    main()
