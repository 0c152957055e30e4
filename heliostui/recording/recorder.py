"""What the console records: one terminal, or all that the console itself shows. Imports cast, link and the driver.

A terminal is followed on a line of its own, so that it goes on whatever is looked at; the console is recorded where its
driver writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from engine.client.errors import ClientError
from engine.protocol.messages import Attach, Attached, Exited, JoinTerminal, Output, Resized
from engine.protocol.quantities import size_text
from heliostui.link import Link
from heliostui.recording.cast import Writer
from widgets.driver import KeyDriver

CLEAR = b"\x1b[m\x1b[H\x1b[2J"
OWN_SCREEN = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
LOOK = 1.0  # seconds between two looks at how large it has become
STEPS = 5  # such looks between two changes of what is told


@dataclass(frozen=True)
class Subject:
    """What can be recorded. `request`: how a terminal is joined; None: the console itself."""

    name: str
    request: Attach | JoinTerminal | None


class Recorder:
    """`changed` is called when `words` are others."""

    def __init__(self, screen: Screen[None], link: Link, changed: Callable[[], object]) -> None:
        self._screen, self._link, self._changed = screen, link, changed
        self._subject: Subject | None = None
        self._writer: Writer | None = None
        self._following: Worker[None] | None = None
        self._timer: Timer | None = None
        self._looks = 0
        self._told = ""

    @property
    def running(self) -> bool:
        return self._subject is not None

    def words(self) -> str:
        """For the top line; empty while nothing is recorded."""
        return self._told

    @property
    def _driver(self) -> KeyDriver | None:
        driver = self._screen.app._driver
        return driver if isinstance(driver, KeyDriver) else None

    @property
    def records_itself(self) -> bool:
        """Whether the console can be recorded: not where Textual writes in another way, as to a browser."""
        return self._driver is not None

    def begin(self, subject: Subject, path: Path, size: tuple[int, int]) -> None:
        """Record it from now on. Raises OSError (FileExistsError) where there can be no file."""
        self._writer = Writer(path, *size, subject.name)
        self._subject = subject
        if subject.request is None:
            self._begin_console(size)
        else:
            self._following = self._screen.run_worker(self._follow(subject.request), group="recording")
        self._looks = 0
        self._timer = self._screen.set_interval(LOOK, self._look)
        self._tell()

    def _begin_console(self, size: tuple[int, int]) -> None:
        writer, driver, app = self._writer, self._driver, self._screen.app
        assert writer is not None
        assert driver is not None
        now = size

        def tee(text: str) -> None:
            nonlocal now
            if app.size != now:
                now = app.size.width, app.size.height
                writer.resize(*now)
            writer.text(text)

        writer.text(OWN_SCREEN)
        driver.tee = tee
        driver.shown.forget()
        app.screen.refresh()  # all of it, from which the rest goes on

    async def _follow(self, request: Attach | JoinTerminal) -> None:
        """A terminal's output until it ends; nobody is resized for it."""
        assert self._writer is not None
        reason = ""
        try:
            async with self._link.connection(request) as engine:
                async for reply in engine.stream(self._link.hosts.plain(request)):
                    match reply:
                        case Output(data=data, redraw=redraw):
                            self._writer.output(CLEAR + data if redraw else data)
                        case Attached(columns=columns, lines=lines) | Resized(columns=columns, lines=lines):
                            if columns and lines:
                                self._writer.resize(columns, lines)
                        case Exited():
                            break
        except ClientError as error:
            reason = str(error)
        self._following = None
        self.end(reason)

    def _look(self) -> None:
        assert self._writer is not None
        if self._writer.fault is not None:
            self.end(self._writer.fault.strerror or str(self._writer.fault))
            return
        self._looks += 1
        if self._looks % STEPS == 0:
            self._tell()

    def _tell(self) -> None:
        told = f"● REC {size_text(self._writer.bytes)}" if self._writer is not None else ""
        if told != self._told:
            self._told = told
            self._changed()

    def end(self, reason: str = "") -> None:
        """Say what there is. `reason`: why, when nobody wanted it."""
        writer, subject = self._writer, self._subject
        if writer is None or subject is None:
            return
        self.stop()
        self._tell()
        length = f"{writer.length:.0f} s" if writer.length < 120 else f"{writer.length / 60:.0f} min"
        words = f"{length} of {subject.name}, {size_text(writer.bytes)}, are in {writer.path}."
        if reason:
            self._screen.notify(f"{reason.rstrip('.')}. {words}", title="The recording has ended", severity="error")
        else:
            self._screen.notify(f"{words} `heliostui play` shows them.", markup=False)

    def stop(self) -> None:
        """Write no more."""
        if self._following is not None:
            self._following.cancel()
        if self._driver is not None:
            self._driver.tee = None
        if self._timer is not None:
            self._timer.stop()
        if self._writer is not None:
            self._writer.close()
        self._following = self._timer = self._writer = self._subject = None
