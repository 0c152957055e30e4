"""Plays a recording on the user's terminal, which is as it was afterwards, whatever happens. One select(2)."""

from __future__ import annotations

import os
import re
import select
import time
from contextlib import ExitStack, suppress

from heliostui.commandline import signals, terminal
from heliostui.commandline.modes import Modes
from heliostui.commandline.terminal import STDIN, STDOUT
from heliostui.recording.player import STEP, Player

_KEY = re.compile(rb"\x1b\[[0-9;<?]*[@-~]|\x1bO.|\x1b.|.", re.DOTALL)
_LEFT, _RIGHT = (b"\x1b[D", b"\x1bOD"), (b"\x1b[C", b"\x1bOC")
LONGEST = 3600.0  # seconds that select(2) is let wait; time_t does not hold every time in a file
CLEAR = b"\x1b[m\x1b[H\x1b[2J"
END = (b"q", b"\x03", b"\x04")


class Ended(Exception):
    """The user has seen enough."""


class Screen:
    """Knows what it has switched on, and takes it back."""

    def __init__(self) -> None:
        self._modes = Modes()

    def write(self, data: bytes) -> None:
        self._modes.feed(data)
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(STDOUT, left) :]
            except BlockingIOError:  # whoever gave us the descriptor made it O_NONBLOCK
                select.select([], [STDOUT], [])

    def anew(self, data: bytes) -> None:
        """As if nothing had been there."""
        self.undo()
        self._modes = Modes()
        self.write(CLEAR + data)

    def undo(self) -> None:
        with suppress(OSError):  # the terminal is gone
            self.write(self._modes.undo())


def play(player: Player) -> int:
    """To its end, or as long as the user wants; an exit status."""
    keys = os.isatty(STDIN) and os.isatty(STDOUT)
    screen = Screen()
    with ExitStack() as cleanup:
        wakeups = cleanup.enter_context(signals.steered(None))
        if keys:
            cleanup.enter_context(terminal.raw())
        cleanup.callback(screen.undo)
        try:
            _follow(player, screen, wakeups, keys)
        except signals.Interrupted as interrupted:
            return interrupted.status
        except Ended:
            return 0
    return 0


def _follow(player: Player, screen: Screen, wakeups: int, keys: bool) -> None:
    before = time.monotonic()
    while not player.ended or player.paused:
        wait = min(player.due, LONGEST) if player.due is not None else None
        readable, _, _ = select.select([wakeups, STDIN] if keys else [wakeups], [], [], wait)
        now = time.monotonic()
        screen.write(player.advance(now - before).encode("utf-8", "replace"))
        before = now
        if wakeups in readable:
            os.read(wakeups, 4096)
        if STDIN in readable:
            typed = os.read(STDIN, 4096)
            if not typed:
                raise Ended
            for key in _KEY.findall(typed):
                pressed(player, screen, key)


def pressed(player: Player, screen: Screen, key: bytes) -> None:
    """What a key does. Raises Ended. What a terminal answers to the recording's own questions looks like keys, and
    means nothing."""
    if key in END:
        raise Ended
    if key == b" ":
        player.paused = not player.paused
    elif key in (b"+", b"="):
        player.faster(1)
    elif key == b"-":
        player.faster(-1)
    elif key == b".":
        screen.write(player.step().encode("utf-8", "replace"))
    elif key in _LEFT:
        screen.anew(player.seek(player.position - STEP))
    elif key in _RIGHT:
        screen.anew(player.seek(player.position + STEP))
    elif key.isdigit():
        screen.anew(player.seek(player.length * int(key) / 10))
