"""Limits as options of `run`, `create` and `update`. Imports the protocol."""

from __future__ import annotations

from engine.protocol.limits import Limits
from heliostui.receipts.words import count, each, option, size

_DEVICES = {
    "--device-read-bps": ("read_bps", size),
    "--device-write-bps": ("write_bps", size),
    "--device-read-iops": ("read_iops", count),
    "--device-write-iops": ("write_iops", count),
}


def limit_options(limits: Limits) -> list[str]:
    """Those that were asked for."""
    words = [
        *option("--memory", size(limits.memory)),
        *option("--memory-reservation", size(limits.memory_reservation)),
        *option("--memory-high", size(limits.memory_high)),
        *option("--memory-swap", size(limits.memory_swap)),
        *option("--cpus", count(limits.cpus)),
        *option("--cpu-weight", count(limits.cpu_weight)),
        *option("--cpuset-cpus", limits.cpuset_cpus),
        *option("--cpuset-mems", limits.cpuset_mems),
        *option("--pids-limit", count(limits.pids)),
        *option("--io-weight", count(limits.io_weight)),
    ]
    for name, (field, text) in _DEVICES.items():
        for limit in limits.devices:
            if (value := text(getattr(limit, field))) is not None:
                words += [name, f"{limit.device}:{value}"]
    words += each("--hugetlb", (f"{page}={size(number)}" for page, number in limits.hugetlb.items()))
    return words + each("--unified", (f"{file}={text}" for file, text in limits.unified.items()))
