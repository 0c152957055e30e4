"""One process the keeper holds, from its launch until the engine forgets it. Standard library only."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from engine.sandbox import fast, portable, program
from engine.sandbox.syscalls import NUMBERS

LOST = 255 << 8  # wait status where nobody knows it
_EXEC = (NUMBERS["execve"], NUMBERS["execveat"])


@dataclass
class Held:
    """`descriptors` by name: terminal, relay_read, relay_write (a PTY), or stdin, stdout, stderr (pipes)."""

    key: str
    pid: int
    pidfd: int
    tty: bool
    descriptors: dict[str, int] = field(default_factory=dict)
    status: int | None = None  # wait status, once it has ended
    child: bool = True  # of ours, and not of the process outside

    def header(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "pid": self.pid,
            "tty": self.tty,
            "status": self.status,
            "names": list(self.descriptors),
        }

    def fds(self) -> list[int]:
        return [self.pidfd, *self.descriptors.values()]

    def reap(self) -> bool:
        """Take the exit status if there is one (waitid(2)). That of a lost parent's child nobody can know any more."""
        if not self.child:
            self.status = LOST
        if self.status is None and (info := os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG)) is not None:
            self.status = info.si_status << 8 if info.si_code == os.CLD_EXITED else info.si_status
        return self.status is not None

    def close(self) -> None:
        for fd in self.fds():
            os.close(fd)
        self.descriptors.clear()


@dataclass
class Launching:
    """A launch under way: the child speaks on `channel` until execve closes it."""

    held: Held
    number: int  # the engine's, to answer with
    channel: socket.socket
    block: memoryview
    executor: str
    finished: int = 0  # CLOCK_MONOTONIC, ns; 0 while it lasts
    said: bytes = b""  # by the child, since it last waited
    paused: str | None = None  # the point (see engine.sandbox.pause) at which it waits

    def hear(self) -> bool:
        """Take what the child sent: a terminal's master, that it waits, or the end. Whether the launch is over."""
        try:
            how = socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
            data, fds, flags, _ = socket.recv_fds(self.channel, 64, 1, how)
        except BlockingIOError:
            return False
        if flags & socket.MSG_CTRUNC or (fds and not self._hold_terminal(fds[0])):
            signal.pidfd_send_signal(self.held.pidfd, signal.SIGKILL)
        if data:
            self.said += data
            _, pause, rest = self.said.partition(b"P")
            if pause and rest.endswith(b"\n"):
                self.said, self.paused = b"", rest[:-1].decode()
            return False
        self.finished = time.monotonic_ns()
        self.channel.close()
        return True

    def resume(self) -> None:
        """Let it go on. It may have been killed meanwhile: then its end will say so."""
        self.paused = None
        with suppress(OSError):
            self.channel.send(b"R")

    def _hold_terminal(self, master: int) -> bool:
        """False when descriptors have run out; then its program must not run without us."""
        os.set_blocking(master, False)
        self.held.descriptors = {"terminal": master}
        try:
            read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        self.held.descriptors |= {"relay_read": read, "relay_write": write}
        return True

    def failed(self) -> bool:
        """Whether the program was not reached: a step failed, or the child was killed before it came to execve."""
        return program.outcome(self.block).failed != 0 or program.under_way(self.block) not in _EXEC

    def receipt(self) -> bytes:
        return program.receipt(self.block)


class Launcher:
    """Starts processes by the fast executor if it is there, else by the portable one."""

    def __init__(self) -> None:
        self.library = None if os.environ.get("HELIOSTUI_EXECUTOR") == "portable" else fast.load()
        self.executor = "fast" if self.library else "portable"

    def launch(self, header: dict[str, Any], image: bytes, own_inputs: list[int]) -> Launching:
        """Raises OSError when not even the child could be made, and `program.Stopped`; then nothing is left of it."""
        plan = program.Program(
            image,
            header["clone_flags"],
            header["inputs"],
            header["steps"],
            header["cgroup"],
            header["before"],
            header["own_memory"],
        )
        ours, theirs = socket.socketpair()
        to_close = [theirs.detach()]
        mine: dict[str, int] = {}
        try:
            streams = [-1, -1, -1] if header["tty"] else _pipes(header["stdin"], mine, to_close)
            inputs = [to_close[0], *streams, *own_inputs]
            pid, pidfd, block = self._start(plan, inputs)
        except (OSError, program.Stopped):
            ours.close()
            for fd in mine.values():
                os.close(fd)
            raise
        finally:
            for fd in to_close:
                os.close(fd)
        held = Held(header["key"], pid, pidfd, header["tty"], mine)
        return Launching(held, header["n"], ours, memoryview(block), self.executor_of(header))

    def executor_of(self, header: dict[str, Any]) -> str:
        """Which of the two walks a plan: only the portable one's child has memory of its own."""
        return "portable" if header["own_memory"] else self.executor

    def _start(self, plan: program.Program, inputs: list[int]) -> tuple[int, int, Any]:
        if self.library is None or plan.own_memory:
            return portable.launch(plan, inputs)
        return fast.launch(self.library, plan, inputs)


def _pipes(stdin: bool, mine: dict[str, int], theirs: list[int]) -> list[int]:
    """The child's ends for 0, 1 and 2; ours are put into `mine`, what to close after the launch into `theirs`.

    Each at once, so that nothing is lost when descriptors run out.
    """
    before = len(theirs)
    if stdin:
        read, mine["stdin"] = os.pipe2(os.O_CLOEXEC)
        theirs.append(read)
        os.set_blocking(mine["stdin"], False)
    else:
        # At its end already. The host's /dev/null would be the container's to chmod, for everybody.
        read, write = os.pipe2(os.O_CLOEXEC)
        theirs.append(read)
        os.close(write)
    for name in ("stdout", "stderr"):
        mine[name], write = os.pipe2(os.O_CLOEXEC)
        theirs.append(write)
        os.set_blocking(mine[name], False)
    return theirs[before:]
