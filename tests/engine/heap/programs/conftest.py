"""Real programs, run as they are and with the allocator preloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.heap import library

WORK = Path(__file__).parents[4] / "benchmarks" / "heap"
"""What the programs are given to do; the benchmark measures the same."""
EVERY_WAY = ["", "check", "first", "next", "worst", "slabs=off", "cache=off"]
"""The ways in which the allocator can work, as `library.parse` reads them."""


@dataclass(frozen=True)
class Ended:
    status: int  # negative: the signal
    output: bytes
    errors: bytes


class Heap:
    """`environment`: what makes a program use the allocator."""

    def __init__(self, options: str, directory: Path) -> None:
        self.environment: Mapping[str, str] = {}
        self.directory = directory
        if options != "none":
            self.environment = library.environment(library.parse(options), {}, library.needed())

    def run(self, *command: str | Path, seconds: float = 60, cwd: Path | None = None, **environment: str) -> Ended:
        """In an empty directory, by itself."""
        ended = subprocess.run(
            command,
            env={**os.environ, **environment, **self.environment},
            cwd=cwd or self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def well(self, *command: str | Path, seconds: float = 60, cwd: Path | None = None, **environment: str) -> str:
        """What a program writes that must end well and say nothing else."""
        ended = self.run(*command, seconds=seconds, cwd=cwd, **environment)
        assert (ended.status, ended.errors) == (0, b""), ended
        return ended.output.decode()


@pytest.fixture
def heap(request: pytest.FixtureRequest, tmp_path: Path) -> Heap:
    """With the options of an indirect parameter; with none, as it is by default."""
    if library.path() is None:
        pytest.skip(library.why_missing())
    return Heap(getattr(request, "param", ""), tmp_path)


@pytest.fixture
def none(tmp_path: Path) -> Heap:
    """Programs with the allocator that they have anyway."""
    return Heap("none", tmp_path)


def needs(program: str) -> str:
    """Its path; the test is skipped where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path
