"""Threads, forks and every call at random under the sanitizers, in every way the allocator can work.

A moment of it here; longer by hand: `make test ARGS='tests/engine/heap/allocator/test_soak.py' SOAK_SECONDS=600`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.heap.layout_of import HEADER

ALLOCATOR = HEADER.parent
SECONDS = os.environ.get("SOAK_SECONDS", "1")
NAMES = (
    "malloc calloc realloc reallocarray free cfree memalign aligned_alloc posix_memalign valloc pvalloc "
    "malloc_usable_size malloc_trim mallinfo mallinfo2"
).split()
WAYS = [
    "",
    "slabs=off",
    "cache=off",
    "policy=first",
    "policy=next,slabs=off,cache=off",
    "policy=worst",
    "check",
    "events",
]

# A sanitizer has a malloc of its own, so the allocator's functions get names of their own.
COMMON = ["-std=gnu11", "-O1", "-g", "-w", "-pthread", *(f"-D{name}=helios_{name}" for name in NAMES)]


def soak(directory: Path, sanitizers: str) -> Path:
    """The program of soak.c and the allocator."""
    if shutil.which("gcc") is None:
        pytest.skip("without a C compiler there is nothing to sanitize")
    flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    objects = []
    for source in sorted(ALLOCATOR.glob("*.c")):
        objects.append(directory / f"{source.stem}.o")
        subprocess.run(["gcc", "-c", *COMMON, *flags, "-o", objects[-1], source], check=True, timeout=60)
    program = directory / "soak"
    driver = Path(__file__).with_name("soak.c")
    linking = ["gcc", "-O1", "-g", "-w", "-pthread", *flags, "-o", program, driver, *objects]
    linked = subprocess.run(linking, capture_output=True, text=True, timeout=60, check=False)
    if linked.returncode:
        assert "cannot find" in linked.stderr, linked.stderr
        pytest.skip(f"this compiler comes without -fsanitize={sanitizers}")
    return program


@pytest.fixture(scope="module")
def with_addresses_watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return soak(tmp_path_factory.mktemp("address"), "address,undefined")


@pytest.fixture(scope="module")
def with_threads_watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return soak(tmp_path_factory.mktemp("thread"), "thread")


def run(program: Path, heap: str, *words: str) -> None:
    variables = {**os.environ, "HELIOS_HEAP": heap}
    command = [program, SECONDS, "3", "1", *words]
    ended = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=60 + 3 * int(SECONDS), check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout.split()[0]) > 0


@pytest.mark.timeout(60 + 4 * int(SECONDS))
@pytest.mark.parametrize("heap", WAYS)
def test_no_byte_is_ever_anothers(with_addresses_watched: Path, heap: str) -> None:
    run(with_addresses_watched, heap, "fork")


@pytest.mark.timeout(60 + 4 * int(SECONDS))
@pytest.mark.parametrize("heap", ["", "policy=next,slabs=off,cache=off", "check", "events"])
def test_no_two_threads_race(with_threads_watched: Path, heap: str) -> None:
    run(with_threads_watched, heap)
