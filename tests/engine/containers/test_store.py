"""Containers on disk."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from engine.containers.record import Identity, Record
from engine.containers.store import Store, Stored
from engine.errors import EngineError
from engine.images import Image
from engine.protocol.messages import ContainerOptions, ErrorCode, Launch, Status
from engine.spec.structs import Process, Root, Spec

ID = "abc000000000"
SPEC = Spec(root=Root(path="merged"), process=Process(args=["sh"]))
IMAGE = Image(name="host", description="", layers=("/some/layer",))


def record(id: str = ID, name: str = "web") -> Record:
    return Record(
        id=id,
        name=name,
        image="host",
        command=["sh"],
        options=ContainerOptions(env=["A=ü"]),
        created_at=datetime.now(UTC),
    )


def stored(id: str = ID, name: str = "web") -> Stored:
    return Stored(record(id, name), SPEC, IMAGE)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB, for filling up."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "heliostui-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_what_is_stored_is_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = record()
    await store.create(Stored(first, SPEC, IMAGE))
    second = msgspec.structs.replace(first, status=Status.RUNNING, init=Identity(pid=7, start=9, boot="b"))
    await store.save(second)
    found = await Store(tmp_path).load()
    assert found.containers == [Stored(second, SPEC, IMAGE)]
    assert found.findings == []


async def test_an_empty_state_directory_has_no_containers(tmp_path: Path) -> None:
    assert (await Store(tmp_path / "new").load()).containers == []


async def test_a_launch_receipt_is_kept_and_a_broken_one_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    await store.create(stored())
    assert await store.launch(ID) is None
    launch = Launch(id=ID, name="web", executor="fast", started_at=datetime.now(UTC), total=5, steps=[])
    await store.save_launch(launch)
    assert await store.launch(ID) == launch
    (store.directory(ID) / "launch.json").write_text("{")
    assert await store.launch(ID) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": 5}', "\0" * 300, '{"id":"other"}'])
async def test_a_corrupt_record_is_set_aside_and_reported_and_the_others_load(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    await store.create(stored())
    await store.create(stored("def000000000", "db"))
    (store.directory(ID) / "state.json").write_text(text)
    found = await store.load()
    assert [container.record.name for container in found.containers] == ["db"]
    assert ID in found.findings[0].text
    assert (tmp_path / "corrupt" / f"{ID}-1" / "state.json").read_text() == text
    assert not store.directory(ID).exists()


async def test_a_corrupt_spec_is_set_aside_too_and_never_over_an_earlier_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number in (1, 2):
        await store.create(stored())
        (store.directory(ID) / "config.json").unlink()
        await store.load()
        assert (tmp_path / "corrupt" / f"{ID}-{number}").is_dir()


async def test_a_record_under_another_containers_id_is_set_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    await store.create(stored())
    store.directory(ID).rename(store.directory("def000000000"))
    found = await store.load()
    assert found.containers == []
    assert "state.json is of container" in found.findings[0].text


async def test_a_half_made_directory_is_cleared_away_in_silence(tmp_path: Path) -> None:
    store = Store(tmp_path)
    half = store.directory(ID)
    half.mkdir(parents=True)
    (half / "config.json").write_text("{")
    (half / "state.json.new").write_text("{")
    found = await store.load()
    assert (found.containers, found.findings) == ([], [])
    assert not half.exists()
    assert [path.name for path in store.leftovers()] == [f"{ID}-1"]


async def test_what_is_not_a_container_is_left_alone_and_reported(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "containers" / "lost+found").mkdir(parents=True)
    found = await store.load()
    assert "lost+found" in found.findings[0].text
    assert (tmp_path / "containers" / "lost+found").is_dir()


async def test_a_removed_container_vanishes_at_once_and_is_deleted_later(tmp_path: Path) -> None:
    store = Store(tmp_path)
    await store.create(stored())
    (store.directory(ID) / "upper" / "deep").mkdir(parents=True)
    trash = await store.remove(ID)
    assert not store.directory(ID).exists()
    assert trash is not None
    assert store.leftovers() == [trash]
    await store.delete(trash)
    assert store.leftovers() == []
    assert await store.remove(ID) is None


async def test_a_full_disk_is_said_and_leaves_nothing_half_made(full_disk: Path) -> None:
    store = Store(full_disk)
    await store.create(stored())
    before = (store.directory(ID) / "state.json").read_bytes()
    try:
        with (full_disk / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
    except OSError:
        pass
    with pytest.raises(EngineError, match=f"the disk is full, make room in {full_disk}\\.") as refused:
        await store.create(stored("def000000000", "db"))
    assert refused.value.code == ErrorCode.STORAGE
    with pytest.raises(EngineError, match="the state of container 'web'"):
        await store.save(record())
    assert sorted(path.name for path in (full_disk / "containers").iterdir()) == [ID]
    assert sorted(path.name for path in store.directory(ID).iterdir()) == ["config.json", "image.json", "state.json"]
    assert (store.directory(ID) / "state.json").read_bytes() == before
