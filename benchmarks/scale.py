"""What many idle containers cost: memory of engine and keeper, and how long a new engine takes to take them all over.

Runs an engine of its own in a temporary directory, and removes everything at the end.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from promises import measured

from engine.client.blocking import Connection
from engine.images.busybox import Busybox
from engine.places import Places
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    Containers,
    EngineInfo,
    ListContainers,
    RemoveContainer,
    RunContainer,
    StopEngine,
)

MEMORY = 60e6  # bytes, of engine and keeper with 500 containers
EACH = 60e3  # bytes, of these for one container
SLEEP = ContainerOptions(image="busybox", command=["sleep", "1000000"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--containers", type=int, default=500)
    count = parser.parse_args().containers
    if reason := Busybox().unavailable():
        print(f"Skipped: {reason}")
        return 0
    with tempfile.TemporaryDirectory(prefix="scale-") as directory:
        places = Places(Path(directory, "run"), Path(directory, "state"))
        try:
            measure(places, count)
        finally:
            with Connection.connect(places) as engine:
                engine.request(StopEngine(all=True))
    return 0


def measure(places: Places, count: int) -> None:
    with Connection.connect(places) as engine:
        first = run(engine)  # the image is there, and all code is loaded
        empty = sum(memory(engine.engine).values())
        began = time.monotonic()
        ids = [first, *(run(engine) for _ in range(count - 1))]
        print(f"{count} containers, started in {time.monotonic() - began:.1f} s")
        full = memory(engine.engine)
        report("with them", sum(full.values()), full)
        each = (sum(full.values()) - empty) / (count - 1)
        if count == 500:  # as promised
            measured("500 idle", sum(full.values()) / 1e6)
            measured("500 each", each / 1e3)
        print(f"that is {each / 1e3:.1f} kB for each, target {EACH / 1e3:.0f} kB: {verdict(each, EACH)}")
        began = time.monotonic()
        os.kill(engine.engine.pid, signal.SIGKILL)
    with Connection.connect(places) as engine:
        taken = time.monotonic() - began
        running = len(engine.request(ListContainers(), Containers).containers)
        print(f"killed; the next engine answers after {taken:.2f} s and has {running} of them")
        again = memory(engine.engine)
        report("after that", sum(again.values()), again)
        began = time.monotonic()
        for id in ids:
            engine.request(RemoveContainer(container=id, force=True))
        print(f"killed and removed them all in {time.monotonic() - began:.1f} s")


def run(engine: Connection) -> str:
    return engine.request(RunContainer(options=SLEEP), ContainerRef).id


def memory(engine: EngineInfo) -> dict[str, int]:
    """Bytes of engine and keeper: their proportional set sizes (proc_pid_smaps_rollup(5))."""
    return {"engine": pss(engine.pid), "keeper": pss(engine.keeper_pid)}


def pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"/proc/{pid}/smaps_rollup has no Pss")


def report(when: str, total: int, parts: dict[str, int]) -> None:
    of = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in parts.items())
    print(f"memory {when}: {total / 1e6:.1f} MB ({of}), target {MEMORY / 1e6:.0f} MB: {verdict(total, MEMORY)}")


def verdict(value: float, target: float) -> str:
    return "kept" if value <= target else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
