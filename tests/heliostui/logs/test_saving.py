"""Files that are saved."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from heliostui.logs.saving import _replace, _write


def test_nothing_is_written_through_a_link_that_somebody_put_there(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "log").symlink_to(precious)
    (tmp_path / f".log.{os.getpid()}").symlink_to(precious)
    with pytest.raises(FileExistsError):
        _write(tmp_path / "log", "lost", 0o666)
    assert _replace(tmp_path / "log", "new", 0o600) == 3
    assert precious.read_text() == "kept"
    assert (tmp_path / "log").read_text() == "new"
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    (tmp_path / "old").write_text("old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="large"):
            _write(tmp_path / "new", "x" * 100_000, 0o666)
        with pytest.raises(OSError, match="large"):
            _replace(tmp_path / "old", "x" * 100_000, 0o666)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [each.name for each in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "old"
