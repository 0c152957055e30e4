"""Threads that come and go, forks at any moment, and a program whose trade is to break allocators."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.engine.heap.programs.conftest import EVERY_WAY, Heap, needs

SECONDS = "1"


@pytest.fixture(scope="session")
def anger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("anger") / "anger"
    source = Path(__file__).with_name("anger.c")
    subprocess.run([needs("gcc"), "-O1", "-Wall", "-fno-builtin", "-pthread", "-o", program, source], check=True)
    return program


@pytest.mark.parametrize("heap", EVERY_WAY, indirect=True)
def test_threads_and_forks_in_anger_find_their_blocks_as_they_left_them(heap: Heap, anger: Path) -> None:
    ended = heap.run(anger, SECONDS, seconds=110)
    assert (ended.status, ended.output) == (0, b"well\n"), ended
    assert ended.errors.count(b"\n") == 1  # its own line of counts


@pytest.mark.parametrize("heap", ["", "check"], indirect=True)
def test_stress_ng_finds_nothing_wrong(heap: Heap, tmp_path: Path) -> None:
    program = needs("stress-ng")
    work = "--malloc 2 --malloc-pthreads 2 --malloc-bytes 64M --malloc-touch --malloc-ops 20000 --verify".split()
    heap.well(program, "--quiet", "--temp-path", tmp_path, "--timeout", "2", *work)
