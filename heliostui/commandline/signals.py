"""Signals during a session: some end it, some are passed on to the container, and a new size wakes its loop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
PASSED_ON = (*ENDING, signal.SIGUSR1, signal.SIGUSR2)
PATIENCE = 3  # the third Ctrl-C is for us: the container does not listen


class Interrupted(Exception):
    """A signal ended the session; the container goes on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


@contextmanager
def steered(forward: Callable[[int], None] | None) -> Iterator[int]:
    """Gives a descriptor that becomes readable when any signal has come.

    With `forward` the signals go there, at once, even while a write to standard output blocks; without, those that
    end a program raise Interrupted in the main thread.
    """
    hear, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    asked = 0

    def act(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += number in (signal.SIGINT, signal.SIGTERM)
        if forward is None or asked >= PATIENCE:
            raise Interrupted(number)
        forward(number)

    before = {number: signal.signal(number, act) for number in (ENDING if forward is None else PASSED_ON)}
    before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    woken = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    try:
        yield hear
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(hear)
        os.close(tell)
