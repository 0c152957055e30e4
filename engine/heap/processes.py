"""The processes of a container, as it counts them. Standard library; what is here blocks for as long as /proc takes.

Source: proc_pid_status(5), NSpid; pid_namespaces(7).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.containers.identity import identify
from engine.containers.record import Identity

LONGEST = 300  # characters of a command line that are told


class Member(NamedTuple):
    """A process. `pid`: in the PID namespace of the container; 0: it is in another one."""

    pid: int
    identity: Identity
    command: str

    @property
    def host_pid(self) -> int:
        return self.identity.pid


def members(init: int, pids: Iterable[int]) -> list[Member]:
    """Those of `pids` that are there, by their numbers inside; `init` is the container's first process."""
    level = len(_numbers(init)) - 1
    found = [member for pid in pids if (member := _member(pid, level)) is not None]
    return sorted(found, key=lambda member: (member.pid or 1 << 32, member.host_pid))


def _member(pid: int, level: int) -> Member | None:
    identity, numbers = identify(pid), _numbers(pid)
    if identity is None or not numbers:
        return None
    return Member(numbers[level] if 0 <= level < len(numbers) else 0, identity, _command(pid))


def _numbers(pid: int) -> list[int]:
    """The numbers of a process, from our PID namespace inwards; none when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines():
            if line.startswith("NSpid:"):
                return [int(word) for word in line.split()[1:]]
    return []


def _command(pid: int) -> str:
    """Its words; in brackets its name, where it has none."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        text = b" ".join(words).decode(errors="replace")
        return text[:LONGEST] if text else f"[{Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()}]"
    return ""
