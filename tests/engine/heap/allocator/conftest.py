"""Small C programs, compiled and run with the allocator preloaded."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.heap import library

HEAD = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#define CHECK(what) do { if (!(what)) { fprintf(stderr, "line %d: %s\n", __LINE__, #what); exit(3); } } while (0)
"""
AS_WRITTEN = ("-O0", "-fno-builtin", "-w", "-pthread", "-g")  # what a program does wrong must stay in it


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int  # negative: the signal
    output: str
    errors: str

    @property
    def line(self) -> str:
        """What it said, which must be one line."""
        lines = self.errors.splitlines()
        assert len(lines) == 1, self.errors
        return lines[0]


class Programs:
    """Compiles each text once a session."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.library = library.path() or ""

    def compiled(self, text: str, *flags: str, suffix: str = ".c") -> Path:
        """The program of a whole source text, or, with -shared, the library."""
        name = hashlib.sha256("\0".join([text, suffix, *flags]).encode()).hexdigest()[:16]
        made = self.directory / name
        if not made.exists():
            source = made.with_suffix(suffix)
            source.write_text(text)
            compiler = "g++" if suffix == ".cc" else "gcc"
            subprocess.run([compiler, *AS_WRITTEN, *flags, "-o", made, source], check=True, timeout=60)
        return made

    def main(self, body: str, *flags: str, before: str = "") -> Path:
        """The program whose main has this body."""
        return self.compiled(f"{HEAD}\n{before}\nint main(int argc, char **argv) {{\n{body}\nreturn 0; }}", *flags)

    def run(
        self,
        program: Path | str,
        *arguments: str,
        heap: str = "",
        environment: Mapping[str, str] | None = None,
        seconds: float = 60,
    ) -> Ended:
        variables = {**os.environ, "LD_PRELOAD": self.library, "HELIOS_HEAP": heap, **(environment or {})}
        ended = subprocess.run(
            [str(program), *arguments], env=variables, capture_output=True, text=True, timeout=seconds, check=False
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    if library.path() is None:
        pytest.skip(library.why_missing())
    if shutil.which("gcc") is None:
        pytest.skip("without a C compiler there are no programs to try the allocator with")
    return Programs(tmp_path_factory.mktemp("programs"))
