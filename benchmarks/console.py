"""What the console costs: until it is there, while nothing happens, for each frame, on a slow line, and after an hour.

    python benchmarks/console.py [SECONDS]

Everything but the hour is measured on a real PTY with a real engine. The hour is 3,600 samples of 20 containers, put in
where the engine's arrive: all that stands behind them is the console's own.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import psutil  # type: ignore[import-untyped]
from promises import measured
from wire import HELIOSTUI, Wire, console, engine, follow, heliostui, make_load, rates

from engine.client.aio import Connection
from engine.places import Places
from engine.protocol.messages import Stats, StreamStats
from engine.protocol.metrics import Sample
from heliostui.app import Console

SECONDS = 20.0
ROUNDS = 7
FRAMES = 100
HOUR = 3600
SETTLED = 3.0
PATIENCE = 300.0  # seconds
BUSY_HEAP = """
import random
kept = []
while True:
    kept.append(bytearray(random.randrange(16, 5000)))
    if len(kept) > 5000:
        del kept[random.randrange(len(kept))]
"""


def processor_time(wire: Wire) -> float:
    times = psutil.Process(wire.process.pid).cpu_times()
    return float(times.user + times.system)


def first_paint(environment: dict[str, str]) -> float:
    """Seconds from its start until the first frame stands, and the containers in it; the median."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        wire = Wire(HELIOSTUI, environment)
        wire.until(b"idle0")
        taken.append(time.perf_counter() - began)
        wire.close()
    return statistics.median(taken)


def idle_processor(environment: dict[str, str], seconds: float) -> float:
    """Percent of a core, while nothing changes."""
    wire = console(environment, b"engine")
    try:
        before = processor_time(wire)
        follow([wire], seconds)
        return 100 * (processor_time(wire) - before) / seconds
    finally:
        wire.close()


def frames(environment: dict[str, str]) -> tuple[float, float]:
    """Milliseconds from a key that moves the cursor to the frame, and of processor time for both."""
    wire = console(environment, b"load19")
    taken = []
    try:
        before = processor_time(wire)
        for number in range(FRAMES):
            sent, began = wire.bytes, time.perf_counter()
            wire.type(b"\x1b[B" if number % 20 < 10 else b"\x1b[A")
            while wire.bytes == sent:
                follow([wire], 0.001)
            taken.append(time.perf_counter() - began)
            follow([wire], 0.05)
        return 1e3 * statistics.median(taken), 1e3 * (processor_time(wire) - before) / FRAMES
    finally:
        wire.close()


def heap(environment: dict[str, str], seconds: float, *, slow: bool) -> float:
    """Bytes a second of the map of a heap that changes all the time."""
    config = Path(environment["XDG_CONFIG_HOME"], "heliostui.toml")
    config.write_text(f"slow_line = {str(slow).lower()}\n")
    wire = console({**environment, "HELIOSTUI_CONFIG": str(config)}, b"busy")
    try:
        wire.type(b"h")
        wire.until(b"in use")
        follow([wire], 4.0)
        return rates({"console": wire}, seconds)["console"]
    finally:
        wire.close()


# --- an hour ---


def an_hour(stream: Callable[..., AsyncIterator[Any]], begin: asyncio.Event, done: asyncio.Event) -> Callable[..., Any]:
    """In place of the stream of samples: the real one's, and once it is to `begin` an hour of its like, as fast as they
    are taken."""

    async def samples(self: Connection, request: Any) -> AsyncIterator[Any]:
        async for reply in stream(self, request):
            yield reply
            if not (isinstance(request, StreamStats) and isinstance(reply, Stats) and reply.samples and begin.is_set()):
                continue
            for second in range(1, HOUR):
                yield Stats(samples=[later(sample, second) for sample in reply.samples])
                await asyncio.sleep(0)
            done.set()

    return samples


def later(sample: Sample, second: int) -> Sample:
    """As it might be so much later."""
    values = {name: value * (1 + second % 7 / 10) for name, value in sample.values.items()}
    return msgspec.structs.replace(sample, time=sample.time + second, values=values)


async def memory_after_an_hour(environment: dict[str, str]) -> tuple[float, float]:
    """MB when it has shown its containers, and after that hour."""
    places = Places(Path(environment["HELIOSTUI_RUNTIME"]), Path(environment["HELIOSTUI_STATE"]))
    begin, done = asyncio.Event(), asyncio.Event()
    memory = psutil.Process().memory_info
    app = Console(places)
    with mock.patch.object(Connection, "stream", an_hour(Connection.stream, begin, done)):
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(SETTLED)
            before = memory().rss
            begin.set()
            async with asyncio.timeout(PATIENCE):
                await done.wait()
            await pilot.pause(SETTLED)
            return before / 1e6, memory().rss / 1e6


def tell(what: str, value: float, unit: str, key: str = "") -> None:
    print(f"{what:40}{value:10.2f} {unit}", flush=True)
    if key:
        measured(key, value)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with engine() as environment:
        tell("idle, of a core", idle_processor(environment, seconds), "%", "idle cpu")
        heliostui(environment, "run", "-d", "--name", "idle0", "--network", "none", "host", "sleep", "9999")
        tell("first paint", first_paint(environment), "s", "paint")
        heliostui(environment, "rm", "-f", "idle0")
        heliostui(environment, "run", "-d", "--name", "busy", "--heap", "host", "python3", "-c", BUSY_HEAP)
        tell("map of a busy heap", heap(environment, seconds, slow=False) / 1000, "kB/s")
        tell("the same on a slow line", heap(environment, seconds, slow=True) / 1000, "kB/s", "slow heap")
        heliostui(environment, "rm", "-f", "busy")
        make_load(environment)
        shown, work = frames(environment)
        tell("key to frame, 20 live containers", shown, "ms")
        tell("processor time for that", work, "ms")
        before, after = asyncio.run(memory_after_an_hour(environment))
        tell("memory, 20 containers", before, "MB")
        tell("after an hour of samples", after, "MB")


if __name__ == "__main__":
    main()
