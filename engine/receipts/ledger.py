"""The receipts of an engine, in memory: the last 500. Imports asyncio, the steps and the protocol.

A receipt is opened when a request comes and closed with its answer; steps that the request has set going may follow for
a while. Values of environment variables are told to nobody but the user whose request it was.
"""

from __future__ import annotations

import asyncio
import errno
import zlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Any

import msgspec

from engine.errors import EngineError
from engine.protocol import messages as m
from engine.protocol.acting import acts
from engine.protocol.receipts import Receipt, ReceiptStep
from engine.receipts import steps
from engine.receipts.callers import Caller
from engine.receipts.steps import Noted, Recorder

MOST = 500  # receipts that are kept
LONGEST = 16 << 10  # bytes of a request, as JSON, that are kept: all receipts together must fit into one answer
SENTENCE, NAME = 1000, 200  # characters of an error and of a name that are kept
SETTLED = 2.0  # seconds after the answer: by then what it has set going has mostly been done
Find = Callable[[str], tuple[str, str]]
"""The id and the name of a container; EngineError when there is none."""
_SUBJECTS = ("container", "terminal", "name", "network", "playground")


def _nobody(ref: str) -> tuple[str, str]:
    raise EngineError(m.ErrorCode.NO_SUCH_CONTAINER, f"There is no container {ref!r}.")


@dataclass(frozen=True)
class TooLong:
    """In place of a request of which only the type is kept. `size`: bytes of JSON that it had."""

    type: str
    size: int


@dataclass(eq=False)
class Entry:
    """One receipt."""

    number: int
    caller: Caller
    request: m.Request | m.StreamRequest | TooLong
    container: str | None
    name: str
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    recorder: Recorder = field(default_factory=Recorder)
    duration: int | None = None
    error: str | None = None
    version: int = 0
    made: str = ""
    packed: bytes = b""  # the steps, once no more will come: exceptions keep much alive, and paths are long
    packed_steps: int = 0
    launched: bool = False

    def answered(self, reply: m.Reply | None) -> None:
        """What came of it."""
        match reply:
            case m.Error():
                self.error = steps.shortened(reply.message, SENTENCE)
            case m.ContainerRef():
                self.container, self.name = reply.id, reply.name
            case m.TerminalRef():
                self.made = reply.terminal

    def receipt(self, uid: int | None, engine: datetime) -> Receipt:
        """As it is told to an operator of that uid; None: a viewer. `engine`: when that began."""
        noted = self.recorder.steps
        return Receipt(
            number=self.number,
            time=self.time,
            uid=self.caller.uid,
            pid=self.caller.pid,
            by=self.caller.program,
            request=told(self.request, secrets=uid == self.caller.uid),
            container=self.container,
            name=self.name,
            made=self.made,
            duration=self.duration,
            outcome="under way" if self.duration is None else "done" if self.error is None else "failed",
            error=self.error or "",
            steps=len(noted) or self.packed_steps,
            lost=self.recorder.lost,
            launched=self.launched or any(step.call == "launch" for step in noted),
            engine=engine,
        )

    def steps(self) -> list[ReceiptStep]:
        """What it made the kernel do, in the order in which it began."""
        if self.packed:
            return msgspec.json.decode(zlib.decompress(self.packed), type=list[ReceiptStep])
        begun, blamed = self.recorder.begun, self.recorder.blamed
        return [_step(noted, begun, blamed) for noted in sorted(self.recorder.steps, key=lambda noted: noted.start)]

    def pack(self) -> None:
        """No more steps will come: keep those there are in a tenth of the room."""
        recorder = self.recorder
        recorder.ends_at = recorder.begun
        self.launched = any(step.call == "launch" for step in recorder.steps)
        self.packed_steps = len(recorder.steps)
        if recorder.steps:
            self.packed = zlib.compress(msgspec.json.encode(self.steps()), 1)
        recorder.steps.clear()
        recorder.blamed.clear()


class _Unkept:
    """In place of an entry, where there is to be none."""

    def answered(self, reply: m.Reply | None) -> None:
        return None


_UNKEPT = _Unkept()


