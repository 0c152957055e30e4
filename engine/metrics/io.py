"""Reads and writes of block devices, summed over all of them. Imports the formats and formulas.

A device and the one that it lies on (LVM, dm-crypt) both count. Version 1 charges what is written back from the page
cache later to nobody, so it shows direct and synchronous writes only.
Sources: cgroup-v2.rst, "IO Interface Files"; cgroup-v1/blkio-controller.rst.
"""

from __future__ import annotations

from engine.metrics.formats import Counters, Parser, summed
from engine.metrics.formula import Rate
from engine.metrics.source import CounterFile, Source

_ALL = "all devices"


def operations(read: str, write: str) -> Parser:
    """v1's lines `MAJOR:MINOR OPERATION NUMBER`, of which the reads and the writes are wanted under these names."""
    names = {b"Read": read, b"Write": write}

    def parse(text: bytes) -> Counters:
        found = {read: 0, write: 0}
        for line in text.splitlines():
            words = line.split()
            if len(words) == 3 and words[1] in names:
                found[names[words[1]]] += int(words[2])
        return dict(found)

    return parse


V2 = Source(
    (CounterFile("io", "io.stat", summed("rbytes", "wbytes", "rios", "wios")),),
    {
        "io.read": Rate("rbytes", note=_ALL),
        "io.write": Rate("wbytes", note=_ALL),
        "io.read_ops": Rate("rios", note=_ALL),
        "io.write_ops": Rate("wios", note=_ALL),
    },
)
V1 = Source(
    (
        CounterFile("io", "blkio.throttle.io_service_bytes_recursive", operations("Read bytes", "Write bytes")),
        CounterFile("io", "blkio.throttle.io_serviced_recursive", operations("Reads", "Writes")),
    ),
    {
        "io.read": Rate("Read bytes", note=_ALL),
        "io.write": Rate("Write bytes", note=_ALL),
        "io.read_ops": Rate("Reads", note=_ALL),
        "io.write_ops": Rate("Writes", note=_ALL),
    },
)
