"""A real engine of its own for each module's tests, driven through the real command line."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from ptyprocess import PtyProcess

from engine.terminal import Terminal
from tests.terminals import ended

HELIOSTUI = [sys.executable, "-m", "heliostui"]
PATIENCE = 60.0  # seconds; far more than anything takes


class CommandLine:
    """`heliostui` against one engine."""

    def __init__(self, directory: Path) -> None:
        self.environment = {
            **os.environ,
            "HELIOSTUI_RUNTIME": str(directory / "run"),
            "HELIOSTUI_STATE": str(directory / "state"),
            "LANG": "C.UTF-8",
        }

    def __call__(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever that is; standard input is empty where none is given."""
        return subprocess.run(
            [*HELIOSTUI, *words],
            env=self.environment,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ok(self, *words: str, stdin: str | None = None) -> str:
        """What it prints, stripped; it must succeed."""
        result = self(*words, stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def json(self, *words: str) -> Any:
        """The document that it prints."""
        return json.loads(self.ok(*words))

    def refused(self, *words: str, status: int) -> str:
        """The one sentence with which it fails."""
        result = self(*words)
        assert result.returncode == status, result.stderr
        sentence = result.stderr.removesuffix("\n")
        assert sentence.startswith("heliostui: ")
        assert "\n" not in sentence
        return sentence

    def popen(self, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*HELIOSTUI, *words], env=self.environment, **streams)

    def containers(self) -> dict[str, Any]:
        """All containers by name."""
        return {container["name"]: container for container in self.json("ps", "-a", "--format", "json")}

    def terminal(self, *words: str, columns: int = 80, lines: int = 24) -> UserTerminal:
        return UserTerminal([*HELIOSTUI, *words], self.environment, columns, lines)


class UserTerminal:
    """A terminal with a program in it; what it shows is read as it comes."""

    def __init__(self, command: list[str], environment: dict[str, str], columns: int, lines: int) -> None:
        self.process = PtyProcess.spawn(command, env=environment, dimensions=(lines, columns))
        self.shown = b""
        self.screen = Terminal(columns, lines)

    def __enter__(self) -> UserTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        ended(self.process)

    def type(self, keys: bytes) -> None:
        self.process.write(keys)

    def until(self, text: bytes) -> bytes:
        """Read until the text has been shown; what came before and with it. What follows is for the next call."""
        end = monotonic() + PATIENCE
        while text not in self.shown:
            self._read(end, text)
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def sees(self, text: str) -> None:
        """Read until the text stands on the screen, however its cells came there."""
        end = monotonic() + PATIENCE
        while text not in self.screen.text():
            self._read(end, text)

    def _read(self, end: float, awaited: bytes | str) -> None:
        ready, _, _ = select.select([self.process.fd], [], [], max(0.0, end - monotonic()))
        assert ready, f"{awaited!r} was not shown, but {self.screen.text()}"
        data = self.process.read(65536)
        self.shown += data
        self.screen.feed(data)

    def end(self) -> int:
        """The exit status, once everything has been shown (in `shown`)."""
        try:
            while select.select([self.process.fd], [], [], PATIENCE)[0]:
                self.shown += self.process.read(65536)
        except EOFError:
            pass
        status = self.process.wait()
        return int(status if status is not None else 128 + self.process.signalstatus)


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line, with an engine that is gone afterwards."""
    line = CommandLine(tmp_path_factory.mktemp("engine"))
    yield line
    if running := line.ok("ps", "-q").split():  # some are deaf to TERM, and stopping them takes ten seconds
        line("kill", *running)
    line.ok("engine", "stop", "--all")


@pytest.fixture
def container(cli: CommandLine, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a running container that sleeps."""
    name = f"sleeper_{abs(hash(request.node.name)) % 10**8}"
    cli.ok("run", "-d", "--name", name, "host", "sleep", "600")
    yield name
    if name in cli.containers():
        cli.ok("rm", "-f", name)
