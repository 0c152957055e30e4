"""Asks what is to be recorded, and into which file. Imports the forms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Input, Select

from heliostui.recording.recorder import Subject
from heliostui.screens.network_forms import Form, field, note


class RecordForm(Form):
    """`begin` raises OSError. What is there already is never written over."""

    VERB = "Record"

    def __init__(self, subjects: Sequence[Subject], begin: Callable[[Subject, Path], None]) -> None:
        super().__init__()
        self._subjects, self._begin = subjects, begin

    def heading(self) -> str:
        return "Record"

    def fields(self) -> Iterable[Widget]:
        choices = [(subject.name, place) for place, subject in enumerate(self._subjects)]
        name = f"heliostui-{datetime.now().astimezone():%Y%m%d-%H%M%S}.cast"
        yield field("What", Select(choices, value=0, allow_blank=False, compact=True, id="what"))
        yield field("File", Input(name, id="file", compact=True))
        yield note("For heliostui play and asciinema. F4 ends it. What is typed is in it where it is shown.")

    def on_mount(self) -> None:
        self.query_one("#file", Input).focus()

    async def act(self) -> bool:
        if not self.value("file"):
            raise ValueError("name the file that it goes to, as in lecture.cast")
        path = await asyncio.to_thread(lambda: Path(self.value("file")).expanduser().absolute())
        place = self.query_one("#what", Select).value
        assert isinstance(place, int)
        try:
            self._begin(self._subjects[place], path)
        except FileExistsError:
            raise ValueError(f"{path} is there already: write another name") from None
        except OSError as error:
            raise ValueError(f"{path} can't be written: {error.strerror}") from None
        return True
