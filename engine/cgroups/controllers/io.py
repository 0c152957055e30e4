"""Block devices: bytes and operations a second, and weights.

    v2  io.max "MAJ:MIN rbps= wbps= riops= wiops=", io.weight 1-10000 or io.bfq.weight 1-1000
    v1  blkio.throttle.{read,write}_{bps,iops}_device "MAJ:MIN RATE", blkio.bfq.weight or blkio.weight

Weights need a scheduler that knows them: BFQ or, in v2, io.cost (block/bfq-iosched.rst, cgroup-v2.rst, "IO").
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write, directory, missing, read
from engine.cgroups.errors import LimitError
from engine.protocol.limits import LimitInForce
from engine.spec.limits import io_weight_of
from engine.spec.structs import BlockIO, Resources, ThrottleDevice

KINDS = {"rbps": "read_bps", "wbps": "write_bps", "riops": "read_iops", "wiops": "write_iops"}  # v2 → v1 and ours
WEIGHT = "io.weight"  # of the spec's `unified`: all that is said of it, whatever the machine calls it
MOST = 1000  # of BFQ; its default is 100, as that of io.weight
NO_WEIGHTS = "No scheduler of this machine's disks knows weights (BFQ does)."


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    weight = resources.unified.get(WEIGHT)
    block = resources.block_io or BlockIO()
    if weight is None and block == BlockIO():
        return
    found, version = directory(cgroup, "io"), cgroup.version("io")
    if weight is not None or block.weight is not None or block.weight_device:
        yield from _weights(block, weight, found)
    for key, name in KINDS.items():
        throttles: list[ThrottleDevice] = getattr(block, f"throttle_{name}_device")
        for throttle in throttles:
            device = f"{throttle.major}:{throttle.minor}"
            if version == 2:
                before = _rates(read(os.path.join(found, "io.max")) or "").get(device, {}).get(key, "max")
                rate = str(throttle.rate or "max")
                yield Write("io", "io.max", f"{device} {key}={rate}", undo=f"{device} {key}={before}")
            else:
                file = f"blkio.throttle.{name}_device"
                lines = dict(line.split() for line in (read(os.path.join(found, file)) or "").splitlines())
                yield Write("io", file, f"{device} {throttle.rate}", undo=f"{device} {lines.get(device, 0)}")


def _weights(block: BlockIO, weight: str | None, found: str) -> Iterator[Write]:
    """`weight` is one of `io.weight`; those of `block` are as BFQ has them, 1-1000."""
    file = _weight_file(found)
    if file is None:
        raise LimitError(f"An I/O weight can't be given: {NO_WEIGHTS}", unsupported=True)

    def scaled(weight: int) -> int:
        return io_weight_of(weight) if file == WEIGHT else weight

    if weight is None and block.weight is not None:
        weight = str(scaled(block.weight))
    elif weight is not None and file != WEIGHT and weight.isdigit():
        weight = str(min(int(weight), MOST))
    if weight is not None:
        yield Write("io", file, weight, undo=_default_weight(read(os.path.join(found, file)) or ""))
    for entry in block.weight_device:
        if entry.weight is not None:
            device = f"{entry.major}:{entry.minor}"
            name = file if file != "blkio.weight" else "blkio.weight_device"
            yield Write("io", name, f"{device} {scaled(entry.weight)}", undo=f"{device} default")


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    found = cgroup.directory("io")
    if found is None:
        yield LimitInForce(name="io_weight", value=None, reason=missing(cgroup, "io"))
        return
    file = _weight_file(found)
    if file is None:
        yield LimitInForce(name="io_weight", value=None, reason=NO_WEIGHTS)
    else:
        text = read(os.path.join(found, file)) or ""
        yield LimitInForce(
            name="io_weight", value=int(_default_weight(text)), text=text, path=os.path.join(found, file)
        )
    yield from _throttles(found, cgroup.version("io"))


def _throttles(found: str, version: int) -> Iterator[LimitInForce]:
    if version == 2:
        path = os.path.join(found, "io.max")
        text = read(path) or ""
        for device, rates in _rates(text).items():
            for key, rate in rates.items():
                if key in KINDS and rate != "max":
                    yield LimitInForce(name=f"devices.{device}.{KINDS[key]}", value=int(rate), text=text, path=path)
        return
    for name in KINDS.values():
        path = os.path.join(found, f"blkio.throttle.{name}_device")
        for line in (read(path) or "").splitlines():
            device, rate = line.split()
            yield LimitInForce(name=f"devices.{device}.{name}", value=int(rate), text=line, path=path)


def _weight_file(found: str) -> str | None:
    names = (WEIGHT, "io.bfq.weight", "blkio.bfq.weight", "blkio.weight")
    return next((name for name in names if os.path.exists(os.path.join(found, name))), None)


def _default_weight(text: str) -> str:
    """Of "default 100", with lines for devices behind it, or of "100"."""
    return text.split("\n")[0].removeprefix("default ") or "100"


def _rates(text: str) -> dict[str, dict[str, str]]:
    """io.max by device."""
    return {
        device: dict(pair.split("=", 1) for pair in pairs.split())
        for device, _, pairs in (line.partition(" ") for line in text.splitlines())
    }
