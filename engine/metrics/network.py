"""Bytes, packets and drops of a container's own network namespace, loopback left out. Imports the formats and formulas.

A container that shares the host's network has none of this: the numbers would be the host's. Source: proc_pid_net(5).
"""

from __future__ import annotations

import os

from engine.metrics.formats import Counters
from engine.metrics.formula import Formula, Rate
from engine.metrics.source import PROC, CounterFile, Source

_NAMES = ("receive bytes", "receive packets", "transmit bytes", "transmit packets", "drops")
_COLUMNS = 16  # after the interface's name: eight on receiving, eight on transmitting


def net_dev(text: bytes) -> Counters:
    """The sums over all interfaces but lo."""
    received = received_packets = sent = sent_packets = drops = 0
    for line in text.splitlines():
        name, colon, rest = line.rpartition(b":")
        if not colon or name.strip() == b"lo":
            continue  # the two lines of headings have no colon
        columns = rest.split()
        if len(columns) < _COLUMNS:
            raise ValueError(f"{len(columns)} columns for interface {name.strip()!r} are too few")
        received += int(columns[0])
        received_packets += int(columns[1])
        sent += int(columns[8])
        sent_packets += int(columns[9])
        drops += int(columns[3]) + int(columns[11])
    return dict(zip(_NAMES, (received, received_packets, sent, sent_packets, drops), strict=True))


def is_own(pid: int) -> bool:
    """Whether a process has another network namespace than we; false when it has ended."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return False


def formulas(which: str) -> dict[str, Formula]:
    """`which` interfaces are summed."""
    return {
        "network.in": Rate("receive bytes", note=which),
        "network.out": Rate("transmit bytes", note=which),
        "network.in_packets": Rate("receive packets", note=which),
        "network.out_packets": Rate("transmit packets", note=which),
        "network.drops": Rate("drops", note=f"received and transmitted, {which}"),
    }


SOURCE = Source(
    (CounterFile(PROC, "net/dev", net_dev),),
    formulas("all interfaces but lo"),
)
