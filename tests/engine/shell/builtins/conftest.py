"""heliosh beside bash: the same commands in both, and what each writes and ends with."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.shell.conftest import HELIOSH

BASH = ["bash", "--norc"]
_MARK = "\x1e"  # between cases

# A subshell's way to see that the shell $p is in `wait`: nothing else of what it does puts it to sleep.
UNTIL_IT_WAITS = "sh -c 'until grep -q ^State:.S /proc/$1/status; do :; done' - $p"

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
    result = run([*shell, "-c", "\n".join(lines)], directory, stdin)
    found = result.stdout.decode(errors="surrogateescape").split(_MARK)[:-1]
    assert len(found) == len(cases), result.stderr.decode()
    return found


def populate(directory: Path) -> None:
    """Files that the cases know."""
    (directory / "sub/deep").mkdir(parents=True)
    (directory / "link").symlink_to("sub")
    (directory / "file").write_text("one two\nthree\n")
    (directory / "script").write_text("echo sourced $# $1\nX=set\nreturn 4\necho never\n")
    (directory / "prog").write_text('#!/bin/sh\necho prog "$@"\n')
    (directory / "prog").chmod(0o755)


@pytest.fixture
def same(tmp_path: Path) -> Same:
    """Asserts that cases come out of heliosh as of bash: what they write to standard output, and their status. Each
    shell finds the same directory, populated; each case is in a subshell."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed: there is nothing to compare with")

    def check(*cases: str, stdin: bytes = b"") -> None:
        found = []
        for shell in (BASH, HELIOSH):
            directory = tmp_path / "here"
            directory.mkdir()
            populate(directory)
            found.append(outcomes(shell, cases, directory, stdin))
            shutil.rmtree(directory)
        assert dict(zip(cases, found[1], strict=True)) == dict(zip(cases, found[0], strict=True))

    return check


class Ended(NamedTuple):
    """What a shell wrote, and how it ended."""

    out: str
    err: str
    status: int


Heliosh = Callable[..., Ended]


@pytest.fixture
def heliosh(tmp_path: Path) -> Heliosh:
    """`heliosh -c TEXT`, in a directory that is populated too."""
    populate(tmp_path)

    def invoke(text: str, *arguments: str, stdin: bytes = b"", **variables: str) -> Ended:
        result = run([*HELIOSH, "-c", text, *arguments], tmp_path, stdin, **variables)
        out, err = (stream.decode(errors="surrogateescape") for stream in (result.stdout, result.stderr))
        return Ended(out, err, result.returncode)

    return invoke
