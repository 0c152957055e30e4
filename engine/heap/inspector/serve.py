"""The loop of the process that reads heaps: one question at a time, over the socket that is its standard input.

Whatever it reads, it takes a bounded amount of memory. It ends with the engine, which also ends what takes too long.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
from collections import OrderedDict
from contextlib import suppress

import msgspec

from engine.errors import EngineError
from engine.heap.inspector import wire
from engine.heap.inspector.inspection import Inspection
from engine.protocol.framing import FrameReader
from engine.protocol.heap import HeapProcess
from engine.protocol.messages import ErrorCode

MOST_MEMORY = 3 << 30  # bytes of address space
MOST_KEPT = 4  # processes of which the last snapshot is kept
SACRIFICE = 500  # how much sooner than others the kernel ends this process when memory is short (0 to 1,000)
PR_SET_PDEATHSIG = 1


def serve() -> None:
    """Answer until the other end is closed."""
    _bound()
    questions = FrameReader(wire.MOST_QUESTION)
    inspections = Inspections()
    with socket.socket(fileno=0) as engine:
        engine.sendall(wire.READY)
        while data := engine.recv(1 << 16):
            for payload in questions.feed(data):
                asked = msgspec.json.decode(payload, type=wire.Asked)
                engine.sendall(wire.framed(inspections.answered(asked)))


def _bound() -> None:
    """prctl(2), setrlimit(2), proc_pid_oom_score_adj(5)."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(SACRIFICE))


class Inspections:
    """The processes that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Inspection] = OrderedDict()

    def answered(self, asked: wire.Asked) -> wire.Answered:
        """The answer, or why there is none."""
        try:
            answer = msgspec.json.encode(self._answer(asked.question))
        except EngineError as error:
            failed = wire.Failed(error.code, error.message)
        except MemoryError:  # RLIMIT_AS
            self._drop_all()
            failed = wire.Failed(
                ErrorCode.NO_HEAP, "The heap can't be read: it takes more memory than we have for that."
            )
        else:
            if len(answer) <= wire.MOST_ANSWER:
                return wire.Answered(asked.number, msgspec.Raw(answer))
            failed = wire.Failed(
                ErrorCode.INVALID, f"The answer would have {len(answer)} bytes: ask for less of the heap."
            )
        return wire.Answered(asked.number, failed=failed)

    def _answer(self, question: wire.AnyQuestion) -> object:
        if isinstance(question, wire.Process):
            return self._process(question.pid)
        inspection = self._of(question.pid)
        match question:
            case wire.Report():
                return inspection.answer(inspection.report)
            case wire.Picture():
                return inspection.answer(lambda: inspection.picture(question.view))
            case wire.FreeBlocks():
                return inspection.answer(lambda: inspection.free_blocks(question.bin, question.skip, question.limit))
            case wire.Memory():
                return inspection.answer(lambda: inspection.bytes(question.address, question.size))

    def _process(self, pid: int) -> HeapProcess:
        """A look that leaves nothing behind, unless somebody looks at this one anyway."""
        if (kept := self._kept.get(pid)) is not None and kept.target.alive:
            return kept.process()
        try:
            inspection = Inspection(pid)
        except EngineError as error:
            return HeapProcess(pid=0, host_pid=pid, command="", reason=error.message.rstrip("."))
        try:
            return inspection.process()
        finally:
            inspection.close()

    def _of(self, pid: int) -> Inspection:
        kept = self._kept.pop(pid, None)
        if kept is not None and not kept.target.alive:
            kept.close()
            kept = None
        self._kept[pid] = kept or Inspection(pid)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)[1].close()
        return self._kept[pid]

    def _drop_all(self) -> None:
        while self._kept:
            self._kept.popitem()[1].close()
