"""What a container may use: the values of `run --memory …` and `update`. Imports value."""

from __future__ import annotations

from engine.protocol.value import Value

MAX = -1
"""No limit: what `max` is on the command line, and what takes a limit away that was set before."""


class DeviceLimit(Value, frozen=True):
    """What one block device gives (`--device-read-bps /dev/sda:1M` …), a second; None: not said."""

    device: str  # path of the device node, or "major:minor"
    read_bps: int | None = None  # bytes
    write_bps: int | None = None
    read_iops: int | None = None  # operations
    write_iops: int | None = None


class Limits(Value, frozen=True, forbid_unknown_fields=True):
    """Resource limits. None: not said, which leaves what is in force; `MAX`: none. Bytes, unless another unit is named.

    `memory_swap` is Docker's: memory and swap together; without it as much swap as memory.
    """

    memory: int | None = None
    memory_reservation: int | None = None  # a soft limit: what reclaim leaves alone (v2 memory.low)
    memory_high: int | None = None  # above it the container is slowed down (v2 only)
    memory_swap: int | None = None
    cpus: float | None = None  # CPUs' worth of time: 0.5 is half of one
    cpu_weight: int | None = None  # 1-10000, 100 is the default
    cpuset_cpus: str | None = None  # "0-2,4"
    cpuset_mems: str | None = None
    pids: int | None = None
    io_weight: int | None = None  # 1-10000, 100 is the default
    devices: list[DeviceLimit] = []
    hugetlb: dict[str, int] = {}  # page size ("2MB") → bytes
    unified: dict[str, str] = {}  # file of cgroup v2 → its text, as `--unified memory.high=1G`


class LimitInForce(Value, frozen=True):
    """One limit as the kernel has it now.

    `name` is the field of `Limits` ("memory", "cpus" …; "hugetlb.2MB", "devices.8:0.read_bps" for parts); `value` as
    there, `MAX` for none. `reason`: why it can't be set here, in one sentence; then there is no `path`.
    """

    name: str
    value: float | str | None
    text: str = ""  # the file's content, stripped
    path: str = ""
    usage: float | None = None  # what of it is used now, where that is known at once, in the limit's unit
    reason: str = ""


class LimitWrite(Value, frozen=True):
    """A write that changed a limit: `file` is the last part of its path ("cpu.max"), `text` what was written."""

    path: str
    text: str

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]
