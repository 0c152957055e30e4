"""What becomes of volumes: who makes them, who uses them, and when they go."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ErrorCode, MountOption
from engine.volumes import Volumes


@pytest.fixture
def image(tmp_path: Path) -> Image:
    data = tmp_path / "layer" / "data"
    data.mkdir(parents=True)
    (data / "seed").write_text("from the image")
    return Image(name="i", description="", layers=(str(tmp_path / "layer"),))


@pytest.fixture
def volumes(tmp_path: Path) -> Volumes:
    return Volumes(tmp_path / "state", lambda id: f"name-of-{id}")


def volume(name: str = "", *options: str, destination: str = "/data") -> MountOption:
    return MountOption(type="volume", source=name, destination=destination, options=list(options))


async def test_one_is_made_listed_looked_at_and_removed(volumes: Volumes) -> None:
    made = await volumes.create("db", {"tier": "gold"})
    assert (made.name, made.labels, made.anonymous, made.used_by) == ("db", {"tier": "gold"}, False, [])
    Path(made.path, "file").write_bytes(b"x" * 100_000)
    assert ((await volumes.inspect("db")).size or 0) >= 100_000
    assert [v.name for v in await volumes.list()] == ["db"]
    await volumes.remove("db")
    assert await volumes.list() == []
    assert not os.path.exists(made.path)


async def test_one_that_is_there_already_is_answered_as_it_is(volumes: Volumes) -> None:
    first = await volumes.create("db", {"a": "b"})
    assert await volumes.create("db", {"c": "d"}) == first


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", ".new-x", "x" * 129, "a\0b", "ä"])
async def test_no_name_leads_out_of_the_directory_of_volumes(volumes: Volumes, name: str) -> None:
    with pytest.raises(EngineError) as refused:
        await volumes.create(name, {})
    assert refused.value.code == ErrorCode.INVALID
    for verb in (volumes.remove, volumes.inspect):
        with pytest.raises(EngineError) as refused:
            await verb(name)  # type: ignore[operator]
        assert refused.value.code == ErrorCode.NO_SUCH_VOLUME


async def test_a_claim_makes_and_fills_what_is_missing(volumes: Volumes, image: Image) -> None:
    claim = await volumes.claim("c", [volume("db"), volume(destination="/x/../data")], image)
    anonymous = claim.mounts[1].source
    assert [m.source for m in claim.mounts] == ["db", anonymous]
    assert claim.mounts[1].destination == "/data"
    for name in ("db", anonymous):
        assert Path(claim.directories[name], "seed").read_text() == "from the image"
    found = {v.name: v for v in await volumes.list()}
    assert found["db"].used_by == ["name-of-c"]
    assert (found["db"].anonymous, found[anonymous].anonymous) == (False, True)


async def test_what_is_in_a_volume_is_never_covered_by_the_image(volumes: Volumes, image: Image) -> None:
    made = await volumes.create("db", {})
    Path(made.path, "own").write_text("mine")
    await volumes.claim("c", [volume("db")], image)
    assert os.listdir(made.path) == ["own"]


async def test_nocopy_leaves_it_empty(volumes: Volumes, image: Image) -> None:
    claim = await volumes.claim("c", [volume("db", "nocopy")], image)
    assert os.listdir(claim.directories["db"]) == []


async def test_one_in_use_is_not_removed_until_its_containers_are(volumes: Volumes, image: Image) -> None:
    for id in ("a", "b"):
        await volumes.claim(id, [volume("db")], image)
    with pytest.raises(EngineError, match=r"in use.*name-of-a, name-of-b") as refused:
        await volumes.remove("db")
    assert refused.value.code == ErrorCode.WRONG_STATE
    assert await volumes.prune(all=True) == []
    await volumes.release("a")
    await volumes.release("b", anonymous=True)  # it has a name: it stays
    await volumes.remove("db")


async def test_one_without_a_name_goes_with_its_container_if_asked(volumes: Volumes, image: Image) -> None:
    await volumes.claim("a", [volume()], image)
    shared = (await volumes.claim("b", [volume()], image)).mounts[0].source
    await volumes.claim("c", [volume(shared)], image)
    await volumes.release("a")
    await volumes.release("b", anonymous=True)
    assert len(await volumes.list()) == 2
    await volumes.release("c", anonymous=True)
    assert [v.name for v in await volumes.list(["dangling=true"])] != [shared]
    assert len(await volumes.prune()) == 1
    assert await volumes.list() == []


async def test_pruning_takes_those_with_a_name_only_when_told(volumes: Volumes) -> None:
    await volumes.create("db", {})
    nameless = await volumes.create(None, {})
    assert await volumes.prune() == [nameless]
    assert [v.name for v in await volumes.prune(all=True)] == ["db"]


async def test_a_claim_that_fails_leaves_nothing(volumes: Volumes, image: Image, tmp_path: Path) -> None:
    source = tmp_path / "new" / "deep"
    mounts = [
        MountOption(type="bind", source=str(source), destination="/a", options=["create"]),
        MountOption(type="bind", source=str(tmp_path / "none"), destination="/b"),
    ]
    with pytest.raises(EngineError, match=r"/b.*none.*No such file") as refused:
        await volumes.claim("c", [volume("db"), *mounts], image)
    assert refused.value.code == ErrorCode.INVALID
    assert not source.parent.exists()
    claim = await volumes.claim("c", [volume("db"), mounts[0]], image)
    assert source.is_dir()
    await volumes.give_up("c", claim)
    assert not source.parent.exists()
    assert await volumes.list() == []


async def test_giving_up_keeps_what_was_there_before(volumes: Volumes, image: Image, tmp_path: Path) -> None:
    await volumes.create("db", {})
    kept = tmp_path / "kept"
    kept.mkdir()
    mount = MountOption(type="bind", source=str(kept), destination="/k", options=["create"])
    await volumes.give_up("c", await volumes.claim("c", [volume("db"), mount], image))
    assert [v.name for v in await volumes.list()] == ["db"]
    assert kept.is_dir()


async def test_the_next_engine_knows_who_uses_what_and_clears_up(
    volumes: Volumes, image: Image, tmp_path: Path
) -> None:
    claim = await volumes.claim("c", [volume("db")], image)
    (tmp_path / "state" / "volumes" / ".new-half").mkdir()
    (tmp_path / "state" / "volumes" / ".gone-half").mkdir()
    again = Volumes(tmp_path / "state", str)
    await again.recover([("c", claim.mounts)])
    assert sorted(os.listdir(tmp_path / "state" / "volumes")) == ["db"]
    with pytest.raises(EngineError, match="in use"):
        await again.remove("db")


async def test_many_containers_at_once_get_one_volume_whole(volumes: Volumes, image: Image) -> None:
    claims = await asyncio.gather(*(volumes.claim(str(i), [volume("db")], image) for i in range(8)))
    assert len({claim.directories["db"] for claim in claims}) == 1
    assert sum(claim.made == ["db"] for claim in claims) == 1
    assert len((await volumes.list())[0].used_by) == 8


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["name=d"], ["db"]),
        (["label=tier"], ["db", "web"]),
        (["label=tier=gold"], ["db"]),
        (["label=tier", "label=hot"], ["web"]),
        (["dangling=false"], ["web"]),
        (["dangling=true", "name=w"], []),
        (["name=d", "name=w"], ["db", "web"]),
    ],
)
async def test_filters_choose(volumes: Volumes, image: Image, filters: list[str], expected: list[str]) -> None:
    await volumes.create("db", {"tier": "gold"})
    await volumes.create("web", {"tier": "tin", "hot": ""})
    await volumes.claim("c", [volume("web")], image)
    assert [v.name for v in await volumes.list(filters)] == expected


@pytest.mark.parametrize("text", ["name", "colour=red", "dangling=perhaps"])
async def test_a_filter_that_is_none_is_named(volumes: Volumes, text: str) -> None:
    with pytest.raises(EngineError, match=repr(text)):
        await volumes.list([text])
