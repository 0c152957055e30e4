"""Which process is read, by what /proc says: its names, its program, whether it is still the same one. Standard library
and the protocol only.

proc(5), proc_pid_maps(5), pidfd_open(2), elf(5).
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterator
from typing import NamedTuple

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

MOST_MAPS = 16 << 20  # bytes of /proc/PID/maps that are looked at
MOST_COMMAND = 4096
PT_INTERP = 3
CLOCK_MONOTONIC = "monotonic"


class Mapping(NamedTuple):
    start: int
    end: int
    permissions: str
    path: str


class Target:
    """A process, held by a pidfd: its number may be another process's some day, and then nothing is said of that."""

    def __init__(self, pid: int) -> None:
        """Raises EngineError when there is none."""
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            raise EngineError(ErrorCode.WRONG_STATE, f"Process {pid} has ended.") from None
        except (OSError, OverflowError) as error:
            raise EngineError(ErrorCode.INVALID, f"{pid} is not the number of a process: {error}.") from None

    def close(self) -> None:
        os.close(self._pidfd)

    @property
    def alive(self) -> bool:
        """Asked after reading: what was read was this process's."""
        return not select.select([self._pidfd], [], [], 0)[0]

    def check(self) -> None:
        """Raises EngineError when it has ended."""
        if not self.alive:
            raise EngineError(ErrorCode.WRONG_STATE, f"Process {self.pid} has ended.")

    @property
    def command(self) -> str:
        """As ps shows it; of a kernel thread or after its end, its short name in brackets."""
        words = self._bytes("cmdline", MOST_COMMAND).rstrip(b"\0").replace(b"\0", b" ")
        return (words or b"[" + self._bytes("comm", 64).rstrip(b"\n") + b"]").decode("utf-8", "replace")

    @property
    def own_pid(self) -> int:
        """Its number in its own PID namespace."""
        for line in self._bytes("status", 1 << 16).splitlines():
            if line.startswith(b"NSpid:"):
                return int(line.split()[-1])
        return self.pid

    @property
    def clock_offset(self) -> float:
        """Seconds by which its CLOCK_MONOTONIC is ahead of ours (time_namespaces(7))."""
        return self._offset(self.pid) - self._offset("self")

    @staticmethod
    def _offset(pid: int | str) -> float:
        try:
            with open(f"/proc/{pid}/timens_offsets") as file:
                for line in file:
                    clock, seconds, nanoseconds = line.split()
                    if clock in (CLOCK_MONOTONIC, "1"):
                        return int(seconds) + int(nanoseconds) / 1e9
        except (OSError, ValueError):
            pass
        return 0.0

    def mappings(self) -> Iterator[Mapping]:
        """Lowest first. Raises PermissionError."""
        for line in self._bytes("maps", MOST_MAPS, must=True).splitlines():
            fields = line.split(None, 5)
            if len(fields) < 5:
                continue
            start, _, end = fields[0].partition(b"-")
            path = fields[5].decode("utf-8", "replace") if len(fields) > 5 else ""
            yield Mapping(int(start, 16), int(end, 16), fields[1].decode(), path)

    def cannot_be_preloaded(self) -> str:
        """Why its program can't be given another allocator. Empty: it could."""
        try:
            with open(f"/proc/{self.pid}/exe", "rb") as file:
                return _unsuited(file.read(1 << 16))
        except FileNotFoundError:
            return "it has ended, or is a part of the kernel"
        except OSError:
            return ""

    def wanted(self) -> bool:
        """Whether its environment asked for the library when it started."""
        environment = self._bytes("environ", 1 << 20).split(b"\0")
        return any(word.startswith(b"LD_PRELOAD=") and b"heap" in word for word in environment)

    def _bytes(self, name: str, most: int, must: bool = False) -> bytes:
        data = bytearray()
        try:
            with open(f"/proc/{self.pid}/{name}", "rb", buffering=0) as file:
                while len(data) < most and (more := file.read(1 << 16)):
                    data += more
        except PermissionError:
            if must:
                raise
        except OSError:
            self.check()
        return bytes(data)


def _unsuited(head: bytes) -> str:
    """What the beginning of an ELF file says about preloading."""
    if head[:4] != b"\x7fELF":
        return ""
    if head[4] != 2:
        return "it is a 32-bit program, and the allocator is made for 64 bits"
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    for at in range(table, table + size * count, size or 1):
        if at + 56 > len(head):
            return ""
        kind, offset, length = (*struct.unpack_from("<I4xQ", head, at), *struct.unpack_from("<Q", head, at + 32))
        if kind == PT_INTERP:
            loader = head[offset : offset + length].rstrip(b"\0").decode("utf-8", "replace")
            return f"it was built for musl ({loader}), and the allocator is made for glibc" if "musl" in loader else ""
    return "it is statically linked, and so can't be given another allocator"
