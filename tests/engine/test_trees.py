"""Trees are deleted whatever is in them, and nothing beside them is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine import trees


def make_deep(top: Path, levels: int) -> None:
    """Directories in one another, each with a file."""
    here = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=here))
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def test_a_tree_of_five_thousand_levels_is_deleted(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    make_deep(top, 5000)
    trees.remove(top)
    assert not os.listdir(tmp_path)


def test_links_are_deleted_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "top" / "d").mkdir(parents=True)
    for place in ("top", "top/d"):
        (tmp_path / place / "link").symlink_to(tmp_path / "kept")
        os.mkfifo(tmp_path / place / "pipe")
    trees.remove(tmp_path / "top")
    assert os.listdir(tmp_path) == ["kept"]
    assert os.listdir(tmp_path / "kept") == ["file"]


def test_a_link_in_place_of_the_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")
    with pytest.raises(NotADirectoryError):
        trees.remove(tmp_path / "link")


def test_what_is_not_there_is_an_error_unless_errors_are_ignored(tmp_path: Path) -> None:
    trees.remove(tmp_path / "none", ignore_errors=True)
    with pytest.raises(FileNotFoundError):
        trees.remove(tmp_path / "none")
