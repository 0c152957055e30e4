"""Promises of the files: read whole, read anew, within the limit of descriptors, and none left open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.metrics.kept_file import KeptFile, lower_half

ALL = 1 << 20


def descriptors() -> set[str]:
    return {
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    }


@pytest.mark.parametrize("keep", [True, False])
def test_each_reading_is_of_now(tmp_path: Path, keep: bool) -> None:
    path = tmp_path / "counter"
    file = KeptFile(str(path.parent), path.name, ALL)
    for text in (b"1\n", b"22\n", b"3\n"):
        path.write_bytes(text)
        assert file.read(keep) == text
    assert (str(path) in descriptors()) == keep
    file.close()
    assert str(path) not in descriptors()


@pytest.mark.parametrize("size", [0, 1, 3071, 3072, 4095, 4096, 4097, 100_000])
def test_a_long_file_is_read_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "long"
    path.write_bytes(bytes(index % 251 for index in range(size)))
    file = KeptFile(str(path.parent), path.name, ALL)
    assert file.read(True) == path.read_bytes()
    assert file.read(False) == path.read_bytes()


def test_a_seq_file_of_many_records_is_read_whole() -> None:
    command = [sys.executable, "-c", "import asyncio, os, signal; os.kill(os.getpid(), signal.SIGSTOP)"]
    with subprocess.Popen(command) as process:
        os.waitpid(process.pid, os.WUNTRACED)  # it has stopped: its maps don't change
        whole = Path(f"/proc/{process.pid}/maps").read_bytes()
        assert len(whole) > 2 * 4096
        assert KeptFile(f"/proc/{process.pid}", "maps", ALL).read(False) == whole
        process.kill()


def test_what_is_not_there_is_none_until_it_is(tmp_path: Path) -> None:
    file = KeptFile(str(tmp_path), "later", ALL)
    assert file.read(True) is None
    (tmp_path / "later").write_bytes(b"now")
    assert file.read(True) == b"now"
    file.close()


def test_descriptors_above_the_lower_half_are_not_kept(tmp_path: Path) -> None:
    (tmp_path / "counter").write_bytes(b"1\n")
    file = KeptFile(str(tmp_path), "counter", below=0)
    assert file.read(True) == b"1\n"
    assert str(tmp_path / "counter") not in descriptors()


def test_a_process_that_has_gone_is_none_and_leaves_nothing_open() -> None:
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
    file = KeptFile(f"/proc/{child}", "stat", ALL)
    assert file.read(True)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert file.read(True) is None
    assert not any(f"/proc/{child}/" in path for path in descriptors())


def test_half_of_the_limit_is_left_to_others() -> None:
    assert 0 < lower_half() < os.sysconf("SC_OPEN_MAX")
