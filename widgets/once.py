"""A call that is made once, later, whatever the machine does meanwhile. Imports Textual."""

from __future__ import annotations

from collections.abc import Callable

from textual.message_pump import MessagePump
from textual.timer import Timer


def after(pump: MessagePump, seconds: float, callback: Callable[[], object]) -> Timer:
    """Call back in so many seconds, or at once for none.

    As `set_timer`, which forgets the call when the time has passed before its task has looked at the clock, as happens
    on a busy machine and with short times; whoever waits for it then waits for ever.
    """
    timer = pump.set_timer(max(0.0, seconds), callback)
    timer._skip = False  # a turn that was missed is made up for
    return timer
