"""One process of a container: found by its number, signalled, made nicer, looked at.

Numbers are used again, so a process is held by a pidfd before it is looked at, and looked at before anything is done
to it: it must be one of the container's, and the one that was meant. What is here blocks: call it in a thread. Imports
`top`, isolation, the protocol and the steps. Sources: pidfd_open(2), pidfd_send_signal(2), setpriority(2), sched(7).
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.containers import isolation, top
from engine.containers.signals import name as signal_name
from engine.errors import EngineError
from engine.protocol.isolation import NamespaceView
from engine.protocol.messages import ErrorCode
from engine.protocol.processes import ProcessDetail
from engine.receipts.steps import step

FILES = 100  # open files that are told by name
LEAST, MOST = -20, 19  # nice values
Members = Callable[[], Sequence[int]]
"""The pids of the container's processes as they are now."""


def find(members: Members, pid: int, *, inside: bool, container: str) -> int:
    """The pid as we number it. EngineError(NO_SUCH_PROCESS)."""
    for member in members() if inside else ():
        try:
            if top.inner_pid(member) == pid:
                return member
        except (FileNotFoundError, ProcessLookupError):
            continue
    if inside:
        raise EngineError(ErrorCode.NO_SUCH_PROCESS, f"Container {container!r} has no process {pid} inside.")
    return pid


@contextmanager
def held(members: Members, pid: int, start: int | None, container: str) -> Iterator[int]:
    """A pidfd of the container's process `pid`, of the one that began at `start` where that is given.

    EngineError(NO_SUCH_PROCESS) when there is none, or it is not the container's.
    """
    missing = EngineError(
        ErrorCode.NO_SUCH_PROCESS,
        f"Container {container!r} has no process {pid} (any more): heliostui top lists those it has.",
    )
    if not 0 < pid < 1 << 31:
        raise missing
    try:
        pidfd = os.pidfd_open(pid)
    except (ProcessLookupError, OSError):  # EINVAL: a thread's number
        raise missing from None
    try:
        fields = top.stat(pid)
        ours = bool(fields) and start in (None, int(fields[19])) and pid in members()
        # What was looked at was this process, if it lives still: its number was not free meanwhile. A zombie is dead
        # and keeps its number, too.
        if not ours or (_ended(pidfd) and top.stat(pid)[:1] != ["Z"]):
            raise missing
        yield pidfd
    finally:
        os.close(pidfd)


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 0)[0])


def send_signal(pidfd: int, pid: int, number: int) -> None:
    """EngineError: FORBIDDEN where the kernel says so, NO_SUCH_PROCESS when it ended just now."""
    try:
        with step("pidfd_send_signal", f"process {pid}", signal_name(number)):
            signal.pidfd_send_signal(pidfd, number)
    except PermissionError:
        raise EngineError(
            ErrorCode.FORBIDDEN, f"Process {pid} is not ours to send {signal_name(number)}: it runs as another user."
        ) from None
    except ProcessLookupError:
        raise EngineError(ErrorCode.NO_SUCH_PROCESS, f"Process {pid} has just ended.") from None


def renice(pid: int, nice: int) -> int:
    """Set the nice value of all threads of `pid`, which is held; the one it had. EngineError: INVALID, FORBIDDEN."""
    if not LEAST <= nice <= MOST:
        raise EngineError(
            ErrorCode.INVALID, f"{nice} is no nice value: give {LEAST} (the greediest) to {MOST} (the most modest)."
        )
    before = int((top.stat(pid) or ["0"] * 17)[16])
    try:
        # Linux keeps it per thread. setpriority(2) takes numbers only; the pidfd was checked an instant ago, and the
        # kernel gives a number out again when it has gone through all of them.
        for thread in os.listdir(f"/proc/{pid}/task"):
            with step("setpriority", "PRIO_PROCESS", thread, nice):
                os.setpriority(os.PRIO_PROCESS, int(thread), nice)
    except (FileNotFoundError, ProcessLookupError):
        raise EngineError(ErrorCode.NO_SUCH_PROCESS, f"Process {pid} has just ended.") from None
    except PermissionError as error:
        raise EngineError(ErrorCode.FORBIDDEN, _why_not(pid, before, nice, error.errno)) from None
    return before


def _why_not(pid: int, before: int, nice: int, error: int | None) -> str:
    if error == errno.EACCES:  # setpriority(2): a lower value without CAP_SYS_NICE, or RLIMIT_NICE that allows it
        return (
            f"The nice value of process {pid} can't go down from {before} to {nice}: for that the engine needs "
            "CAP_SYS_NICE on this machine, which a rootless one has not. It can go up."
        )
    return f"Process {pid} is not ours to change: it runs as another user."


def detail(pid: int, before: dict[int, top.Used]) -> ProcessDetail:
    """All of it. EngineError(NO_SUCH_PROCESS) when it ends meanwhile."""
    try:
        rows = top.rows([pid], before)
        status = isolation.status_of(pid)
        proc = Path(f"/proc/{pid}")
        return ProcessDetail(
            process=rows[0],
            executable=_link(proc / "exe"),
            directory=_link(proc / "cwd"),
            root=_link(proc / "root"),
            cgroups=_text(proc / "cgroup").splitlines(),
            namespaces=_namespaces(pid),
            capabilities=isolation.capabilities_of(status),
            seccomp=isolation.SECCOMP[int(status.get("Seccomp", "0"))],
            no_new_privileges=status.get("NoNewPrivs") == "1",
            ids=[int(word) for name in ("Uid", "Gid") for word in status.get(name, "").split()],
            oom_score=int(_text(proc / "oom_score") or 0),
            oom_score_adj=int(_text(proc / "oom_score_adj") or 0),
            switches=[int(status.get(f"{name}_ctxt_switches", "0")) for name in ("voluntary", "nonvoluntary")],
            open_files=_files(proc / "fd"),
        )
    except (FileNotFoundError, ProcessLookupError, IndexError):
        raise EngineError(ErrorCode.NO_SUCH_PROCESS, f"Process {pid} has just ended.") from None


def _namespaces(pid: int) -> list[NamespaceView]:
    try:
        return isolation.namespaces_of(pid, isolation.host_namespaces(), {})
    except (PermissionError, FileNotFoundError):  # it may not be read; a zombie has none
        return []


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _files(directory: Path) -> list[str]:
    try:
        numbers = sorted(map(int, os.listdir(directory)))
    except OSError:
        return []
    return [f"{number} → {_link(directory / str(number))}" for number in numbers[:FILES]]
