"""Default containers to break out of, as root and as an ordinary user, and a place without their fence.

A test says what it tries as a line or a few of Python, which `probe.py` performs inside of a container of the image
`host` with no options at all. The same is tried outside, by root in namespaces of its own but with all capabilities, no
seccomp filter and nothing masked: what is refused there, too, would show nothing about the fence, and is skipped.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.syscalls import NUMBERS
from tests.story.conftest import Person, ordinary_account, person

PROBE = ["python3", "-I", "-c", (Path(__file__).parent / "probe.py").read_text()]
OUTSIDE = ["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--mount-proc"]


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: a value, or the name of an errno (or how the process died)."""

    value: Any = None
    error: str | None = None


class Probe:
    """A running probe.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._say(NUMBERS)

    def attempt(self, source: str) -> Answer:
        self.send(source)
        return self.receive()

    def send(self, source: str) -> None:
        """Begin an attempt that something else shall happen during."""
        self._say(textwrap.dedent(source).strip())

    def receive(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the probe ended with {self._process.wait()}"
        return Answer(**json.loads(line))

    def value(self, source: str) -> Any:
        """Of an attempt that must succeed: there is no harm in it."""
        answer = self.attempt(source)
        assert answer.error is None, f"{answer.error}: {source}"
        return answer.value

    def _say(self, what: object) -> None:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)


@contextmanager
def probing(command: list[str], **how: Any) -> Iterator[Probe]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how) as process:
        yield Probe(process)


@dataclass
class Fence:
    """`inside`: a container that nothing was asked for. `outside`: root, without the fence, if the tests are root."""

    person: Person
    inside: Probe
    outside: Probe | None

    @property
    def rootless(self) -> bool:
        return self.person.account.pw_uid != 0

    def holds(self, *attempts: str) -> None:
        """Every attempt is refused inside, and at least one is answered differently outside."""
        refused = [self.inside.attempt(attempt) for attempt in attempts]
        for attempt, answer in zip(attempts, refused, strict=True):
            assert answer.error is not None, f"got through, with {answer.value!r}: {attempt}"
        if self.outside is not None and [self.outside.attempt(attempt) for attempt in attempts] == refused:
            pytest.skip(f"this machine answers {refused[0].error} to everybody: {attempts[0]}")

    def hides(self, question: str) -> None:
        """The question is answered by nothing, or by an error, inside; and by something outside."""
        answer = self.inside.attempt(question)
        assert not answer.value, f"told {answer.value!r}: {question}"
        if self.outside is not None and not self.outside.attempt(question).value:
            pytest.skip(f"this machine tells nobody: {question}")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A container of its own, for what happens while one is made: `run --rm` and these."""
        return self.person.heliostui("run", "--rm", *words)

    def program(self, *words: str, options: tuple[str, ...] = ()) -> str:
        """What a program says in a container of its own."""
        return self.run(*options, "host", *words).stdout


@pytest.fixture(scope="session")
def outside() -> Iterator[Probe | None]:
    if os.geteuid() != 0:
        yield None
        return
    with probing([*OUTSIDE, *PROBE]) as probe:
        yield probe


@pytest.fixture(scope="session", params=["root", "ordinary"])
def fence(request: pytest.FixtureRequest, outside: Probe | None) -> Iterator[Fence]:
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("needs root")
    with contextmanager(person)(pwd.getpwuid(0) if request.param == "root" else ordinary_account()) as somebody:
        made = somebody.heliostui("run", "-d", "--name", "cell", "host", "sleep", "infinity")
        if "can't run without root here" in made.stderr:
            pytest.skip(made.stderr.strip())
        assert made.returncode == 0, made.stderr
        command = [somebody.python, "-m", "heliostui", "exec", "-i", "cell", *PROBE]
        how = {"env": somebody.environment, "cwd": somebody.directory, **somebody.switch()}
        with probing(command, **how) as probe:
            yield Fence(somebody, probe, outside)
        somebody.heliostui("kill", "cell")
