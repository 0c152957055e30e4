"""What a request makes the kernel do, written down as it happens: `step` where the kernel is touched, a `Recorder` for
who wants to know. Standard library only, no asyncio.

The recorder of a request is found by a context variable: tasks and `asyncio.to_thread` inherit it. Threads that are not
asyncio's get it by `carried`. What goes on after the request, on its own account, is begun `apart`. Where nobody
records, a step costs one look at the variable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token, copy_context
from functools import partial
from time import monotonic_ns
from types import TracebackType
from typing import Any, NamedTuple, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

MOST = 200  # steps that are kept of one request
TEXT = 160  # characters of what was written that are shown
PATH = 4096  # characters of a path, and of anything else: PATH_MAX of limits.h
LATE = 10 * 10**9  # ns after its answer in which they may still come


class Noted(NamedTuple):
    """One step. Times are CLOCK_MONOTONIC, ns; `arguments` are turned into words when somebody reads them."""

    call: str
    arguments: tuple[object, ...]
    start: int
    end: int
    error: BaseException | None
    result: object


class Recorder:
    """The steps of one request, in the order in which they ended. May be used by several threads at once."""

    __slots__ = ("begun", "blamed", "ends_at", "lost", "steps")

    def __init__(self) -> None:
        self.begun = monotonic_ns()
        self.steps: list[Noted] = []
        self.lost = 0  # steps that were too many
        self.ends_at: int | None = None  # what is later is none of its steps
        self.blamed: list[BaseException] = []  # what ended the request: an exception, and what that came from

    def note(
        self, call: str, arguments: tuple[object, ...], start: int, error: BaseException | None, result: object = None
    ) -> None:
        """A step that ends now."""
        now = monotonic_ns()
        if self.ends_at is not None and now > self.ends_at:
            return
        if len(self.steps) < MOST:
            self.steps.append(Noted(call, arguments, start, now, error, result))
        else:
            self.lost += 1

    def blame(self, error: BaseException) -> None:
        """The request failed by this: the step that raised it, or what it came from, is the one that failed."""
        self.blamed = []
        following: BaseException | None = error
        while following is not None and following not in self.blamed:
            self.blamed.append(following)
            following = following.__cause__ or following.__context__


_current: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


def current() -> Recorder | None:
    """Who records what happens here."""
    return _current.get()


class _Step:
    __slots__ = ("_arguments", "_call", "_recorder", "_start")

    def __init__(self, recorder: Recorder, call: str, arguments: tuple[object, ...]) -> None:
        self._recorder, self._call, self._arguments = recorder, call, arguments

    def __enter__(self) -> None:
        self._start = monotonic_ns()

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recorder.note(self._call, self._arguments, self._start, value)


class _Unrecorded:
    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


_UNRECORDED = _Unrecorded()


def step(call: str, *arguments: object) -> _Step | _Unrecorded:
    """A block that is one step: the call's name, and its arguments as strace would have them. Paths and bytes are
    quoted, all else is words. Secrets do not belong here."""
    recorder = _current.get()
    return _UNRECORDED if recorder is None else _Step(recorder, call, arguments)


def happened(call: str, *arguments: object, since: int | None = None, result: object = None) -> None:
    """Something that was waited for, since a time (ns, monotonic; none: just now)."""
    if (recorder := _current.get()) is not None:
        recorder.note(call, arguments, monotonic_ns() if since is None else since, None, result)


def begin(recorder: Recorder | None) -> Token[Recorder | None]:
    """From here on, in this task, it records; `end` undoes that."""
    return _current.set(recorder)


def end(token: Token[Recorder | None]) -> None:
    """Undo `begin`, in the same task."""
    _current.reset(token)


def blame(error: BaseException) -> None:
    """What is recorded here failed by this."""
    if (recorder := _current.get()) is not None:
        recorder.blame(error)


@contextmanager
def apart() -> Iterator[None]:
    """What is begun in here goes on after the request, and is none of its steps."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def carried(work: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """`work` for a thread that is not asyncio's, with the recorder of whoever asks for it."""
    return work if _current.get() is None else partial(copy_context().run, work)


def words(arguments: tuple[object, ...]) -> str:
    """Arguments as strace has them."""
    return ", ".join(map(_word, arguments))


def _word(argument: Any) -> str:
    if isinstance(argument, bytes):
        return _quoted(shortened(argument.decode("utf-8", "backslashreplace"), TEXT))
    if isinstance(argument, os.PathLike) or (isinstance(argument, str) and argument.startswith("/")):
        return _quoted(shortened(os.fspath(argument), PATH))
    return shortened(str(argument), PATH)


def shortened(text: str, length: int) -> str:
    """At most so many characters of it."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
