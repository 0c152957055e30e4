"""The machine itself: the same metrics from /proc's files of the whole system. Imports the formats and formulas.

What lies on something that is counted already is left out: a partition, LVM, a loop device; a bridge, a bond, a VLAN,
a container's veth. sysfs tells which those are, and is asked once for each name.
Sources: proc_stat(5), proc_meminfo(5), proc_loadavg(5), proc_vmstat(5), proc_pid_net(5);
Documentation/admin-guide/iostats.rst; Documentation/accounting/psi.rst.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from engine.metrics import network, pressure
from engine.metrics.formats import Counters, flat
from engine.metrics.formula import Less, Level, Rate
from engine.metrics.source import MACHINE, RARELY, CounterFile, Source

NAME = "host"
"""What it is called where containers have a name; in place of an id it has the protocol's MACHINE."""

_TICK = os.sysconf("SC_CLK_TCK")
_SECTOR = 512  # bytes, whatever the disk's own are (iostats.rst)
_KIB = 1024
_COLUMNS = 16  # of net/dev, after the interface's name
_IN_MEMORY = ("loop", "ram", "zram")
_PROGRAMS, _KERNEL, _ALL = "(user + nice)", "(system + irq + softirq)", "(user + nice + system + irq + softirq)"
_DISKS, _LINKS = "all disks", "all network devices"


def stat(text: bytes) -> Counters:
    """/proc/stat: ticks of all CPUs together, how many CPUs there are, and context switches."""
    lines = text.splitlines()
    user, nice, system, _idle, iowait, irq, softirq = map(int, lines[0].split()[1:8])
    programs, kernel = user + nice, system + irq + softirq
    cpus = sum(line.startswith(b"cpu") for line in lines) - 1
    ticks = {_ALL: programs + kernel, _PROGRAMS: programs, _KERNEL: kernel, "iowait": iowait, "CPUs": cpus}
    return {**ticks, **flat("ctxt")(text)}


def meminfo(text: bytes) -> Counters:
    """/proc/meminfo, in KiB as it is there."""
    found: Counters = {}
    for line in text.splitlines():
        name, _, rest = line.partition(b":")
        if rest.endswith(b" kB"):
            found[name.decode("ascii", "replace")] = int(rest[:-3])
    for parts in (("Cached", "Buffers"), ("Slab", "KernelStack", "PageTables")):
        found[f"({' + '.join(parts)})"] = sum(found.get(part, 0) for part in parts)
    return found


def loadavg(text: bytes) -> Counters:
    """`1.95 1.44 1.32 3/134 17624`: three averages, then tasks that want to run of all tasks."""
    one, five, fifteen, tasks, _ = text.split()
    return {
        "1 min": float(one),
        "5 min": float(five),
        "15 min": float(fifteen),
        "tasks": int(tasks.partition(b"/")[2]),
    }


class Countable:
    """Which of some devices are to be counted, found out once for each name."""

    def __init__(self, counts: Callable[[str], bool]) -> None:
        self._counts = counts
        self._known: dict[bytes, bool] = {}

    def among(self, names: Iterable[bytes]) -> set[bytes]:
        """Of those that are there now."""
        known = {name: self._known[name] if name in self._known else self._counts(os.fsdecode(name)) for name in names}
        self._known = known  # what has gone is forgotten: another may come by its name
        return {name for name, counts in known.items() if counts}


def is_disk(name: str) -> bool:
    """A whole block device that lies on no other one, and not in memory."""
    name = name.replace("/", "!")  # as sysfs writes it: cciss/c0d0
    try:
        return not name.startswith(_IN_MEMORY) and not os.listdir(f"/sys/block/{name}/slaves")
    except FileNotFoundError:
        return False  # a partition


def is_link(name: str) -> bool:
    """A network device with hardware behind it, or what a virtual machine has for that."""
    return os.path.exists(f"/sys/class/net/{name}/device")


def diskstats(disks: Countable) -> Callable[[bytes], Counters]:
    """/proc/diskstats: the sums over `disks`."""

    def parse(text: bytes) -> Counters:
        rows = {columns[2]: columns for line in text.splitlines() if len(columns := line.split()) >= 10}
        chosen = [rows[name] for name in disks.among(rows)]
        names = ("reads", "read sectors", "writes", "written sectors")
        return {name: sum(int(row[column]) for row in chosen) for name, column in zip(names, (3, 5, 7, 9), strict=True)}

    return parse


def net_dev(links: Countable) -> Callable[[bytes], Counters]:
    """/proc/net/dev: the sums over `links`; where there is none (we are in a container ourselves) over all but lo."""

    def parse(text: bytes) -> Counters:
        rows = {line.rpartition(b":")[0].strip(): line for line in text.splitlines() if b":" in line}
        chosen = links.among(rows) or rows.keys()
        return network.net_dev(b"\n".join(rows[name] for name in chosen))

    return parse


CPU = Source(
    (CounterFile(MACHINE, "stat", stat),),
    {
        "cpu": Rate(_ALL, _TICK),
        "cpu.user": Rate(_PROGRAMS, _TICK),
        "cpu.system": Rate(_KERNEL, _TICK),
        "cpu.iowait": Rate("iowait", _TICK),
        "cpu.limit": Level("CPUs", "lines cpu0, cpu1, …"),
        "switches": Rate("ctxt"),
    },
)
MEMORY = Source(
    (CounterFile(MACHINE, "meminfo", meminfo),),
    {
        "memory": Less("MemTotal", "MemAvailable", times=_KIB),
        "memory.anon": Level("AnonPages", times=_KIB),
        "memory.file": Level("(Cached + Buffers)", times=_KIB),
        "memory.kernel": Level("(Slab + KernelStack + PageTables)", times=_KIB),
        "memory.swap": Less("SwapTotal", "SwapFree", times=_KIB),
        "memory.limit": Level("MemTotal", times=_KIB),
    },
)
LOAD = Source(
    (CounterFile(MACHINE, "loadavg", loadavg),),
    {"pids": Level("tasks"), "load.1": Level("1 min"), "load.5": Level("5 min"), "load.15": Level("15 min")},
)
IO = Source(
    (CounterFile(MACHINE, "diskstats", diskstats(Countable(is_disk))),),
    {
        "io.read": Rate("read sectors", times=_SECTOR, note=_DISKS),
        "io.write": Rate("written sectors", times=_SECTOR, note=_DISKS),
        "io.read_ops": Rate("reads", note=_DISKS),
        "io.write_ops": Rate("writes", note=_DISKS),
    },
)
NETWORK = Source((CounterFile(MACHINE, "net/dev", net_dev(Countable(is_link))),), network.formulas(_LINKS))
PRESSURE = Source(
    tuple(CounterFile(MACHINE, f"pressure/{name}", pressure.psi(name)) for name in ("cpu", "memory", "io")),
    pressure.SOURCE.formulas,
    every=pressure.SOURCE.every,
)
EVENTS = Source(
    (
        CounterFile(MACHINE, "vmstat", flat("oom_kill")),
        CounterFile(MACHINE, "sys/fs/file-nr", lambda text: {"open": int(text.split()[0])}),
    ),
    {"memory.oom_kills": Level("oom_kill", "since it started"), "files": Level("open", "of all processes")},
    every=RARELY,
)
SOURCES = [CPU, MEMORY, LOAD, IO, NETWORK, PRESSURE, EVENTS]
