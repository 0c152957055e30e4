"""No mount leads out of the root: not by a link of the image, not by `..`, not by a race (runc: CVE-2019-16884,
CVE-2021-30465, CVE-2023-27561, CVE-2024-21626; Kubernetes: CVE-2017-1002101, CVE-2021-25741)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.containers.keeper import Keeper
from engine.protocol.messages import ContainerOptions, MountOption
from engine.sandbox import fast
from engine.sandbox.build import launch_plan
from tests.engine.conftest import KeeperProcess
from tests.engine.sandbox.conftest import Bundle, Result, finish
from tests.engine.sandbox.leftovers import host_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")

UP = "/".join([".."] * 12)


@pytest.fixture
def keeper_process(tmp_path: Path) -> Iterator[KeeperProcess]:
    process = KeeperProcess(tmp_path, {"HELIOSTUI_EXECUTOR": "fast" if fast.load() else "portable"})
    yield process
    process.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    made = tmp_path / "source"
    made.mkdir()
    (made / "mark").write_text("source\n")
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory of the host that no container is given; it must stay as it is."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "file").write_text("of the host\n")
    before = state(made)
    yield made
    assert state(made) == before


def state(directory: Path) -> list[tuple[str, int, int]]:
    return sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_ino) for p in [directory, *directory.rglob("*")])


async def run(keeper: Keeper, bundle: Bundle, script: str, *mounts: MountOption, links: dict[str, str]) -> Result:
    """`links` are in the image."""
    layer = bundle.directory / "evil"
    layer.mkdir()
    for name, target in links.items():
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).symlink_to(target)
    evil = Bundle(bundle.directory, replace(bundle.image, layers=(str(layer), *bundle.image.layers)))
    before = host_state()
    wanted = ContainerOptions(command=["/bin/sh", "-c", script], mounts=list(mounts))
    spec = evil.spec(wanted)
    result = await finish(keeper, "c", launch_plan(spec, evil.root()), spec.process)
    assert host_state() == before
    return result


def bind(source: Path, destination: str) -> MountOption:
    return MountOption(type="bind", source=str(source), destination=destination)


@pytest.mark.parametrize("target", ["{outside}", f"{UP}{{outside}}", "/proc/1/root{outside}", "/proc/self/cwd"])
@pytest.mark.parametrize("deeper", ["", "/new/sub"])
async def test_a_destination_that_is_a_link_out_of_the_image_ends_inside(
    keeper: Keeper, busybox: Bundle, source: Path, outside: Path, target: str, deeper: str
) -> None:
    link = target.format(outside=outside)
    result = await run(keeper, busybox, "true", bind(source, f"/link{deeper}"), links={"link": link})
    # It lies at the place of that name inside, or there is none and the launch fails; `outside` tells the rest.
    assert result.failure is None or "link" in result.failure.message
    assert sorted(os.listdir(outside)) == ["file"]


async def test_a_file_behind_a_dangling_link_is_made_inside(
    keeper: Keeper, busybox: Bundle, source: Path, outside: Path
) -> None:
    links = {"etc/resolv.conf": f"{UP}{outside}/made", "srv": str(outside)}
    (busybox.directory / "at").mkdir()
    result = await run(
        keeper, busybox, "cat /etc/resolv.conf", bind(source / "mark", "/etc/resolv.conf"), links={**links}
    )
    # The directory of the link's target is not there inside: refused, and nothing is made at the host's.
    assert result.failure is not None
    links = {"etc/hostname": "../run/made"}
    busybox = Bundle(busybox.directory / "at", busybox.image)
    result = await run(keeper, busybox, "cat /run/made", bind(source / "mark", "/etc/hostname"), links=links)
    assert result.output == "source\n", result.failure


async def test_dots_in_a_destination_stay_inside(keeper: Keeper, busybox: Bundle, source: Path, outside: Path) -> None:
    result = await run(keeper, busybox, f"cat {outside}/mark", bind(source, f"/a/{UP}{outside}"), links={})
    assert result.output == "source\n", result.failure


async def test_links_among_destinations_meet_inside(keeper: Keeper, busybox: Bundle, source: Path) -> None:
    """A mount through a link covers what an earlier one put there; what follows is looked up anew."""
    links = {"one": "srv", "three": "/dev"}
    script = "cat /srv/mark; ls /srv/in; ls -d /dev/shm/in; echo > /dev/null && echo fine"
    mounts = [
        bind(source, "/one"),
        MountOption(type="tmpfs", destination="/srv/in"),
        MountOption(type="tmpfs", destination="/three/shm/in"),
    ]
    result = await run(keeper, busybox, script, *mounts, links=links)
    assert result.output == "source\n/dev/shm/in\nfine\n", (result.failure, result.errors)


@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
async def test_a_link_in_the_place_of_a_kernel_directory_is_refused(
    keeper: Keeper, busybox: Bundle, outside: Path, name: str
) -> None:
    result = await run(keeper, busybox, "true", links={name: str(outside)})
    assert result.failure is not None
    assert f"/{name}" in result.failure.message


SWAPPER = """
import ctypes, os, sys
# Swap a directory and a link as fast as can be: whoever looks twice sees two things.
place, link = sys.argv[1].encode(), sys.argv[2].encode()
exchange = ctypes.CDLL(None).renameat2
print("go", flush=True)
while True:
    exchange(-100, place, -100, link, 2)
"""


async def test_a_destination_that_is_swapped_for_a_link_meanwhile_never_ends_outside(
    keeper: Keeper, busybox: Bundle, source: Path, outside: Path, tmp_path: Path
) -> None:
    """Another container with the same volume races each launch: mounts at /v/place, which is a directory now and a
    link to the host's directory then. It ends inside, or the launch fails."""
    volume = tmp_path / "volume"
    place, link = volume / "place", volume / "link"
    place.mkdir(parents=True)
    link.symlink_to(f"{UP}{outside}")
    # The same path exists inside, so that a launch through the link succeeds there.
    layer = tmp_path / "layer"
    (layer / outside.relative_to("/")).mkdir(parents=True)
    busybox = Bundle(busybox.directory, replace(busybox.image, layers=(str(layer), *busybox.image.layers)))
    mounts = [bind(volume, "/v"), bind(source, "/v/place/sub"), bind(source / "mark", "/v/place/file")]
    script = f"cat /v/place/sub/mark /v/link/sub/mark {outside}/sub/mark 2>/dev/null | head -n 1"
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", script], mounts=mounts))

    async def launch() -> Result:
        return await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process)

    before = host_state()
    # Either end of the race succeeds when nobody races: with the directory, and with the link in its place.
    for _ in range(2):
        result = await launch()
        assert result.output == "source\n", result.failure
        place.rename(volume / "between")
        link.rename(place)
        (volume / "between").rename(link)
    swapper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SWAPPER, str(place), str(link), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert swapper.stdout is not None
        await swapper.stdout.readline()
        for _ in range(60):
            result = await launch()
            assert result.failure is not None or result.output in ("", "source\n")
            assert sorted(os.listdir(outside)) == ["file"]
    finally:
        swapper.kill()
        await swapper.wait()
    assert host_state() == before


async def test_the_container_has_no_way_back_to_a_mounts_source(
    keeper: Keeper, busybox: Bundle, source: Path, outside: Path
) -> None:
    """`..` of a bind mount is the container's directory, whatever lies above the source on the host."""
    script = f"cd /m && cat ../outside/file ../../../outside/file {outside}/file; ls /m/.."
    result = await run(keeper, busybox, script, bind(source, "/m"), links={})
    assert "of the host" not in result.output
    assert "bin" in result.output.split()
