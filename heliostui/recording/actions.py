"""The commands of the main screen that keep what is shown: recordings, and pictures. Imports actions and recorder."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

from textual import work

from engine.protocol.messages import Attach, JoinTerminal
from heliostui.actions import Actions
from heliostui.presence.read_only import is_confined
from heliostui.recording.form import RecordForm
from heliostui.recording.recorder import Recorder, Subject
from widgets.terminal import TerminalView

CONFINED = "This console may write no files here."


class RecordingActions(Actions):
    """`recorder` is the screen's."""

    recorder: Recorder

    @work(group="recording-form", exclusive=True)
    async def action_record(self) -> None:
        if self.recorder.running:
            self.recorder.end()
            return
        if is_confined(self.app):
            self.notify(CONFINED, severity="warning")
            return
        subjects = self._subjects()
        if not subjects:
            self.notify("There is nothing to record: no terminal is open.", severity="warning")
            return
        size = self.app.size.width, self.app.size.height

        def begin(subject: Subject, path: Path) -> None:
            self.recorder.begin(subject, path, self._size_of(subject) or size)

        await self.app.push_screen_wait(RecordForm(subjects, begin))

    def _subjects(self) -> list[Subject]:
        """What can be recorded: what is used now first."""
        console = [Subject("all of the console", None)] if self.recorder.records_itself else []
        containers = [
            Subject(f"the terminal of {container.name}", Attach(container=container.id, input=False))
            for container in self.state.containers.values()
            if container.tty and container.status == "running"
        ]
        terminals = [
            Subject(f"terminal {terminal.id}", JoinTerminal(terminal=terminal.id, input=False))
            for terminal in self.state.terminals.values()
        ]
        used = self._used()
        return sorted([*console, *containers, *terminals], key=lambda subject: not _is(subject, used))

    def _used(self) -> str:
        """The id of the container or terminal that is used."""
        inside = self.state.selected_id if isinstance(self.focused, TerminalView) else None
        return self.state.shown_terminal or inside or ""

    def _size_of(self, subject: Subject) -> tuple[int, int] | None:
        match subject.request:
            case JoinTerminal(terminal=id) if (terminal := self.state.terminals.get(id)) is not None:
                return terminal.columns, terminal.lines
        return None

    # --- pictures ---

    def action_picture(self) -> None:
        """What is on the screen now, as SVG, in the directory where the console was started."""
        if is_confined(self.app):
            self.notify(CONFINED, severity="warning")
            return
        try:
            path = keep(self.app.export_screenshot(), Path.cwd(), Path.home())
        except OSError as error:
            self.notify(f"There is no picture: {error.strerror} ({error.filename})", severity="error", markup=False)
        else:
            self.notify(f"The screen is in {path}.", markup=False)


def _is(subject: Subject, used: str) -> bool:
    match subject.request:
        case Attach(container=id) | JoinTerminal(terminal=id):
            return id == used
    return not used


def keep(picture: str, *directories: Path) -> Path:
    """Write it into the first directory that can be written to, under a name with the time; nothing is written over.
    Raises OSError."""
    directory = next((each for each in directories if os.access(each, os.W_OK)), directories[0])
    stem = f"heliostui-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    for number in range(1000):
        path = directory / (f"{stem}-{number}.svg" if number else f"{stem}.svg")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(picture)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
