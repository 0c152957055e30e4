"""A new volume begins with what the image has at its place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.images.image import Graft, Image
from engine.volumes.copy_up import _Copy, copy_up

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners, device nodes and trusted attributes are root's to set")


def image(*layers: Path, grafts: tuple[Graft, ...] = (), masked: tuple[str, ...] = ()) -> Image:
    return Image(name="i", description="", layers=tuple(map(str, layers)), grafts=grafts, masked=masked)


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    made = tmp_path / "layer"
    (made / "data" / "sub").mkdir(parents=True)
    (made / "data" / "file").write_text("content")
    (made / "data" / "sub" / "deep").write_text("below")
    return made


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


def test_files_and_directories_are_there(layer: Path, volume: Path) -> None:
    assert copy_up(image(layer), "/data", str(volume))
    assert (volume / "file").read_text() == "content"
    assert (volume / "sub" / "deep").read_text() == "below"


def test_an_image_with_nothing_or_a_file_there_leaves_it_empty(layer: Path, volume: Path) -> None:
    assert not copy_up(image(layer), "/none", str(volume))
    assert not copy_up(image(layer), "/data/file", str(volume))
    assert not os.listdir(volume)


@as_root
def test_owners_modes_times_and_attributes_stay(layer: Path, volume: Path) -> None:
    file = layer / "data" / "file"
    os.setxattr(file, "user.color", b"blue")
    os.chown(file, 1000, 1001)
    file.chmod(0o4751)
    os.utime(file, ns=(1_000_000_001, 2_000_000_002))
    os.chown(layer / "data", 7, 8)
    (layer / "data").chmod(0o1770)
    copy_up(image(layer), "/data", str(volume))
    found = (volume / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1000, 1001, 0o4751)
    assert found.st_mtime_ns == 2_000_000_002
    assert os.getxattr(volume / "file", "user.color") == b"blue"
    top = volume.stat()
    assert (top.st_uid, top.st_gid, stat.S_IMODE(top.st_mode)) == (7, 8, 0o1770)


@as_root
def test_links_and_nodes_stay_what_they_are_and_sockets_stay_behind(layer: Path, volume: Path) -> None:
    data = layer / "data"
    os.link(data / "file", data / "sub" / "twin")
    (data / "link").symlink_to("/etc/shadow")
    os.mkfifo(data / "pipe", 0o640)
    os.mknod(data / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(data / "socket", stat.S_IFSOCK | 0o666)
    copy_up(image(layer), "/data", str(volume))
    assert (volume / "file").stat().st_ino == (volume / "sub" / "twin").stat().st_ino
    assert os.readlink(volume / "link") == "/etc/shadow"
    assert stat.S_ISFIFO((volume / "pipe").stat().st_mode)
    assert (volume / "null").stat().st_rdev == os.makedev(1, 3)
    assert not (volume / "socket").exists()


@as_root
def test_layers_are_merged_as_the_overlay_merges_them(layer: Path, volume: Path, tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    (upper / "data" / "sub").mkdir(parents=True)
    os.setxattr(upper / "data" / "sub", "trusted.overlay.opaque", b"y")
    (upper / "data" / "sub" / "new").write_text("only this")
    os.mknod(upper / "data" / "file", stat.S_IFCHR, 0)
    (upper / "data" / "more").write_text("more")
    copy_up(image(upper, layer), "/data", str(volume))
    assert sorted(os.listdir(volume)) == ["more", "sub"]
    assert os.listdir(volume / "sub") == ["new"]
    assert os.listxattr(volume / "sub") == []


def test_a_link_of_the_image_leads_nowhere_but_into_the_image(layer: Path, volume: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("of the host")
    (layer / "out").symlink_to(f"../../../../../../../..{secret}")
    (layer / "away").symlink_to(str(secret))
    (layer / "here").symlink_to("data/sub")
    assert not copy_up(image(layer), "/out", str(volume))
    assert not copy_up(image(layer), "/away", str(volume))
    assert copy_up(image(layer), "/here", str(volume))
    assert os.listdir(volume) == ["deep"]


def test_a_graft_is_looked_into_and_what_is_masked_stays_behind(layer: Path, volume: Path) -> None:
    grafted = image(layer, grafts=(Graft(str(layer / "data"), "/usr"),), masked=("/usr/sub/deep", "/usr/file"))
    assert copy_up(grafted, "/usr", str(volume))
    assert sorted(p.name for p in volume.rglob("*")) == ["sub"]


def test_what_fails_half_way_leaves_it_empty(layer: Path, volume: Path) -> None:
    if os.geteuid() == 0:
        (layer / "data" / "zz").mkdir()  # nothing is secret to root, but a name can be taken
        (volume / "zz").write_text("in the way")
    else:
        (layer / "data" / "file").chmod(0)
    with pytest.raises((FileExistsError, PermissionError)):
        copy_up(image(layer), "/data", str(volume))
    assert os.listdir(volume) == []


def test_a_link_that_another_container_puts_in_the_way_is_not_followed(
    layer: Path, volume: Path, tmp_path: Path
) -> None:
    """It has the volume already, and swaps a directory just made for a link while its image has a file of two names."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "deep").write_text("secret")
    os.link(layer / "data" / "sub" / "deep", layer / "data" / "again")
    (volume / "sub").symlink_to(outside)
    opened = [os.open(path, os.O_RDONLY) for path in (volume, layer / "data" / "again")]
    status = os.fstat(opened[1])
    copy = _Copy(opened[0], (), linked={(status.st_dev, status.st_ino): "sub/deep"})
    with pytest.raises(NotADirectoryError):
        copy._entry([opened[1]], opened[0], "again", "/data/again", "again")
    for descriptor in opened:
        os.close(descriptor)
    assert (outside / "deep").stat().st_nlink == 1
