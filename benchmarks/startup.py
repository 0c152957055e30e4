"""What it costs to start the command line, beside an interpreter that does nothing. Target: 0.1 s for `ps`.

Runs an engine of its own in a temporary directory. Interleaved rounds; medians are printed in milliseconds and as a
ratio to `python -c pass` of the same rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from promises import measured

ROUNDS = 20
TARGET = 0.1  # seconds, for `heliostui ps`
PYTHON = [sys.executable, "-c", "pass"]
HELIOSTUI = [sys.executable, "-m", "heliostui"]


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


def main() -> None:
    commands = {
        "python -c pass": PYTHON,
        "heliostui --help": [*HELIOSTUI, "--help"],
        "heliostui ps": [*HELIOSTUI, "ps"],
        "heliostui ps --format json": [*HELIOSTUI, "ps", "--format", "json"],
        "heliostui engine status": [*HELIOSTUI, "engine", "status"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    base = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"{name:<28} {median * 1000:7.1f} ms   {median / base:5.2f}x   fastest {min(times) * 1000:6.1f} ms")
    ps = statistics.median(taken["heliostui ps"])
    measured("ps", ps)
    print(f"heliostui ps: {'within' if ps <= TARGET else 'over'} the target of {TARGET * 1000:.0f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {"HELIOSTUI_RUNTIME": f"{directory}/run", "HELIOSTUI_STATE": f"{directory}/state"}
        subprocess.run([*HELIOSTUI, "engine", "start"], stdout=subprocess.DEVNULL, check=True)
        try:
            main()
        finally:
            subprocess.run([*HELIOSTUI, "engine", "stop", "--all"], stdout=subprocess.DEVNULL, check=True)
