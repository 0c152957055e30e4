"""A playground: its operations, how far they are done, and the process that has the heap. Answers requests.

Going back is doing it all again in a fresh fork, up to the step that is wanted. The allocator's base address and secret
are given, and time does not count, so each step answers what it answered the first time. When an operation ends the
heap's process, another one takes its place, with all operations before that one done.

Imports msgspec, the protocol, and what is beside it; no asyncio.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from engine.heap.playground import frames
from engine.heap.playground.allocator import Allocator
from engine.heap.playground.answers import Answer, Asked
from engine.heap.playground.explaining import explain
from engine.heap.playground.heap import Died, Heap, how_it_ended
from engine.heap.playground.operations import Living, Operations
from engine.heap.playground.performing import Outcome, Performed
from engine.heap.playground.trace import TraceError
from engine.protocol.heap import (
    HeapEvent,
    HeapOptions,
    Playground,
    PlaygroundBlock,
    PlaygroundOperation,
    PlaygroundStep,
)
from engine.protocol.messages import (
    Error,
    ErrorCode,
    ListPlay,
    Peeked,
    PeekPlayground,
    Play,
    PlaygroundShown,
    SeekPlayground,
)
from engine.protocol.messages import Operations as Listed

SECONDS = 5.0
"""What going forward may take; then it stops where it is, and can be asked to go on."""
SECONDS_BACK = 30.0
"""What doing again may take that was done already."""
BLOCKS = 1_000
EVENTS = 1_000
MOST_LISTED = 10_000


class Refused(Exception):
    def __init__(self, code: ErrorCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class End(NamedTuple):
    """Operation `step`, counted from 1, ends the heap's process, which says `line`."""

    step: int
    line: str


