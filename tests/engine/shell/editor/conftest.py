"""The line editor as it is seen: heliosh on a terminal whose screen is kept by the project's own terminal core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.terminal import Terminal

if TYPE_CHECKING:
    from tests.engine.shell.conftest import ShellTerminal

COLUMNS, LINES = 200, 40  # as ShellTerminal has them
PROMPT = "ready> "


class Typist:
    """Somebody who types at a prompt and looks at the screen."""

    def __init__(self, program: ShellTerminal) -> None:
        self.program = program
        self.terminal = Terminal(COLUMNS, LINES)
        self._fed = 0

    def type(self, text: str) -> None:
        """Keys as a terminal sends them: Enter is `\\r`."""
        self.program.send(text)

    def screen(self) -> list[str]:
        """The rows that have something on them, from the top, scrolled ones too."""
        written = self.program.screen[self._fed :]
        self._fed += len(written)
        self.terminal.feed(written.encode("utf-8", "replace"))
        rows = [self.terminal.row(y).text.rstrip() for y in range(-self.terminal.scrollback, LINES)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def see(self, *rows: str) -> None:
        """Wait until these are the last rows on the screen."""
        self.program.until(lambda: self.screen()[-len(rows) :] == [row.rstrip() for row in rows])

    def see_somewhere(self, text: str) -> None:
        """Wait until it stands on the screen."""
        self.program.until(lambda: text in "\n".join(self.screen()))

    def run(self, line: str) -> list[str]:
        """Type a line and Enter at an empty prompt; what is written up to the next prompt."""
        before = len(self.screen())
        self.type(line + "\r")
        self.program.until(lambda: len(self.screen()) > before and self.screen()[-1] == PROMPT.rstrip())
        return self.screen()[before:-1]


Typists = Callable[..., Typist]


@pytest.fixture
def typists(terminals: Callable[..., ShellTerminal], tmp_path: Path) -> Typists:
    """Starts shells with the editor, at their first prompts."""

    def typist(*arguments: str, prompt: str | None = PROMPT, **env: str) -> Typist:
        environ: dict[str, Any] = {"TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path / "state"), "EDITOR": ""}
        environ |= {"XDG_DATA_HOME": "", "LANG": "C.UTF-8", **env}
        if prompt is not None:
            environ["PS1"] = prompt
        started = Typist(terminals(*arguments, env=environ))
        if prompt is not None:
            started.see(prompt)
        return started

    return typist


@pytest.fixture
def typist(typists: Typists) -> Typist:
    """One of them."""
    return typists()
