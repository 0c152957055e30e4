"""What differs from the image is found in the layer as the kernel's overlay has written it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from engine.containers import changes as walk
from engine.containers.changes import Layer, changes
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode, MountOption
from tests.engine.containers.conftest import PATIENCE, Machine

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="whiteouts are device nodes, which root makes")


def told(layer: Layer, **options: object) -> list[str]:
    found = changes([layer], limit=1000, **options)  # type: ignore[arg-type]
    return [f"{change.kind} {change.path}" for change in found.changes]


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    """An image with /etc/{old,kept}, /bin/tool and /var/log/a, and nothing above it."""
    for name in ("etc/old", "etc/kept", "bin/tool", "var/log/a"):
        (tmp_path / "lower" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lower" / name).write_text(name)
    (tmp_path / "upper").mkdir()
    return Layer(str(tmp_path / "upper"), (str(tmp_path / "lower"),))


def above(layer: Layer, path: str) -> Path:
    found = Path(layer.upper) / path
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def test_nothing_written_is_nothing_changed(layer: Layer) -> None:
    assert told(layer) == []
    assert told(layer._replace(upper=layer.upper + "-that-never-was")) == []


def test_files_are_added_and_changed_with_their_sizes(layer: Layer) -> None:
    above(layer, "etc/old").write_text("longer than before")
    above(layer, "srv/new").write_text("12345")
    found = {change.path: change for change in changes([layer], limit=100).changes}
    assert [f"{change.kind} {path}" for path, change in found.items()] == [
        "C /etc", "C /etc/old", "A /srv", "A /srv/new",
    ]  # fmt: skip
    assert (found["/etc/old"].size, found["/etc/old"].before) == (18, 7)
    assert (found["/srv/new"].size, found["/srv/new"].before, found["/srv/new"].type) == (5, None, "file")


@ROOT
def test_whiteouts_are_deletions_and_opaque_directories_hide_what_was_there(layer: Layer) -> None:
    os.mknod(above(layer, "etc/old"), 0o20000, os.makedev(0, 0))
    os.mknod(above(layer, "etc/never-was"), 0o20000, os.makedev(0, 0))
    above(layer, "var/log").mkdir()
    os.setxattr(above(layer, "var/log"), "trusted.overlay.opaque", b"y")
    above(layer, "var/log/b").write_text("b")
    assert told(layer) == ["C /etc", "D /etc/old", "C /var", "C /var/log", "D /var/log/a", "A /var/log/b"]


@ROOT
def test_what_the_kernels_overlay_writes_is_read_as_it_was_meant(layer: Layer, tmp_path: Path) -> None:
    work, merged = tmp_path / "work", tmp_path / "merged"
    work.mkdir()
    merged.mkdir()
    script = f"""
        mount -t overlay overlay -o lowerdir={layer.lower[0]},upperdir={layer.upper},workdir={work} {merged} || exit 77
        cd {merged}; rm etc/old; rm -r var/log; mkdir var/log; echo x > var/log/c
        chmod 700 bin/tool; ln -s tool bin/link
    """
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], check=False, timeout=PATIENCE)
    if done.returncode == 77:
        pytest.skip("no overlay can be mounted here")
    assert told(layer) == [
        "C /bin", "A /bin/link", "C /bin/tool", "C /etc", "D /etc/old", "C /var", "C /var/log", "D /var/log/a",
        "A /var/log/c",
    ]  # fmt: skip


def test_no_link_leads_out_of_the_layer(layer: Layer, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    above(layer, "out").symlink_to(tmp_path / "secret")
    (found,) = changes([layer], limit=100).changes
    assert (found.path, found.type, found.target) == ("/out", "link", str(tmp_path / "secret"))


def test_a_mount_point_made_for_a_mount_is_no_change_while_it_is_empty(layer: Layer) -> None:
    above(layer, "proc").mkdir()
    above(layer, "data").mkdir()
    above(layer, "data/file").write_text("x")
    assert told(layer, made={"/proc", "/data"}) == ["A /data", "A /data/file"]


def test_more_than_the_limit_is_cut_off_and_said(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        above(layer, f"srv/{number}").write_text("")
    found = changes([layer], limit=10)
    assert (len(found.changes), found.truncated) == (10, True)
    monkeypatch.setattr(walk, "DEEPEST", 3)
    above(layer, "a/b/c/d/e").write_text("deep")
    assert changes([layer], limit=100).truncated


def test_grafts_are_told_where_they_lie(layer: Layer) -> None:
    above(layer, "bin/tool").write_text("another tool")
    assert told(layer._replace(place="/usr")) == ["C /usr/bin", "C /usr/bin/tool"]


async def test_a_container_tells_its_changes_running_and_ended(machine: Machine) -> None:
    command = "echo x > /new; rm /etc/passwd; echo y > /data/elsewhere; exec sleep 600"
    options = ContainerOptions(
        command=["sh", "-c", command], name="web", mounts=[MountOption(type="tmpfs", destination="/data")]
    )
    await machine.containers.run(options)
    wanted = {("A", "/new"), ("D", "/etc/passwd")}
    async with asyncio.timeout(PATIENCE):
        live = await machine.containers.changes("web", 1000)
        while not wanted <= {(change.kind, change.path) for change in live.changes}:  # nobody is told of them
            live = await machine.containers.changes("web", 1000)
    assert not any(change.path.startswith(("/data", "/proc", "/dev")) for change in live.changes)
    assert any(note.startswith("/data is memory") for note in live.notes)
    await machine.containers.kill("web")
    await machine.containers.wait("web")
    assert (await machine.containers.changes("web", 1000)).changes == live.changes
    with pytest.raises(EngineError) as refused:
        await machine.containers.changes("web", 0)
    assert refused.value.code == ErrorCode.INVALID
