"""A person at a terminal: a real PTY, read through our own terminal core. As root, and as an ordinary user."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import select
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ptyprocess import PtyProcess

from engine.terminal import Terminal
from tests.terminals import ended

PROJECT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds; far more than anything takes
ORDINARY = "heliostui-test"


@dataclass
class Person:
    """Somebody with an account here, and with directories of their own for an engine."""

    account: pwd.struct_passwd
    directory: Path
    python: str
    environment: dict[str, str] = field(default_factory=dict)

    def heliostui(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command, run to its end."""
        return subprocess.run(
            [self.python, "-m", "heliostui", *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **self.switch(),
        )

    def containers(self) -> list[dict[str, Any]]:
        """What `ps -a` knows."""
        shown = self.heliostui("ps", "-a", "--format", "json")
        assert shown.returncode == 0, shown.stderr
        found: list[dict[str, Any]] = json.loads(shown.stdout)
        return found

    def console(self, columns: int = 100, lines: int = 30) -> Screen:
        """The console, opened in a terminal."""
        return Screen([self.python, "-m", "heliostui"], self, columns, lines)

    def shell(self, columns: int = 100, lines: int = 30) -> Screen:
        """A shell in a terminal."""
        return Screen(["/bin/sh"], self, columns, lines)

    def become(self) -> None:
        """In a child: be this person."""
        if os.geteuid() == 0 and self.account.pw_uid != 0:
            os.initgroups(self.account.pw_name, self.account.pw_gid)
            os.setresgid(*[self.account.pw_gid] * 3)
            os.setresuid(*[self.account.pw_uid] * 3)
        os.chdir(self.directory)

    def switch(self) -> dict[str, Any]:
        """For subprocess: be this person."""
        if os.geteuid() != 0 or self.account.pw_uid == 0:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


class Screen:
    """What is on a person's screen."""

    def __init__(self, command: list[str], person: Person, columns: int, lines: int) -> None:
        self.terminal = Terminal(columns, lines, reply=self._reply)
        environment = {**person.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = PtyProcess.spawn(command, env=environment, dimensions=(lines, columns), preexec_fn=person.become)

    def _reply(self, data: bytes) -> None:
        self.process.write(data)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        ended(self.process)

    def type(self, keys: str) -> None:
        self.process.write(keys.encode())

    def until(self, *texts: str, gone: bool = False) -> str:
        """Wait until all of the texts are on the screen (or none is, with `gone`)."""
        deadline = time.monotonic() + PATIENCE
        while any((text in self.terminal.text()) == gone for text in texts):
            ready, _, _ = select.select([self.process.fd], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{texts} {'stay' if gone else 'did not come'}:\n{self.terminal.text()}"
            try:
                self.terminal.feed(self.process.read(65536))
            except EOFError:
                pytest.fail(f"the program ended before {texts}:\n{self.terminal.text()}")
        return self.terminal.text()

    def end(self) -> int:
        """Wait for the program's end; its exit status."""
        try:
            while select.select([self.process.fd], [], [], PATIENCE)[0]:
                self.terminal.feed(self.process.read(65536))
        except EOFError:
            pass
        return int(self.process.wait())


def person(account: pwd.struct_passwd) -> Iterator[Person]:
    """Directories, an interpreter that the account may use, and an engine that is gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="heliostui-story-"))
    os.chown(directory, account.pw_uid, account.pw_gid)
    python, path = _interpreter(account)
    somebody = Person(account, directory, python)
    somebody.environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "USER": account.pw_name,
        "LANG": "C.UTF-8",
        "HELIOSTUI_RUNTIME": str(directory / "run"),
        "HELIOSTUI_STATE": str(directory / "state"),
        **path,
    }
    try:
        yield somebody
    finally:
        stopped = somebody.heliostui("engine", "stop", "--all")
        assert stopped.returncode == 0 or "not running" in stopped.stderr, stopped.stderr
        shutil.rmtree(directory)


def _interpreter(account: pwd.struct_passwd) -> tuple[str, dict[str, str]]:
    """Ours if the account can reach it, else the system's with our packages."""
    if os.geteuid() == account.pw_uid or _reachable(Path(sys.executable).resolve()):
        return sys.executable, {}
    packages = [str(PROJECT), sysconfig.get_path("purelib")]
    system = shutil.which("python3", path="/usr/bin")
    if system is None or not all(_reachable(Path(p)) for p in packages):
        pytest.skip("no Python that an ordinary user could run, with the packages of this one")
    version = subprocess.run([system, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True)
    if version.stdout.strip() != str(sys.version_info[:2]):
        pytest.skip(f"{system} is not the same Python as {sys.executable}, whose packages it would need")
    return system, {"PYTHONPATH": os.pathsep.join(packages), "PYTHONDONTWRITEBYTECODE": "1"}


def _reachable(path: Path) -> bool:
    """Whether anybody may get there and read it."""
    return all(p.stat().st_mode & 0o5 == 0o5 or not p.is_dir() for p in [path, *path.parents])


@pytest.fixture
def root() -> Iterator[Person]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    yield from person(pwd.getpwuid(0))


def ordinary_account() -> pwd.struct_passwd:
    """Whoever runs the tests, or, when that is root, an account made for it that stays."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    with Path(tempfile.gettempdir(), ORDINARY).open("w") as lock:  # tests of two files may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(ORDINARY)
        if shutil.which("useradd") is None:
            pytest.skip("no ordinary user to become, and no useradd to make one")
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/bin/sh", ORDINARY], check=True)
        return pwd.getpwnam(ORDINARY)


@pytest.fixture
def ordinary() -> Iterator[Person]:
    yield from person(ordinary_account())


@pytest.fixture(params=["root", "ordinary"])
def anybody(request: pytest.FixtureRequest) -> Person:
    """Root, and then an ordinary user."""
    found: Person = request.getfixturevalue(request.param)
    return found
