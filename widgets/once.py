"""A call that is made once, later, whatever the machine does meanwhile. Imports Textual."""

from __future__ import annotations

from collections.abc import Callable

from textual.dom import DOMNode
from textual.timer import Timer


def after(node: DOMNode, seconds: float, callback: Callable[[], object]) -> Timer:
    """Call back in so many seconds, or at once for none; not when the widget is about to go, and its own are gone.

    As `set_timer`, which forgets the call when the time has passed before its task has looked at the clock, as happens
    on a busy machine and with short times; whoever waits for it then waits for ever.
    """

    def call() -> object:
        return callback() if node.app.is_running and not node._pruning else None

    timer = node.set_timer(max(0.0, seconds), call)
    timer._skip = False  # a turn that was missed is made up for
    return timer
