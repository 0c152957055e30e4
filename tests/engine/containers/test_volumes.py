"""Volumes in the lives of containers, with a real keeper."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode, MountOption

from .conftest import Machine


def shell(script: str, *mounts: MountOption, **options: object) -> ContainerOptions:
    command = ["/bin/sh", "-c", script]
    return ContainerOptions(image="busybox", command=command, mounts=list(mounts), **options)  # type: ignore[arg-type]


def volume(name: str = "", destination: str = "/data", *options: str) -> MountOption:
    return MountOption(type="volume", source=name, destination=destination, options=list(options))


async def names(machine: Machine) -> list[str]:
    return [each.name for each in await machine.containers.volumes.list()]


async def run(machine: Machine, options: ContainerOptions) -> int:
    made = await machine.containers.run(options)
    return (await asyncio.wait_for(machine.containers.wait(made.id), 20)).exit_code


async def test_what_one_container_writes_the_next_one_reads(machine: Machine) -> None:
    assert await run(machine, shell("echo kept > /data/file", volume("db"), remove=True)) == 0
    assert await run(machine, shell("grep kept /srv/file", volume("db", "/srv"), remove=True)) == 0
    assert await run(machine, shell("touch /srv/x", volume("db", "/srv", "ro"), remove=True)) == 1
    assert await names(machine) == ["db"]


async def test_a_new_volume_begins_with_what_the_image_has_there(machine: Machine) -> None:
    assert await run(machine, shell("grep files /etc/nsswitch.conf", volume("etc", "/etc"), remove=True)) == 0


async def test_inspect_names_the_volume(machine: Machine) -> None:
    made = await machine.containers.create(shell("true", volume("db", "/x/../data", "ro")))
    detail = await machine.containers.inspect(made.id)
    (mount,) = [mount for mount in detail.mounts if mount.volume]
    assert (mount.type, mount.volume, mount.destination) == ("volume", "db", "/data")
    assert mount.source == (await machine.containers.volumes.inspect("db")).path
    assert "ro" in mount.options


async def test_one_without_a_name_goes_with_rm_volumes_and_with_rm_at_the_end(machine: Machine) -> None:
    kept = await machine.containers.create(shell("true", volume()))
    await machine.containers.remove(kept.id)
    assert len(await names(machine)) == 1
    gone = await machine.containers.create(shell("true", volume(), volume("db", "/b")))
    await machine.containers.remove(gone.id, False, True)
    assert len(await names(machine)) == 2
    await run(machine, shell("true", volume(), remove=True))
    assert len(await names(machine)) == 2


async def test_a_start_that_fails_leaves_no_volume_without_a_name(machine: Machine) -> None:
    with pytest.raises(EngineError):
        await machine.containers.run(
            ContainerOptions(image="busybox", command=["/no/such"], mounts=[volume(), volume("db", "/b")])
        )
    assert await names(machine) == ["db"]


async def test_a_container_that_can_not_be_made_leaves_no_volume_at_all(machine: Machine, tmp_path: Path) -> None:
    source = tmp_path / "made" / "for" / "it"
    created = MountOption(type="bind", source=str(source), destination="/c", options=["create"])
    for broken in (
        shell("true", volume("db"), created, volume("other", "/data/")),
        shell("true", volume("db"), created, workdir="not/absolute"),
        shell("true", volume("db"), created, volume("web", "/w", "size=1m")),
    ):
        with pytest.raises(EngineError) as refused:
            await machine.containers.create(broken)
        assert refused.value.code == ErrorCode.INVALID
        assert await names(machine) == []
        assert not (tmp_path / "made").exists()


async def test_one_in_use_is_kept_also_by_the_next_engine(machine: Machine) -> None:
    made = await machine.containers.create(shell("true", volume("db"), name="user"))
    await machine.restart_engine()
    with pytest.raises(EngineError, match=r"in use.*user"):
        await machine.containers.volumes.remove("db")
    await machine.containers.remove(made.id)
    await machine.containers.volumes.remove("db")
    assert await names(machine) == []


async def test_a_source_that_is_missing_is_made_or_refused_as_asked(machine: Machine, tmp_path: Path) -> None:
    place = tmp_path / "new" / "place"
    with pytest.raises(EngineError, match=str(place)):
        await machine.containers.create(shell("true", MountOption(type="bind", source=str(place), destination="/d")))
    asked = MountOption(type="bind", source=str(place), destination="/d", options=["create"])
    assert await run(machine, shell("echo x > /d/file", asked, remove=True)) == 0
    assert (place / "file").read_text() == "x\n"


async def test_only_a_shared_mount_can_be_shared(machine: Machine, tmp_path: Path) -> None:
    asked = MountOption(type="bind", source=str(tmp_path), destination="/d", options=["rshared"])
    text = Path("/proc/self/mountinfo").read_text()
    if " shared:" in "\n".join(line for line in text.splitlines() if line.split()[4] in ("/", "/tmp")):
        pytest.skip("all mounts of this machine are shared")
    with pytest.raises(EngineError, match=f"{tmp_path}.*private.*mount --make-shared"):
        await machine.containers.create(shell("true", asked))


async def test_volumes_in_a_user_namespace_look_as_in_any_other(machine: Machine) -> None:
    maps = {"uid_map": ["0:200000:65536"], "gid_map": ["0:300000:65536"]}
    script = "echo mine > /data/file; stat -c '%u %g' /data/file | grep '^0 0$'"
    assert await run(machine, shell(script, volume("db"), remove=True, **maps)) == 0
    assert await run(machine, shell("stat -c '%u %g' /data/file | grep '^0 0$'", volume("db"), remove=True)) == 0
