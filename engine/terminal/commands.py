"""Commands: the operating system commands (OSC) of programs: title, directory, links, clipboard, prompt marks, colours.

What a program says here is kept within bounds and free of control characters. Colours can be asked for, but not set:
the terminal's look is its user's. Imports screen, rows and answers.

Sources: xterm's ctlseqs; the specification of hyperlinks by Koutecky (OSC 8); FinalTerm's marks (OSC 133).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import unquote

from .answers import Answers
from .memory import collect
from .rows import OUTPUT, PROMPT
from .screen import Screen

COPY_LIMIT = 1 << 20
"""Bytes that a program may put on the clipboard."""
TITLE_LIMIT = 1_000  # characters
LINK_LIMIT = 2_083  # characters, as VTE has it
TITLES = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_COLORS = 16  # that one command may ask for


class Commands:
    """What the program has said about itself."""

    def __init__(self, screen: Screen, answers: Answers, copy: Callable[[str], None]) -> None:
        self._screen, self._answers, self._copy = screen, answers, copy
        self.reset()

    def reset(self) -> None:
        self.title = ""
        self.titles: list[str] = []
        """Those that XTPUSHTITLE has kept."""
        self.directory: str | None = None
        self.exit_status: int | None = None

    def run(self, command: str, end: str) -> None:
        """Carries one out; `end` is how it was ended, and how an answer will be."""
        number, _, value = command.partition(";")
        match number:
            case "0" | "2":
                self.title = _CONTROL.sub("", value)[:TITLE_LIMIT]
            case "4":
                self._indexed_colors(value, end)
            case "7":
                self._set_directory(value)
            case "8":
                self._set_link(value)
            case "10" | "11" | "12":
                self._named_colors(int(number), value, end)
            case "52":
                self._set_clipboard(value)
            case "133":
                self._mark(value)

    def push_title(self) -> None:
        """XTPUSHTITLE; the oldest goes when there are too many."""
        self.titles = [*self.titles, self.title][-TITLES:]

    def pop_title(self) -> None:
        if self.titles:
            self.title = self.titles.pop()

    def _set_directory(self, value: str) -> None:
        """OSC 7: `file://host/path`, the path percent-encoded; nothing takes it back."""
        _, slash, path = value.removeprefix("file://").partition("/")
        if not value:
            self.directory = None
        elif slash and value.startswith("file://"):
            self.directory = "/" + _CONTROL.sub("", unquote(path))

    def _set_link(self, value: str) -> None:
        """OSC 8: parameters, which only tell apart what looks the same, and the URI; nothing ends the link."""
        screen = self._screen
        link = _CONTROL.sub("", value.partition(";")[2])
        if link and screen.styles.links_full:
            collect(screen)
        screen.style = screen.styles.linked(screen.style, link if 0 < len(link) <= LINK_LIMIT else None)

    def _set_clipboard(self, value: str) -> None:
        """OSC 52: what to copy, in base 64. What is on the clipboard is not told."""
        _, _, data = value.partition(";")
        try:
            copied = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return
        if copied and len(copied) <= COPY_LIMIT:
            self._copy(copied.decode(errors="replace"))

    def _mark(self, value: str) -> None:
        """OSC 133: A a prompt, B what is typed, C the output, D its end and the exit status."""
        match value[:1]:
            case "A":
                self._screen.mark(PROMPT)
            case "C":
                self._screen.mark(OUTPUT)
            case "D":
                status = value[2:].partition(";")[0]
                self.exit_status = int(status[:9]) if status.isdecimal() else None

    def _indexed_colors(self, value: str, end: str) -> None:
        values = value.split(";")[: 2 * _COLORS]
        for index, asked in zip(values[::2], values[1::2], strict=False):
            if asked == "?" and index.isdecimal() and int(index[:4]) < 256:
                self._answers.indexed_color(int(index), end)

    def _named_colors(self, first: int, value: str, end: str) -> None:
        """Each value after the first is about the next colour in number."""
        for number, asked in enumerate(value.split(";")[:_COLORS], first):
            if asked == "?":
                self._answers.named_color(number, end)
