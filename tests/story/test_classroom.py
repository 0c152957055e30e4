"""The recipe of docs/classroom.md, as it is written there: a group, an account and sshd_config."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sshd import Account, Sshd, sshd
from tests.story.conftest import PROJECT, Person, Screen, ordinary_account, person
from tests.story.conftest import _interpreter as interpreter
from tests.story.test_ssh import Far

VIEWERS = "heliostui-viewers"
CLASS = Account("class", 41234, VIEWERS, 41235)


class Room:
    """The lecturer's machine: root's engine, and an sshd for root and the class."""

    def __init__(self, directory: Path, server: Sshd, person: Person) -> None:
        self.directory, self.server, self.person = directory, server, person

    def lecturer(self, *words: str) -> str:
        """Root's command line there."""
        command = self.server.ssh("there", "heliostui", *words)
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def student(self, *words: str) -> Screen:
        """Somebody of the class, who asks for this."""
        return Far(self.server, self.person, *words, options=("-l", CLASS.name))


def recipe(runtime: Path) -> str:
    """The block of sshd_config, for an engine in another directory."""
    text = (PROJECT / "docs" / "classroom.md").read_text()
    (block,) = re.findall(r"```\n(Match Group.*?)```", text, flags=re.DOTALL)
    assert "/run/heliostui" in block
    return str(block).replace("/run/heliostui", str(runtime))


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    somebody = contextmanager(person)(pwd.getpwuid(0))
    with somebody as root, tempfile.TemporaryDirectory(prefix="heliostui-class-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        python, variables = interpreter(ordinary_account())
        programs = directory / "bin"
        programs.mkdir()
        (programs / "heliostui").write_text(
            "#!/bin/sh\n"
            + "".join(f"export {key}={value}\n" for key, value in variables.items())
            + f'exec {python} -P -m heliostui "$@"\n'
        )
        (programs / "heliostui").chmod(0o755)
        said = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HELIOSTUI_RUNTIME": f"{directory}/run",
            "HELIOSTUI_STATE": f"{directory}/state",
        }
        with sshd(said, more=recipe(directory / "run"), accounts=[CLASS]) as server:
            found = Room(directory, server, root)
            try:
                found.lecturer("run", "-dit", "--name", "shown_to_all", "host", "sh")
                yield found
            finally:
                found.lecturer("kill", "shown_to_all")
                found.lecturer("engine", "stop", "--all")


def test_the_class_sees_everything_and_changes_nothing(room: Room) -> None:
    with room.student() as screen:
        screen.until("shown_to_all", "read-only")
        screen.type("p")  # pauses, for who may
        screen.type("S")  # stops
        screen.type("6")
        screen.until("shown_to_all")
        assert "Up" in room.lecturer("ps")
        assert "aused" not in room.lecturer("ps")
        screen.type("q")
        assert screen.end() == 0


def test_whatever_the_class_asks_for_it_gets_the_console(room: Room) -> None:
    with room.student("heliostui rm -f shown_to_all; sh") as screen:
        screen.until("shown_to_all", "read-only")
        screen.type("q")
        assert screen.end() == 0
    assert "shown_to_all" in room.lecturer("ps")


def test_the_class_forwards_nothing(room: Room) -> None:
    environment = {**os.environ, **room.person.environment, "PATH": room.server.path}
    words = [room.person.python, "-P", "-m", "heliostui", "-H", f"ssh://{CLASS.name}@there", "ps"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "lets you have its console, and nothing else" in done.stderr
