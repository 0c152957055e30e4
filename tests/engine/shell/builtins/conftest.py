"""heliosh beside bash: the same commands in both, and what each writes and ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HELIOSH = [sys.executable, "-m", "engine.shell"]
BASH = ["bash", "--norc"]
_MARK = "\x1e"  # between cases

Same = Callable[..., None]


def environment(directory: Path) -> dict[str, str]:
    """The same for both, whoever runs the tests."""
    home = directory / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def run(
    command: Sequence[str], directory: Path, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, cwd=directory, env=environment(directory) | variables, input=stdin, capture_output=True, timeout=60
    )


def outcomes(shell: Sequence[str], cases: Sequence[str], directory: Path, stdin: bytes = b"") -> list[str]:
    """What each case writes to standard output, and its status. Each is in a subshell of its own."""
    lines = [f"( {case}\n) 2>/dev/null\nprintf '[%d]{_MARK}' $?" for case in cases]
    text = run([*shell, "-c", "\n".join(lines)], directory, stdin).stdout.decode(errors="surrogateescape")
    return text.split(_MARK)[:-1]


@pytest.fixture
def same(tmp_path: Path) -> Same:
    """Asserts that cases come out of heliosh as of bash, in a directory that each finds empty."""

    def check(*cases: str, stdin: bytes = b"", files: Callable[[Path], None] = lambda _: None) -> None:
        found = []
        for shell in (BASH, HELIOSH):
            directory = tmp_path / "here"
            directory.mkdir()
            files(directory)
            found.append(outcomes(shell, cases, directory, stdin))
            directory.rename(tmp_path / shell[-1])
        assert dict(zip(cases, found[1], strict=True)) == dict(zip(cases, found[0], strict=True))

    return check


@pytest.fixture
def heliosh(tmp_path: Path) -> Callable[..., tuple[str, str, int]]:
    """`heliosh -c TEXT`: what it writes to 1 and 2, and its status."""

    def invoke(text: str, *arguments: str, stdin: bytes = b"", **variables: str) -> tuple[str, str, int]:
        result = run([*HELIOSH, "-c", text, *arguments], tmp_path, stdin, **variables)
        return (
            result.stdout.decode(errors="surrogateescape"),
            result.stderr.decode(errors="surrogateescape"),
            result.returncode,
        )

    return invoke