class Ledger:
    """All receipts. `find`: of containers, as people call them."""

    def __init__(self, find: Find = _nobody) -> None:
        self.began = datetime.now(UTC)
        self._find = find
        self._entries: deque[Entry] = deque(maxlen=MOST)
        self._numbers = 0
        self._version = 0
        self._changed = asyncio.Event()

    @contextmanager
    def kept(self, request: m.Request | m.StreamRequest, caller: Caller) -> Iterator[Entry | _Unkept]:
        """While the request is dealt with in this block, what happens is written down, if it is one that acts."""
        if not acts(request):
            yield _UNKEPT
            return
        entry = self._open(request, caller)
        token = steps.begin(entry.recorder)
        try:
            yield entry
        except BaseException as error:
            entry.recorder.blame(error)
            entry.error = steps.shortened(getattr(error, "message", ""), SENTENCE) or "It was broken off."
            raise
        finally:
            steps.end(token)
            self._close(entry)

    def list(self, since: int, uid: int | None) -> list[Receipt]:
        """Those after number `since`, as `Entry.receipt` tells them."""
        return [entry.receipt(uid, self.began) for entry in self._entries if entry.number > since]

    def answer(self, since: int, uid: int | None, you: int = 0) -> m.Receipts:
        """The same, as an answer."""
        return m.Receipts(receipts=self.list(since, uid), you=you, engine=self.began)

    def get(self, number: int, uid: int | None, engine: datetime | None = None) -> m.ReceiptShown:
        """One with its steps. `engine`: when its engine began; None: this one's. EngineError(NO_SUCH_RECEIPT)."""
        if engine not in (None, self.began):
            raise EngineError(
                m.ErrorCode.NO_SUCH_RECEIPT,
                f"The engine that gave receipt {number} has ended, and its receipts with it.",
            )
        for entry in self._entries:
            if entry.number == number:
                return m.ReceiptShown(receipt=entry.receipt(uid, self.began), steps=entry.steps())
        raise EngineError(
            m.ErrorCode.NO_SUCH_RECEIPT,
            f"There is no receipt {number}: the engine keeps the last {MOST} of them, until it ends.",
        )

    async def stream(self, since: int, uid: int | None, asker: Caller) -> AsyncGenerator[m.AnyReply, None]:
        """Those after `since`, then each as it is opened and as it changes."""
        seen = self._version
        yield self.answer(since, uid, asker.pid)
        while True:
            changed = self._changed
            news = [entry for entry in self._entries if entry.version > seen]
            if news:
                seen = self._version
                changes = [entry.receipt(uid, self.began) for entry in news]
                yield m.Receipts(receipts=changes, you=asker.pid, engine=self.began)
            else:
                await changed.wait()

    def _open(self, request: m.Request | m.StreamRequest, caller: Caller) -> Entry:
        self._numbers += 1
        container, name = self._subject(request)
        entry = Entry(self._numbers, caller, _kept(request), container, steps.shortened(name, NAME))
        caller.program  # noqa: B018 - now, while the client is there
        self._entries.append(entry)
        self._tell(entry)
        return entry

    def _close(self, entry: Entry) -> None:
        entry.duration = monotonic_ns() - entry.recorder.begun
        entry.recorder.ends_at = monotonic_ns() + steps.LATE
        self._tell(entry)
        there = len(entry.recorder.steps)
        loop = asyncio.get_running_loop()
        loop.call_later(SETTLED, self._settled, entry, there)
        loop.call_later(steps.LATE / 1e9, entry.pack)

    def _settled(self, entry: Entry, there: int) -> None:
        if len(entry.recorder.steps) != there:
            self._tell(entry)

    def _tell(self, entry: Entry) -> None:
        self._version += 1
        entry.version = self._version
        self._changed.set()
        self._changed = asyncio.Event()

    def _subject(self, request: m.Request | m.StreamRequest) -> tuple[str | None, str]:
        """The container's id, and the name of what the request is about."""
        ref = next((ref for name in _SUBJECTS if isinstance(ref := getattr(request, name, None), str)), "")
        options = getattr(request, "options", None)
        if isinstance(options, m.ContainerOptions):
            return None, options.name or ""
        if ref and ref == getattr(request, "container", None):
            try:
                return self._find(ref)
            except EngineError:  # the request will say so
                return None, ref
        return None, ref


def _kept(request: m.Request | m.StreamRequest) -> m.Request | m.StreamRequest | TooLong:
    found = told(request, secrets=True)
    size = len(msgspec.json.encode(found))
    return request if size <= LONGEST else TooLong(found["type"], size)


def told(request: m.Request | m.StreamRequest | TooLong, *, secrets: bool) -> dict[str, Any]:
    """A request as others are told of it: the variables of an environment as names without values, unless `secrets`
    may be told. A terminal on the host has the whole environment of whoever opened it: it is left out."""
    if isinstance(request, TooLong):
        return {"type": request.type, "too_long": request.size}
    if isinstance(request, m.OpenTerminal) and request.container is None:
        request = msgspec.structs.replace(request, env=[])
    found: dict[str, Any] = msgspec.to_builtins(request)
    if not secrets:
        for place in (found, found.get("options")):
            if isinstance(place, dict) and place.get("env"):
                place["env"] = [entry.partition("=")[0] for entry in place["env"]]
    return found


def _step(noted: Noted, begun: int, blamed: list[BaseException]) -> ReceiptStep:
    error = noted.error
    return ReceiptStep(
        call=noted.call,
        arguments=steps.words(noted.arguments),
        start=max(noted.start - begun, 0),
        end=max(noted.end - begun, 0),
        result=_result(noted),
        outcome="done" if error is None else "failed" if any(error is each for each in blamed) else "allowed",
    )


def _result(noted: Noted) -> str:
    match noted.error:
        case None:
            return "0" if noted.result is None else str(noted.result)
        case OSError() as error if error.errno:
            return errno.errorcode.get(error.errno, str(error.errno))
        case error:
            number = getattr(error, "errno", None) or 0
            said = getattr(error, "message", "") or str(error) or type(error).__name__
            return errno.errorcode.get(number, steps.shortened(said, SENTENCE))
