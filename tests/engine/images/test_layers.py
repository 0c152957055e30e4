"""Reading through stacked layers: the overlay's rules, and no way out of a layer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.images.layers import LIMIT, read_file


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    (tmp_path / "upper/etc").mkdir(parents=True)
    return tmp_path / "upper"


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    (tmp_path / "lower/etc").mkdir(parents=True)
    return tmp_path / "lower"


def read(upper: Path, lower: Path, path: str = "/etc/passwd") -> bytes | None:
    return read_file([str(upper), str(lower)], path)


def whiteout(path: Path) -> None:
    try:
        os.mknod(path, 0o020000, os.makedev(0, 0))
    except PermissionError:
        pytest.skip("this kernel does not let an ordinary user make a whiteout")


def test_the_upper_file_wins(upper: Path, lower: Path) -> None:
    (lower / "etc/passwd").write_text("lower")
    assert read(upper, lower) == b"lower"
    (upper / "etc/passwd").write_text("upper")
    assert read(upper, lower) == b"upper"


def test_a_whiteout_hides_what_is_below(upper: Path, lower: Path) -> None:
    (lower / "etc/passwd").write_text("lower")
    whiteout(upper / "etc/passwd")
    assert read(upper, lower) is None


def test_a_whiteout_of_a_directory_hides_all_in_it(upper: Path, lower: Path) -> None:
    (lower / "etc/passwd").write_text("lower")
    (upper / "etc").rmdir()
    whiteout(upper / "etc")
    assert read(upper, lower) is None


def test_an_opaque_directory_hides_the_one_below(upper: Path, lower: Path) -> None:
    (lower / "etc/passwd").write_text("lower")
    try:
        os.setxattr(upper / "etc", "user.overlay.opaque", b"y")
    except OSError as error:
        pytest.skip(f"this file system has no extended attributes: {error}")
    assert read(upper, lower) is None


def test_a_file_where_a_directory_was_hides_it(upper: Path, lower: Path) -> None:
    (lower / "etc/passwd").write_text("lower")
    (upper / "etc").rmdir()
    (upper / "etc").write_text("a file")
    assert read(upper, lower) is None
    assert read(upper, lower, "etc") == b"a file"


@pytest.mark.parametrize("missing", ["/etc/none", "/none/passwd", "/etc", "/", "", "/etc/passwd/deeper"])
def test_what_is_not_a_file_is_not_read(upper: Path, lower: Path, missing: str) -> None:
    (lower / "etc/passwd").write_text("lower")
    assert read(upper, lower, missing) is None


@pytest.mark.parametrize(
    "target", ["accounts", "/etc/accounts", "../etc/accounts", "../../../../etc/accounts", "./accounts"]
)
def test_a_link_is_followed_within_the_merged_view(upper: Path, lower: Path, target: str) -> None:
    (upper / "etc/passwd").symlink_to(target)
    (lower / "etc/accounts").write_text("lower")
    assert read(upper, lower) == b"lower"


def test_a_link_never_leads_outside(upper: Path, lower: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    for target in (str(outside), "../../outside", f"/proc/self/root{outside}"):
        (upper / "etc/passwd").unlink(missing_ok=True)
        (upper / "etc/passwd").symlink_to(target)
        assert read(upper, lower) is None
    (upper / "out").symlink_to(tmp_path)
    assert read(upper, lower, "/out/outside") is None


def test_links_in_a_circle_end(upper: Path, lower: Path) -> None:
    (upper / "etc/passwd").symlink_to("group")
    (upper / "etc/group").symlink_to("passwd")
    with pytest.raises(OSError, match="symbolic links"):
        read(upper, lower)


def test_a_fifo_does_not_block(upper: Path, lower: Path) -> None:
    os.mkfifo(upper / "etc/passwd")
    assert read(upper, lower) is None


def test_a_file_too_large_is_refused(upper: Path, lower: Path) -> None:
    (upper / "etc/passwd").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(OSError, match="too large"):
        read(upper, lower)


def test_no_descriptor_is_left_open(upper: Path, lower: Path) -> None:
    (upper / "etc/passwd").write_text("upper")
    before = os.listdir("/proc/self/fd")
    read(upper, lower)
    assert os.listdir("/proc/self/fd") == before
