"""Pressure stall information: how much time is lost by waiting. cgroup2 only, on hybrid hosts too. Imports the formats
and formulas. Source: Documentation/accounting/psi.rst.
"""

from __future__ import annotations

from engine.metrics.formats import Counters, Parser
from engine.metrics.formula import Level
from engine.metrics.source import CounterFile, Source

_WHAT = "the kernel's average of the last ten seconds"


def psi(resource: str) -> Parser:
    """`some avg10=0.00 … total=0` and perhaps `full …`: the ten-second averages, in percent."""

    def parse(text: bytes) -> Counters:
        found: Counters = {}
        for line in text.splitlines():
            kind, _, rest = line.partition(b" ")
            for word in rest.split():
                if word.startswith(b"avg10="):
                    found[f"{resource} {kind.decode('ascii', 'replace')} avg10"] = float(word[6:])
        return found

    return parse


SOURCE = Source(
    tuple(CounterFile("", f"{resource}.pressure", psi(resource)) for resource in ("cpu", "memory", "io")),
    {
        "pressure.cpu": Level("cpu some avg10", _WHAT),
        "pressure.memory": Level("memory some avg10", _WHAT),
        "pressure.memory_full": Level("memory full avg10", _WHAT),
        "pressure.io": Level("io some avg10", _WHAT),
        "pressure.io_full": Level("io full avg10", _WHAT),
    },
    every=10,
)
