"""What the heap costs programs in processor time and memory, beside glibc's, jemalloc, tcmalloc and mimalloc.

    python benchmarks/heap.py --quick               ours and glibc's, a minute or two
    python benchmarks/heap.py                       all of them, and glibc's once more, which shows the noise
    python benchmarks/heap.py --only git --rounds 20

Processor time is user and system time of a program and its children; memory is the peak of the largest of them. In
turn, round by round, as ratios to glibc's: the fastest round, since a busy machine only ever adds time, and the median
of the peaks. Programs that are not installed are left out.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from peers.allocators import Allocator, glibc, others, ours
from peers.heap_cases import THREADED, Case, Used, compiled, programs, traces

PROCESSOR, PEAK, WORST, THREADS = 0.87, 1.10, 1.10, 1.2  # at most, as ratios to glibc's
ROUNDS, QUICK_ROUNDS = 7, 3


class Ratio(NamedTuple):
    """Of one allocator to glibc's, in one case."""

    processor: float
    elapsed: float
    peak: float


Measured = dict[tuple[str, str], list[Used]]  # (case, allocator) → each round


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only glibc beside it, and few rounds")
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, or {QUICK_ROUNDS} quick ones")
    parser.add_argument("--only", default="", help="cases with this in their names")
    parser.add_argument("--library", default="", help="another one than this tree's")
    arguments = parser.parse_args()
    try:
        contestants = [glibc(), ours(arguments.library)]
    except FileNotFoundError as error:
        print(f"Skipped: {error}")
        return 0
    if not arguments.quick:
        installed, missing = others()
        contestants += [*installed, Allocator("glibc again", "")]
        if missing:
            print(f"Without {', '.join(missing)}: not installed")
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    with tempfile.TemporaryDirectory(prefix="heap-") as name:
        directory = Path(name)
        compiled(directory)
        groups = {"programs that only allocate": traces(directory), "programs that people use": programs(directory)}
        cases = {group: [case for case in made if arguments.only in case.name] for group, made in groups.items()}
        measured = in_turn(rounds, [case for each in cases.values() for case in each], contestants, directory)
    report(cases, [each.name for each in contestants], measured)
    return 0


def in_turn(rounds: int, cases: list[Case], allocators: list[Allocator], directory: Path) -> Measured:
    """Every allocator in every case of every round, after a round that does not count. Who is first changes."""
    measured: Measured = {(case.name, allocator.name): [] for case in cases for allocator in allocators}
    for number in range(rounds + 1):
        shift = number % len(allocators)
        for case in cases:
            for allocator in allocators[shift:] + allocators[:shift]:
                used = case.measured(allocator, directory)
                if number:
                    measured[case.name, allocator.name].append(used)
    return measured


def report(groups: dict[str, list[Case]], names: list[str], measured: Measured) -> None:
    ratios: dict[str, dict[str, Ratio]] = {name: {} for name in names}
    for group, cases in groups.items():
        if not cases:
            continue
        print(f"\n{group:<30}{'glibc':>18}" + "".join(f"{name:>16}" for name in names[1:]))
        for case in cases:
            base = typical(measured[case.name, "glibc"])
            for name in names:
                used = typical(measured[case.name, name])
                ratios[name][case.name] = Ratio(*(a / b for a, b in zip(used, base, strict=True)))
            columns = f"{base.processor * 1000:8.0f} ms{base.peak / 1024:5.0f} MB"
            print(f"  {case.name:<28}{columns:>18}{''.join(row(ratios[name][case.name] for name in names[1:]))}")
        means = (mean(ratios[name][case.name] for case in cases) for name in names[1:])
        print(f"  {'geometric mean':<28}{'':>18}{''.join(row(means))}")
    print("\nEach column: processor time, peak memory, as ratios to glibc's.")
    judge(ratios["heliostui"], [case.name for case in groups["programs that people use"]])


def row(ratios: Iterable[Ratio]) -> Iterator[str]:
    return (f"{ratio.processor:10.2f}{ratio.peak:6.2f}" for ratio in ratios)


def typical(rounds: list[Used]) -> Used:
    processor, elapsed, peak = zip(*rounds, strict=True)
    return Used(min(processor), min(elapsed), statistics.median(peak))


def mean(ratios: Iterable[Ratio]) -> Ratio:
    """Geometric."""
    return Ratio(*(math.exp(statistics.fmean(map(math.log, values))) for values in zip(*ratios, strict=True)))


def judge(ratios: dict[str, Ratio], programs: list[str]) -> None:
    """Our figures beside what we promise."""
    if programs:
        of_programs = mean(ratios[name] for name in programs)
        say("programs, processor time", of_programs.processor, PROCESSOR)
        say("programs, peak memory", of_programs.peak, PEAK)
    whole = mean(ratios.values())
    say("all cases, processor time", whole.processor, PROCESSOR)
    say("all cases, peak memory", whole.peak, PEAK)
    worst = max(ratios, key=lambda name: ratios[name].processor)
    say(f"worst case, processor time ({worst})", ratios[worst].processor, WORST)
    if threaded := [ratios[name] for name in ratios if name in THREADED]:
        say("threads, processor time", mean(threaded).processor, THREADS)
        say("threads, by the clock", mean(threaded).elapsed, THREADS)


def say(what: str, ratio: float, target: float) -> None:
    print(f"  {what:<48}{ratio:5.2f}x   target {target:.2f}x: {'kept' if ratio <= target else 'MISSED'}")


if __name__ == "__main__":
    sys.exit(main())
