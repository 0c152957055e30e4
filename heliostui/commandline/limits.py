"""The options of `run`, `create` and `update` that limit what a container uses, and the `Limits` they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from engine.protocol.limits import DeviceLimit, Limits
from engine.protocol.quantities import count_or_max, cpu_weight, cpus_or_max, size_or_max
from heliostui.commandline.parser import checked

T = TypeVar("T")
DEVICE_OPTIONS = {  # option → field of DeviceLimit, how its number is read, what it is
    "--device-read-bps": ("read_bps", size_or_max, "bytes read a second"),
    "--device-write-bps": ("write_bps", size_or_max, "bytes written a second"),
    "--device-read-iops": ("read_iops", count_or_max, "reads a second"),
    "--device-write-iops": ("write_iops", count_or_max, "writes a second"),
}


def add_limit_options(parser: argparse.ArgumentParser) -> None:
    """All of them, in a group of their own."""
    group = parser.add_argument_group("limits", "sizes are 512m, 1.5g …; max takes a limit away")
    add = group.add_argument
    add("-m", "--memory", metavar="SIZE", type=checked(size_or_max), help="memory")
    add("--memory-reservation", metavar="SIZE", type=checked(size_or_max), help="memory that is left to it")
    add("--memory-high", metavar="SIZE", type=checked(size_or_max), help="slow it down above (cgroup v2)")
    add("--memory-swap", metavar="SIZE", type=checked(size_or_max), help="memory and swap together (twice memory)")
    add("--cpus", metavar="NUMBER", type=checked(cpus_or_max), help="CPUs' worth of time: 0.5 is half of one")
    add("--cpu-weight", metavar="WEIGHT", type=checked(_weight), help="its share when CPUs are busy: 1-10000 (100)")
    add("-c", "--cpu-shares", dest="cpu_weight", metavar="SHARES", type=checked(_shares),
        help="the same as Docker has it: 2-262144 (1024)")  # fmt: skip
    add("--cpuset-cpus", metavar="LIST", help="the CPUs it may run on: 0-2,4")
    add("--cpuset-mems", metavar="LIST", help="the memory nodes it may use: 0,1")
    add("--pids-limit", metavar="NUMBER", type=checked(count_or_max), help="processes and threads")
    add("--io-weight", metavar="WEIGHT", type=checked(_weight), help="its share when disks are busy: 1-10000 (100)")
    for option, (_, read, what) in DEVICE_OPTIONS.items():
        add(option, metavar="DEVICE:NUMBER", action="append", type=checked(_pair(":", "device", read)), help=what)
    add("--hugetlb", metavar="PAGE=SIZE", action="append", type=checked(_pair("=", "page size", size_or_max)),
        help="huge pages: 2MB=1g")  # fmt: skip
    add("--unified", metavar="FILE=TEXT", action="append", type=checked(_pair("=", "file", str)),
        help="any file of cgroup v2: memory.high=1G")  # fmt: skip


def given_limits(arguments: argparse.Namespace) -> Limits:
    """What was asked for; what was not is None or empty."""
    fields: dict[str, Any] = {
        name: getattr(arguments, name)
        for name in ("memory", "memory_reservation", "memory_high", "memory_swap", "cpus", "cpu_weight", "cpuset_cpus")
    }
    fields |= {
        "cpuset_mems": arguments.cpuset_mems,
        "pids": arguments.pids_limit,
        "io_weight": arguments.io_weight,
        "devices": _devices(arguments),
        "hugetlb": dict(arguments.hugetlb or ()),
        "unified": dict(arguments.unified or ()),
    }
    return Limits(**fields)


def _devices(arguments: argparse.Namespace) -> list[DeviceLimit]:
    rates: dict[str, dict[str, int]] = {}
    for option, (field, _, _) in DEVICE_OPTIONS.items():
        for device, rate in getattr(arguments, option.lstrip("-").replace("-", "_")) or ():
            rates.setdefault(device, {})[field] = rate
    return [DeviceLimit(device=device, **fields) for device, fields in rates.items()]


def _pair(separator: str, what: str, read: Callable[[str], T]) -> Callable[[str], tuple[str, T]]:
    def parse(text: str) -> tuple[str, T]:
        name, found, value = text.rpartition(separator) if separator == ":" else text.partition(separator)
        if not (name and found and value):
            raise ValueError(f"'{text}' lacks a part: write {what}, {separator} and a value")
        return name, read(value)

    return parse


def _weight(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
        raise ValueError(f"'{text}' is no weight: write a whole number from 1 to 10000")
    return int(text)


def _shares(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 2 <= int(text) <= 262_144):
        raise ValueError(f"'{text}' is no number of shares: write a whole number from 2 to 262144")
    return cpu_weight(int(text))
