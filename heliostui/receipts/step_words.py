"""Times of receipts as people read them. Standard library only."""

from __future__ import annotations


def took(nanoseconds: int | None) -> str:
    """`312 µs`, `4.2 ms`, `1.50 s`; `…` of what is under way."""
    if nanoseconds is None:
        return "…"
    microseconds = nanoseconds / 1000
    if microseconds < 999.5:
        return f"{microseconds:.0f} µs"
    milliseconds = microseconds / 1000
    if milliseconds < 999.5:
        return f"{milliseconds:.1f} ms" if milliseconds < 99.95 else f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.2f} s"