class Session:
    """What a playground's process does. `id`: what the engine calls it."""

    def __init__(self, id: str, options: HeapOptions, allocator: Allocator) -> None:
        self._id = id
        self._options = options
        self._allocator = allocator
        self._operations = Operations()
        self._living = Living(self._operations)
        self._heap = Heap(allocator, self._operations)
        self._end: End | None = None  # if that is where we are
        self._last: PlaygroundStep | None = None

    @property
    def step(self) -> int:
        return self._end.step if self._end else self._heap.step

    def serve(self, asked: socket.socket) -> None:
        """Until the engine is at the other end no more."""
        while (request := frames.receive(asked, Asked)) is not None:
            frames.send(asked, Answer(self.answer(request), self._heap.pid))
        self._heap.end()

    def answer(self, request: Asked) -> PlaygroundShown | Peeked | Listed | Error:
        try:
            match request:
                case Play():
                    self._play(request)
                case SeekPlayground():
                    self._seek(request.step)
                case PeekPlayground():
                    return self._peek()
                case ListPlay():
                    return Listed(operations=self._listed(request.first, request.limit))
            return PlaygroundShown(playground=self._shown())
        except Refused as error:
            return Error(code=error.code, message=str(error))
        except Died as died:  # doing what was done already: the machine has no memory left, or is too slow
            self._renew()
            self._arrive(Outcome(0))
            return Error(code=ErrorCode.WRONG_STATE, message=f"The playground is at its start again: {died.line}")

    # --- going ---

    def _play(self, request: Play) -> None:
        if self._end and (request.run or not request.append):
            raise Refused(ErrorCode.WRONG_STATE, f"The heap ended with step {self.step}: step back, then go on.")
        lines = [line for text in request.operations for line in text.splitlines()]
        if request.append:
            self._extend(lines)
        else:
            self._replace(lines)
        if request.run:
            self._go(len(self._operations))

    def _replace(self, lines: list[str]) -> None:
        """Put them after the present step; if one of them is wrong, nothing has changed."""
        step = self.step
        coming = [str(self._operations[index]) for index in range(step, len(self._operations))] if lines else []
        self._operations.truncate(step)
        try:
            self._extend(lines)
        except Refused:
            self._operations.extend(coming)
            raise

    def _extend(self, lines: list[str]) -> None:
        try:
            self._operations.extend(lines)
        except TraceError as error:
            raise Refused(ErrorCode.INVALID, str(error)) from None

    def _seek(self, step: int) -> None:
        if not 0 <= step <= len(self._operations):
            raise Refused(
                ErrorCode.INVALID, f"There is no step {step:,}: the steps are 0 to {len(self._operations):,}."
            )
        if step != self.step:
            self._go(step)

    def _go(self, step: int) -> None:
        """To `step`, which may be a step back; or to one before it that ends the heap; or as far as time allows."""
        back = step < self._heap.step or (step == self._heap.step and not self._is_last(step))
        if back:
            self._renew()
        try:
            self._arrive(self._heap.run(step, SECONDS_BACK if back else SECONDS))
        except Died as died:
            self._find_end(died, step)

    def _is_last(self, step: int) -> bool:
        """Whether that is what is shown already."""
        return self._last is not None and self._last.number == step

    def _renew(self) -> None:
        """A heap of which nothing was done."""
        self._heap.end()
        self._heap = Heap(self._allocator, self._operations)

    def _arrive(self, outcome: Outcome) -> None:
        self._end = None
        self._living.go(outcome.step)
        if outcome.last:
            self._last = self._told(outcome.last)
        elif not self._is_last(outcome.step):
            self._last = None

    def _find_end(self, died: Died, aim: int) -> None:
        """Which operation it was; those that were done in one piece are done again, one by one."""
        if aim > died.step + 1:
            died = self._closer(died, aim)
        self._renew()
        self._arrive(self._heap.run(died.step, SECONDS_BACK))
        self._arrive_at_end(End(died.step + 1, died.line))

    def _closer(self, died: Died, aim: int) -> Died:
        self._renew()
        try:
            self._heap.run(died.step, SECONDS_BACK)
            self._heap.run(aim, SECONDS_BACK, singly=True)
        except Died as again:
            return again
        return died

    def _arrive_at_end(self, end: End) -> None:
        self._end = end
        operation = self._operations[end.step - 1]
        self._last = PlaygroundStep(
            number=end.step,
            operation=str(operation),
            block=self._operations.block(end.step - 1) or None,
            address=None,
            words=["This ends the program. The heap is shown as it was before.", end.line],
            events=[],
        )

    # --- showing ---

    def _shown(self) -> Playground:
        step, operations = self.step, self._operations
        coming = step < len(operations) and not self._end
        return Playground(
            id=self._id,
            options=self._options,
            step=step,
            steps=len(operations),
            next=str(operations[step]) if coming else None,
            last=self._last,
            blocks=self._blocks(),
            ended=self._end.line if self._end else "",
        )

    def _blocks(self) -> list[PlaygroundBlock]:
        addresses, step = self._operations.addresses, self._living.step
        return [
            PlaygroundBlock(
                number=block,
                address=f"{addresses[block]:#x}",
                requested=self._operations.requested(block, step),
            )
            for block in self._living.newest(BLOCKS)
            if addresses[block]
        ]

    def _told(self, done: Performed) -> PlaygroundStep:
        operation, block = self._operations[done.index], self._operations.block(done.index)
        made = self._operations.makes_block(done.index)
        requested = 0 if made or not block else self._operations.requested(block, done.index)
        answer = done.answer if operation.kind not in ("trim", "free", "write") else 0
        return PlaygroundStep(
            number=done.index + 1,
            operation=str(operation),
            block=block or None,
            address=f"{answer:#x}" if answer else None,
            words=explain(operation, done, self._options, requested),
            events=[
                HeapEvent(
                    number=event.number,
                    time=event.time,
                    thread=event.thread,
                    kind=event.kind.name.lower(),  # type: ignore[arg-type]
                    address=f"{event.address:#x}",
                    size=event.size,
                    detail=event.detail,
                )
                for event in done.events[-EVENTS:]
            ],
        )

    def _peek(self) -> Peeked:
        if self._end:
            raise Refused(ErrorCode.WRONG_STATE, f"The heap ended with step {self.step}: step back, then look ahead.")
        if self.step == len(self._operations):
            raise Refused(ErrorCode.WRONG_STATE, "No operation comes next: put one there, then look ahead.")
        outcome = self._heap.peek()
        if not outcome.last:
            return Peeked(address=None, ended=outcome.ended or how_it_ended(outcome.signal))
        told = self._told(outcome.last)
        return Peeked(address=told.address, words=told.words)

    def _listed(self, first: int, limit: int) -> list[PlaygroundOperation]:
        start = max(first, 1) - 1
        end = min(len(self._operations), start + min(max(limit, 0), MOST_LISTED))
        return [
            PlaygroundOperation(number=index + 1, operation=str(self._operations[index]), result=self._result(index))
            for index in range(start, end)
        ]

    def _result(self, index: int) -> str:
        if self._end and index == self._end.step - 1:
            return self._end.line
        if index >= self._heap.step or not self._operations.gives(index):
            return ""
        answer = self._operations.answers[index]
        return f"#{self._operations.block(index)} = {answer:#x}" if answer else "no memory"
