"""A playground's heap as the session sees it: a forked process, which may end with any operation.

Standard library, and what is beside it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from contextlib import suppress
from mmap import PAGESIZE, mmap

from engine.heap.playground import frames
from engine.heap.playground.allocator import Allocator
from engine.heap.playground.operations import Operations
from engine.heap.playground.performing import Order, Outcome, Performer, last_line

MEMORY = 2 << 30
"""Bytes of address space that a playground's heap can have; what asks for more gets NULL."""
PATIENCE = 20.0
"""Seconds that one operation, or a piece of them, may take beyond those it was given."""
SACRIFICE = 500
"""How much sooner than others the kernel ends a heap's process when memory is short (0 to 1,000)."""
PR_SET_PDEATHSIG = 1
PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


class Died(Exception):
    """An operation ended the process. `line`: the last one it said, or what ended it; `step`: done for certain."""

    def __init__(self, line: str, step: int) -> None:
        super().__init__(line)
        self.line = line
        self.step = step


class Heap:
    """A process with the heap after `step` operations; at first none."""

    def __init__(self, allocator: Allocator, operations: Operations) -> None:
        self._progress = ctypes.c_uint64.from_buffer(mmap(-1, PAGESIZE))
        self._said = os.memfd_create("said")
        self._socket, theirs = socket.socketpair()
        parent = os.getpid()
        self.pid = os.fork()
        if not self.pid:
            self._socket.close()
            _be_a_heap(theirs, self._said, parent)
            Performer(allocator, operations, self._progress).serve(theirs)
            os._exit(0)
        theirs.close()

    @property
    def step(self) -> int:
        return int(self._progress.value)

    def run(self, to: int, seconds: float, singly: bool = False) -> Outcome:
        """Go forward to after `to` operations, or as far as it comes in `seconds`. Raises Died."""
        return self._ask(Order(to, seconds, singly))

    def peek(self) -> Outcome:
        """What the next operation would do. Raises Died: only if the heap itself can't be asked."""
        return self._ask(Order(0, 0, peek=True))

    def end(self) -> None:
        if self.pid:
            self._reap()

    def _ask(self, order: Order) -> Outcome:
        self._socket.settimeout(order.seconds + PATIENCE)
        try:
            frames.send(self._socket, order)
            outcome: Outcome | None = frames.receive(self._socket, Outcome)
        except (TimeoutError, BrokenPipeError):
            outcome = None
        if outcome is None:
            raise Died(self._reap(), self.step)
        return outcome

    def _reap(self) -> str:
        """Returns how it ended, for people."""
        os.kill(self.pid, signal.SIGKILL)  # if it hasn't ended yet
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        line = last_line(self._said)
        os.close(self._said)
        self._socket.close()
        return line or how_it_ended(-os.waitstatus_to_exitcode(status))


def how_it_ended(number: int) -> str:
    if number == signal.SIGKILL:
        return "The heap's process was killed: it took too long, or the machine had no memory left."
    try:
        name = signal.Signals(number).name
    except ValueError:
        return "The heap's process ended without a word."
    return f"The heap's process was ended by {name}."


def _be_a_heap(asked: socket.socket, said: int, parent: int) -> None:
    """Die with the session, dump no core, say nothing but into `said`, and take no more memory than one may."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Where Yama lets a process be read by its ancestors only (ptrace_scope 1), the inspector is none of them.
    libc.prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    with open(os.devnull, "r+b", buffering=0) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    os.dup2(said, 2)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(SACRIFICE))
