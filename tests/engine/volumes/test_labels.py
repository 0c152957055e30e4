"""Relabelling for SELinux. The attribute can be written without it, and that is all that is done here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.volumes.labels import ATTRIBUTE, relabel

LABEL = "system_u:object_r:container_file_t:s0:c1,c2"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "file").touch()
    try:
        os.setxattr(made, ATTRIBUTE, b"before\0")
    except OSError:
        pytest.skip("this file system or this user can't write labels")
    return made


def labels(tree: Path) -> set[bytes]:
    return {os.getxattr(path, ATTRIBUTE) for path in (tree, tree / "sub", tree / "sub" / "file")}


def test_a_private_label_is_the_containers_own(tree: Path) -> None:
    relabel(str(tree), LABEL, shared=False)
    assert labels(tree) == {LABEL.encode() + b"\0"}


def test_a_shared_label_has_no_categories(tree: Path) -> None:
    relabel(str(tree), LABEL, shared=True)
    assert labels(tree) == {b"system_u:object_r:container_file_t:s0\0"}


def test_links_are_not_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    os.setxattr(outside, ATTRIBUTE, b"kept\0")
    (tree / "link").symlink_to(outside)
    relabel(str(tree), LABEL, shared=False)
    assert os.getxattr(outside, ATTRIBUTE) == b"kept\0"


@pytest.mark.parametrize("place", ["/", "/usr", "/etc/", "/home/../etc"])
def test_what_the_host_lives_by_is_refused(place: str) -> None:
    with pytest.raises(PermissionError, match="the host needs the labels"):
        relabel(place, LABEL, shared=True)
