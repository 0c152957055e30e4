"""The process that has a playground's heap: does operations until it is told otherwise, or until one of them ends it.

It is forked by `session` (see `heap`), shares the operations with it, and is asked and answers in frames. Standard
library, msgspec, and what is beside it.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import time
from typing import Any

import msgspec

from engine.heap.playground import frames
from engine.heap.playground.allocator import Allocator, Happened, Place
from engine.heap.playground.operations import Operations
from engine.heap.playground.trace import Operation

PIECE = 1024  # operations between two looks at the clock
_WHO = re.compile(r" by thread [0-9]+| at 0x[0-9a-f]+ \([^()]*\)")  # it is always us


class Order(msgspec.Struct, frozen=True):
    """Do operations until `to` are done, or `seconds` have passed. `singly`: so that it is known which one ended the
    process. `peek`: do the next one in a fork only."""

    to: int
    seconds: float
    singly: bool = False
    peek: bool = False


class Performed(msgspec.Struct, frozen=True):
    """One operation and what became of it."""

    index: int
    pointer: int  # that free, realloc and write were given
    answer: int  # the address; of `trim` 1: something was given back
    events: list[Happened]
    before: Place | None  # what the pointer lay in
    left: Place | None  # what it lies in now
    given: Place | None  # what the answer lies in


class Outcome(msgspec.Struct, frozen=True):
    """`step` operations are done. `last`: the last of them, unless it was done with others in one piece.

    `ended`: the line with which the fork of a peek ended; `signal`: what ended it.
    """

    step: int
    last: Performed | None = None
    ended: str = ""
    signal: int = 0


class Performer:
    """`progress`: a number that the session sees, too: how many operations are done for certain."""

    def __init__(self, allocator: Allocator, operations: Operations, progress: Any) -> None:
        self._allocator = allocator
        self._operations = operations
        self._progress = progress

    def serve(self, asked: socket.socket) -> None:
        """Until nobody is at the other end."""
        while (order := frames.receive(asked, Order)) is not None:
            frames.send(asked, self._peek() if order.peek else self._run(order))

    def _run(self, order: Order) -> Outcome:
        until = time.monotonic() + order.seconds
        step, last = int(self._progress.value), None
        while step < order.to and time.monotonic() < until:
            # The last one is shown, so it is done singly.
            end = step if order.singly else self._operations.together(step, min(step + PIECE, order.to - 1))
            if end > step:
                operations, answers = self._operations.at(step)
                self._allocator.replay(operations, end - step, self._operations.addresses, answers)
                step, last = end, None
            else:
                last = self._perform(step)
                step += 1
            self._progress.value = step
        return Outcome(step, last)

    def _perform(self, index: int, for_good: bool = True) -> Performed:
        found = self._operations[index]
        pointer = self._pointer(found)
        allocator = self._allocator
        before = allocator.place(pointer) if pointer else None
        seen = allocator.happened()
        answer = self._call(found, pointer)
        events = list(allocator.since(seen))
        if for_good:
            self._note(index, found, answer)
        left = allocator.place(pointer) if pointer else None
        given = allocator.place(answer) if answer and found.kind != "trim" else None
        return Performed(index, pointer, answer, events, before, left, given)

    def _note(self, index: int, found: Operation, answer: int) -> None:
        self._operations.answers[index] = answer
        if found.makes_block or (found.kind == "realloc" and answer):
            self._operations.addresses[self._operations.block(index)] = answer

    def _pointer(self, found: Operation) -> int:
        """What free, realloc and write are given. A block that was freed has still an address."""
        if found.makes_block or found.kind == "trim":
            return 0
        base = self._operations.addresses[found.block] if found.block else 0
        return (base + found.offset) % 2**64

    def _call(self, found: Operation, pointer: int) -> int:
        allocator = self._allocator
        match found.kind:
            case "alloc":
                return allocator.malloc(found.size) or 0
            case "calloc":
                return allocator.calloc(found.factor, found.size) or 0
            case "memalign":
                return allocator.memalign(found.factor, found.size) or 0
            case "realloc":
                return allocator.realloc(pointer, found.size) or 0
            case "free":
                allocator.free(pointer)
            case "write" if pointer:
                ctypes.memset(pointer, 0xAA, found.size)
            case "trim":
                return int(allocator.trim(0))
        return 0

    def _peek(self) -> Outcome:
        """A fork does the next operation, tells what came of it, and is gone."""
        here, there = socket.socketpair()
        said = os.memfd_create("said")
        step = int(self._progress.value)
        child = os.fork()
        if not child:
            os.dup2(said, 2)
            frames.send(there, Outcome(step, self._perform(step, for_good=False)))
            os._exit(0)
        there.close()
        with here, os.fdopen(said, "rb") as line:
            outcome = frames.receive(here, Outcome)
            _, status = os.waitpid(child, 0)
            return outcome or Outcome(step, None, last_line(line.fileno()), os.waitstatus_to_exitcode(status) * -1)


def last_line(file: int) -> str:
    """Of what a process that ended had said; without the thread and the code that called, which mean nothing here."""
    size = os.fstat(file).st_size
    text = os.pread(file, 4096, max(0, size - 4096)).decode(errors="replace")
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return _WHO.sub("", line)
