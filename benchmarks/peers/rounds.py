"""Measuring several things in turn, and showing them beside ours."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

Table = dict[str, list[float]]  # who → what was measured, of each round


def in_turn(rounds: int, take: Mapping[str, Callable[[], float]]) -> Table:
    """One measurement of each in every round, after a round that does not count."""
    table: Table = {name: [] for name in take}
    for number in range(rounds + 1):
        for name, measurement in take.items():
            result = measurement()
            if number:
                table[name].append(result)
    return table


def show(table: Table, targets: dict[str, float]) -> dict[str, float]:
    """Medians, and ours as a ratio to each other one; returns these."""
    ratios = {}
    ours = statistics.median(table["heliostui"])
    for name, seconds in table.items():
        median = statistics.median(seconds)
        line = f"  {name:<28}{median * 1000:8.2f} ms   fastest {min(seconds) * 1000:7.2f} ms"
        if name != "heliostui":
            ratios[name] = ours / median
            line += f"   heliostui is {ours / median:5.2f}x"
        if name in targets:
            line += f", target {targets[name]:.2f}x: {'kept' if ours / median <= targets[name] else 'MISSED'}"
        print(line)
    return ratios
