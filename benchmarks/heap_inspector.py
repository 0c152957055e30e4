"""Reading heaps from outside: how long it takes, and how much the program that is read notices.

A C program fills a heap of 1 GiB with a million blocks and slots (16 bytes to 2 KiB, every fourth freed again).
Measured is the process that reads, as the engine uses it. Then the program allocates and frees as fast as it can, by
turns unread and read five times a second.

Other programs may be at work: beside the time that passes, what the reader spends on a processor is printed; and the
program's speed is per second in which it did not wait for a processor (/proc/PID/schedstat). What it waits for in the
kernel because it is being read, counts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.heap import library
from engine.heap.inspector.client import Inspector
from engine.protocol.heap import HeapView

MAP, SUMMARY, NOTICED = 150.0, 20.0, 0.97  # what we promise: milliseconds, and the share of its speed a program keeps
PERIOD = 0.2  # seconds between two pictures
VIEW = HeapView(columns=120, rows=40)

PROGRAM = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static uint32_t state = 1;
static uint32_t random_number(void) { return (state = state * 1664525 + 1013904223) >> 8; }
static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}
int main(int argc, char **argv) {
    size_t count = strtoul(argv[1], 0, 10);
    char **held = malloc(count * sizeof *held);
    for (size_t i = 0; i < count; i++) {
        size_t size = 16 + random_number() % 2048;
        held[i] = memset(malloc(size), 1, size);
    }
    for (size_t i = 0; i < count; i += 4) {
        free(held[i]);
        held[i] = 0;
    }
    char answer[8];
    write(1, "ready\n", 6);
    while (read(0, answer, 1) == 1) { /* a byte: work for a second, and tell how much */
        uint64_t end = now() + 1000000000, done = 0;
        for (; now() < end; done += 1000)
            for (int i = 0; i < 1000; i++) {
                char **place = &held[random_number() % count];
                free(*place);
                size_t size = 16 + random_number() % 2048;
                if ((*place = malloc(size)))
                    **place = 1;
            }
        write(1, &done, 8);
    }
}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=1_340_000, help="that are allocated; a quarter is freed again")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    if library.path() is None or shutil.which("cc") is None:
        print(f"Skipped: {library.why_missing() if library.path() is None else 'there is no C compiler.'}")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        source, program = Path(directory) / "program.c", Path(directory) / "program"
        source.write_text(PROGRAM)
        subprocess.run(["cc", "-O2", "-w", "-o", program, source], check=True)
        environment = {**os.environ, "LD_PRELOAD": library.needed()}
        with subprocess.Popen(
            [program, str(arguments.blocks)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        ) as target:
            assert target.stdout is not None
            target.stdout.readline()
            try:
                asyncio.run(measure(target, arguments.rounds))
            finally:
                target.kill()
    return 0


class Measured:
    """A program and its reader, and what questions took: milliseconds, and those on a processor."""

    def __init__(self, target: subprocess.Popen[bytes], inspector: Inspector) -> None:
        self.target = target
        self.inspector = inspector

    @property
    def reader(self) -> int:
        reader = self.inspector._reader
        assert reader is not None
        return reader._process.pid

    def work(self) -> float:
        """Have the program allocate for a second: how many times it did, in a second of its own."""
        assert self.target.stdin is not None
        assert self.target.stdout is not None
        begun, waited = time.perf_counter(), schedule(self.target.pid)[1]
        self.target.stdin.write(b"w")
        done = int.from_bytes(self.target.stdout.read(8), sys.byteorder)
        return done / (time.perf_counter() - begun - (schedule(self.target.pid)[1] - waited))

    async def ask(self, question: Callable[[], Awaitable[object]], change: bool = True) -> tuple[float, float]:
        if change:  # what has changed is read anew: all of it, after a second
            await asyncio.to_thread(self.work)
        begun, ran = time.perf_counter(), schedule(self.reader)[0]
        await question()
        return (time.perf_counter() - begun) * 1e3, (schedule(self.reader)[0] - ran) * 1e3


def schedule(pid: int) -> tuple[float, float]:
    """Seconds that a process with one thread spent on a processor, and waiting for one."""
    ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    return int(ran) / 1e9, int(waited) / 1e9


async def measure(target: subprocess.Popen[bytes], rounds: int) -> None:
    inspector = Inspector(timeout=60)
    measured, pid = Measured(target, inspector), target.pid
    try:
        totals = (await inspector.picture(pid, VIEW)).totals
        print(f"{totals.mapped / (1 << 30):.2f} GiB mapped; {totals.used_count:,} blocks and slots in use, ", end="")
        print(f"{totals.free_count:,} free blocks")
        questions: list[tuple[str, float, Callable[[], Awaitable[object]]]] = [
            ("the whole map, 120 x 40 cells", MAP, lambda: inspector.picture(pid, VIEW)),
            ("a summary", SUMMARY, lambda: inspector.processes([pid])),
            ("a report of all figures", 0, lambda: inspector.report(pid)),
        ]
        for what, promise, question in questions:
            show(what, [await measured.ask(question) for _ in range(rounds)], promise)
        again = [await measured.ask(lambda: inspector.picture(pid, VIEW), change=False) for _ in range(rounds)]
        show("the map, nothing has happened since", again)
        await disturb(measured, rounds)
    finally:
        await inspector.close()


async def disturb(measured: Measured, rounds: int) -> None:
    """By turns, so that a busy machine is busy for both."""
    ratios: list[float] = []
    taken: list[tuple[float, float]] = []
    for _ in range(rounds):
        alone = await asyncio.to_thread(measured.work)
        watching = asyncio.create_task(watch(measured, taken))
        read = await asyncio.to_thread(measured.work)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await measured.inspector.processes([measured.target.pid])  # the reader is there again
        ratios.append(read / alone)
    show("the map while the program works", taken)
    ratio = statistics.median(ratios)
    print(f"speed of a program that is read 5 times a second: {ratio:.3f} of its own (target: at least {NOTICED})")


async def watch(measured: Measured, taken: list[tuple[float, float]]) -> None:
    while True:
        taken.append(await measured.ask(lambda: measured.inspector.picture(measured.target.pid, VIEW), change=False))
        await asyncio.sleep(max(PERIOD - taken[-1][0] / 1e3, 0))


def show(what: str, taken: list[tuple[float, float]], target: float = 0) -> None:
    milliseconds, processor = ([each[column] for each in taken] for column in (0, 1))
    promise = f" (target: {target:.0f} ms)" if target else ""
    print(
        f"{what}: {statistics.median(milliseconds):.1f} ms, {min(milliseconds):.1f} at best; "
        f"on a processor {statistics.median(processor):.1f} ms{promise}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
