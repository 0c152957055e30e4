"""Measured values as people read them: a metric's number with its unit."""

from __future__ import annotations

from engine.protocol.metrics import METRICS, Unit
from engine.protocol.quantities import size_text

NONE = "-"
"""In place of what can't be had."""


def figure(metric: str, value: float | None) -> str:
    """`1.25 cores`, `12.3 MiB/s`, `4 %`, with the unit of that metric."""
    return with_unit(value, METRICS[metric].unit)


def with_unit(value: float | None, unit: Unit | str) -> str:
    """As `figure`, of a unit."""
    if value is None:
        return NONE
    match unit:
        case "bytes":
            return size_text(value)
        case "bytes/s":
            return f"{size_text(value)}/s"
        case "1/s":
            return f"{digits(value)}/s"
        case "count":
            return f"{value:.0f}"
        case _:
            return f"{digits(value)} {unit}"


def digits(value: float) -> str:
    """Three digits, more before the point, no zeros at the end: `0.012`, `3.5`, `1234`."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.{1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3}f}"
    return text.rstrip("0").rstrip(".")


def percent(part: float | None, whole: float | None = 1.0) -> str:
    """How many hundredths one is of the other, as `docker stats` writes it: `12.34%`."""
    return NONE if part is None or not whole else f"{100 * part / whole:.2f}%"
