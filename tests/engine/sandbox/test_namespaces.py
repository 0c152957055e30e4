"""Namespaces that are made, joined by path, shared with the host, or entered by another program; id maps."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from engine.containers.container import Run
from engine.containers.keeper import Held, Keeper
from engine.containers.namespaces import open_namespaces
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, Scheduler
from engine.sandbox import init, receipt
from engine.sandbox.build import exec_plan, launch_plan
from engine.sandbox.capabilities import NUMBERS
from engine.sandbox.root import Plain
from engine.spec.structs import Namespace, Spec
from tests.engine.conftest import KeeperProcess
from tests.engine.sandbox.conftest import Bundle, Result, finish
from tests.engine.sandbox.leftovers import host_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")

MAPS = {"uid_map": ["0:200000:65536"], "gid_map": ["0:300000:65536"]}


@asynccontextmanager
async def opened(spec: Spec) -> AsyncIterator[tuple[Spec, list[int]]]:
    """The spec as it is launched, and what the launcher hands in."""

    def find(ref: str) -> Run:
        raise AssertionError(f"nobody asks for {ref}")

    with ExitStack() as stack:
        yield await open_namespaces(spec, find, stack)


async def run(keeper: Keeper, bundle: Bundle, script: str, *, key: str = "c", **options: object) -> Result:
    wanted = ContainerOptions(command=["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]
    spec = bundle.spec(wanted)
    async with opened(spec) as (spec, inputs):
        return await finish(keeper, key, launch_plan(spec, bundle.root()), spec.process, inputs)


async def sleeper(keeper: Keeper, bundle: Bundle, **options: object) -> tuple[Spec, Held]:
    """A container that stays."""
    spec = bundle.spec(ContainerOptions(command=["sleep", "1000"], **options))  # type: ignore[arg-type]
    async with opened(spec) as (spec, inputs):
        plan = launch_plan(spec, bundle.root())
        launched = await keeper.launch("s", plan.assemble(), inputs, tty=False, stdin=False)
    assert launched.held is not None, plan
    return spec, launched.held


def inode(kind: str, pid: int | str = "self") -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


@pytest.mark.parametrize(
    ("type", "kind"), [("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup")]
)
async def test_a_namespace_may_be_the_hosts(keeper: Keeper, busybox: Bundle, type: str, kind: str) -> None:
    result = await run(keeper, busybox, f"readlink /proc/self/ns/{kind}", namespaces={type: "host"})
    assert result.output.strip() == inode(kind), result.failure


@pytest.mark.parametrize(
    ("type", "kind"), [("pid", "pid"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup")]
)
async def test_a_namespace_is_joined_by_its_path(keeper: Keeper, busybox: Bundle, type: str, kind: str) -> None:
    _, held = await sleeper(keeper, busybox)
    path = f"/proc/{held.pid}/ns/{kind}"
    result = await run(keeper, busybox, f"readlink /proc/self/ns/{kind}", namespaces={type: f"ns:{path}"})
    assert (result.output.strip(), result.failure) == (inode(kind, held.pid), None)


async def test_in_a_joined_pid_namespace_its_processes_are_seen(keeper: Keeper, busybox: Bundle) -> None:
    _, held = await sleeper(keeper, busybox)
    result = await run(keeper, busybox, "cat /proc/1/comm; echo $$", namespaces={"pid": f"ns:/proc/{held.pid}/ns/pid"})
    first, own = result.output.split()
    assert first == "sleep"
    assert int(own) > 1


async def test_clocks_are_moved_by_the_offsets(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "cat /proc/uptime; readlink /proc/self/ns/time", time_offsets={"boottime": 1e6})
    uptime, _, own = result.output.split()
    assert float(uptime) == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME) + 1e6, abs=60)
    assert own != inode("time")


async def test_a_time_namespace_is_joined_and_entered(keeper: Keeper, busybox: Bundle) -> None:
    spec, held = await sleeper(keeper, busybox, time_offsets={"monotonic": 3600.0})
    path = f"ns:/proc/{held.pid}/ns/time"
    joined = await run(keeper, busybox, "readlink /proc/self/ns/time", namespaces={"time": path})
    entered = await enter(keeper, spec, held, "readlink /proc/self/ns/time")
    assert joined.output == entered.output == f"{inode('time', held.pid)}\n"


async def enter(keeper: Keeper, spec: Spec, held: Held, script: str, types: tuple[str, ...] | None = None) -> Result:
    process = msgspec.structs.replace(spec.process, args=["/bin/sh", "-c", script])
    return await finish(keeper, "s/1", exec_plan(spec, process, types=types), process, [held.pidfd])


async def test_another_program_enters_some_namespaces_only(keeper: Keeper, busybox: Bundle) -> None:
    spec, held = await sleeper(keeper, busybox)
    kinds = "mnt net pid uts ipc cgroup"
    script = f"for n in {kinds}; do readlink /proc/self/ns/$n; done"
    result = await enter(keeper, spec, held, script, types=("network", "uts"))
    expected = [inode(kind, held.pid if kind in ("net", "uts") else "self") for kind in kinds.split()]
    assert result.output.split() == expected


async def test_root_in_a_user_namespace_is_nobody_outside(keeper: Keeper, busybox: Bundle) -> None:
    _, held = await sleeper(keeper, busybox, **MAPS)
    status = Path(f"/proc/{held.pid}/status").read_text()
    ids = {line.split()[0]: line.split()[1:] for line in status.splitlines() if line.startswith(("Uid", "Gid"))}
    assert ids == {"Uid:": ["200000"] * 4, "Gid:": ["300000"] * 4}
    assert Path(f"/proc/{held.pid}/uid_map").read_text().split() == ["0", "200000", "65536"]
    assert Path(f"/proc/{held.pid}/gid_map").read_text().split() == ["0", "300000", "65536"]


async def test_the_images_files_belong_to_root_of_the_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    script = (
        "id -u; id -g; stat -c %u:%g / /bin /etc/passwd; echo > /new; stat -c %u:%g /new; grep Groups /proc/self/status"
    )
    result = await run(keeper, busybox, script, **MAPS)
    assert result.errors == ""
    assert result.output.split() == ["0", "0", *["0:0"] * 4, "Groups:"]
    new = busybox.directory / "0" / "root" / "upper" / "new"
    assert (new.stat().st_uid, new.stat().st_gid) == (0, 0)  # what lies on disk does not depend on the map


async def test_a_container_in_a_user_namespace_has_all_that_another_has(keeper: Keeper, busybox: Bundle) -> None:
    script = (
        "echo $$; ls /dev | wc -l; echo x > /dev/null; head -c 4 /dev/zero | wc -c; hostname;"
        "ip addr | grep -c 127.0.0.1;"
        "mkdir /a && touch /a/b && chown 7:8 /a/b && stat -c %u:%g /a/b; touch /dev/shm/x && echo shm;"
        "cat /proc/keys | wc -c; cat /proc/sys/kernel/hostname"
    )
    result = await run(keeper, busybox, script, hostname="ada", **MAPS)
    assert result.errors == ""
    assert result.output.split() == ["1", "14", "4", "ada", "1", "7:8", "shm", "0", "ada"]


async def test_every_namespace_belongs_to_the_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    script = "mount -t tmpfs x /mnt && hostname other && ip link set lo down && echo done"
    result = await run(keeper, busybox, script, cap_add=["SYS_ADMIN", "NET_ADMIN"], seccomp="unconfined", **MAPS)
    assert (result.output, result.errors) == ("done\n", "")


async def test_a_user_and_a_terminal_in_a_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["sh", "-c", "id -u; tty"], user="ada", tty=True, **MAPS))  # type: ignore[arg-type]
    async with opened(spec) as (spec, inputs):
        result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process, inputs)
    assert result.output.split() == ["1000", "/dev/pts/0"]


async def test_each_step_of_the_go_between_that_fails_stops_the_launch_and_leaves_nothing(
    keeper: Keeper, keeper_process: KeeperProcess, busybox: Bundle
) -> None:
    wanted = busybox.spec(ContainerOptions(command=["true"], oom_score_adj=5, **MAPS))  # type: ignore[arg-type]
    before = host_state()
    async with opened(wanted) as (spec, inputs):
        count = launch_plan(spec, busybox.root()).before
        assert count > 30
        for index in range(count):
            plan = launch_plan(spec, busybox.root())
            plan.steps[index] = plan.steps[index]._replace(call="afs_syscall", allow=frozenset(), if_failed=None)
            launched = await keeper.launch("c", plan.assemble(), inputs, tty=False, stdin=False)
            assert launched.held is None
            failure = receipt.failure(plan, launched.receipt, spec.process)
            assert failure is not None
            assert f"step {index + 1} of {len(plan.steps)}" in failure.message
            assert keeper_process.children() == {keeper_process.engine_pid}
    assert host_state() == before


async def test_a_map_without_root_is_refused_since_the_images_files_are_roots(keeper: Keeper, busybox: Bundle) -> None:
    maps = {"uid_map": ["1000:200000:10"], "gid_map": ["1000:300000:10"]}
    with pytest.raises(EngineError, match=r"\$\.linux\.uidMappings: .* map it, too"):
        await run(keeper, busybox, "true", user="ada", **maps)


async def test_a_plain_root_needs_no_root_in_the_map(keeper: Keeper, busybox: Bundle) -> None:
    root = plain(busybox)
    os.chown(root, 200000, 300000)
    maps = {"uid_map": ["1000:200000:10"], "gid_map": ["1000:300000:10"]}
    spec = busybox.spec(ContainerOptions(command=["sh", "-c", "id -u; : > /new"], user="ada", **maps))  # type: ignore[arg-type]
    async with opened(spec) as (spec, inputs):
        result = await finish(keeper, "c", launch_plan(spec, Plain(str(root))), spec.process, inputs)
    assert (result.output, result.errors) == ("1000\n", ""), result.failure
    assert (root / "new").stat().st_uid == 200000


async def test_the_tiny_init_in_a_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["sh", "-c", "echo $$; cat /proc/1/comm"], **MAPS))  # type: ignore[arg-type]
    async with opened(spec) as (spec, inputs):
        plan = launch_plan(spec, busybox.root(), init=init.path())
        result = await finish(keeper, "c", plan, spec.process, inputs)
    own, first = result.output.split()
    assert int(own) > 1, result.failure
    assert "init" in first


async def test_grafts_are_mapped_too(keeper: Keeper, bundle: Bundle) -> None:
    result = await run(keeper, bundle, "stat -c %u /usr /usr/bin/env; touch /usr/new && stat -c %u /usr/new", **MAPS)
    assert result.output.split() == ["0", "0", "0"], result.failure or result.errors


async def test_another_program_enters_the_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    spec, held = await sleeper(keeper, busybox, **MAPS)
    result = await enter(
        keeper, spec, held, "id -u; readlink /proc/self/ns/user; touch /x && stat -c %u /x; cat /proc/1/comm"
    )
    assert result.output.split() == ["0", inode("user", held.pid), "0", "sleep"]


async def test_a_user_namespace_and_what_it_owns_are_joined(keeper: Keeper, busybox: Bundle) -> None:
    _, held = await sleeper(keeper, busybox, **MAPS)
    joined = {type: f"ns:/proc/{held.pid}/ns/{kind}" for type, kind in (("user", "user"), ("network", "net"))}
    result = await run(
        keeper, busybox, "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/net", namespaces=joined
    )
    assert result.output.split() == ["0", inode("user", held.pid), inode("net", held.pid)]


async def test_the_hosts_network_is_shared_from_within_a_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(
        keeper, busybox, "readlink /proc/self/ns/net; ls /sys | wc -l", namespaces={"network": "host"}, **MAPS
    )
    assert result.output.split()[0] == inode("net"), result.errors
    assert int(result.output.split()[1]) > 3


async def test_a_bind_of_what_only_the_hosts_root_may_read_arrives(keeper: Keeper, busybox: Bundle) -> None:
    secret = busybox.directory / "locked" / "shared"
    secret.mkdir(parents=True)
    secret.parent.chmod(0o700)
    os.chown(secret.parent, 12345, 12345)
    (secret / "file").write_text("here\n")
    mounts = [{"type": "bind", "source": str(secret), "destination": "/data"}]
    options = msgspec.convert({"command": ["cat", "/data/file"], "mounts": mounts, **MAPS}, ContainerOptions)
    spec = busybox.spec(options)
    async with opened(spec) as (spec, inputs):
        result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process, inputs)
    assert (result.output, result.errors) == ("here\n", ""), result.failure


def plain(busybox: Bundle, name: str = "rootfs") -> Path:
    """A root directory of its own, as a bundle has one."""
    root = busybox.directory / name
    for directory in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        (root / directory).mkdir(parents=True)
    program = next(Path(layer) / "bin" / "busybox" for layer in busybox.image.layers)
    (root / "bin" / "busybox").write_bytes(program.read_bytes())
    (root / "bin" / "busybox").chmod(0o755)
    (root / "bin" / "sh").symlink_to("busybox")
    return root


async def test_a_plain_root_is_used_and_written_as_it_is(keeper: Keeper, busybox: Bundle) -> None:
    root = plain(busybox)
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "echo hello > /new; echo $$"]))
    result = await finish(keeper, "c", launch_plan(spec, Plain(str(root))), spec.process)
    assert result.output == "1\n", result.failure
    assert (root / "new").read_text() == "hello\n"


async def test_a_plain_root_may_be_read_only(keeper: Keeper, busybox: Bundle) -> None:
    root = plain(busybox)
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "echo hello > /new"], read_only=True))
    result = await finish(keeper, "c", launch_plan(spec, Plain(str(root))), spec.process)
    assert "Read-only file system" in result.errors
    assert not (root / "new").exists()


@pytest.mark.parametrize(
    ("wanted", "field"), [("private", ""), ("slave", ""), ("shared", "shared:"), ("unbindable", "unbindable")]
)
async def test_mounts_on_the_root_propagate_as_the_spec_says(
    keeper: Keeper, busybox: Bundle, wanted: str, field: str
) -> None:
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "grep ' / / ' /proc/self/mountinfo"]))
    linux = msgspec.structs.replace(spec.linux, rootfs_propagation=wanted)
    spec = msgspec.structs.replace(spec, linux=linux)
    result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process)
    assert field in result.output.partition(" - ")[0], result.failure
    if not field:
        assert ":" not in result.output.partition(" - ")[0].partition("rw")[2]


async def test_without_a_mount_namespace_nothing_is_mounted_on_the_host(busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["true"]))
    linux = msgspec.structs.replace(spec.linux, namespaces=[Namespace(type="pid")])
    spec = msgspec.structs.replace(spec, linux=linux)
    with pytest.raises(EngineError, match="no layers"):
        launch_plan(spec, busybox.root())
    with pytest.raises(EngineError, match=r"\$\.mounts: without a new mount namespace"):
        launch_plan(spec, Plain(str(busybox.directory)))


async def test_priorities_above_our_own_hold_in_a_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    wanted = {"scheduler": Scheduler(policy="fifo", priority=3), "io_priority": "realtime:2", "oom_score_adj": 7}
    script = "cat /proc/self/oom_score_adj; ionice -p $$; exec cat /proc/self/stat"
    result = await run(keeper, busybox, script, **wanted, **MAPS)
    score, io_class, _, level, *stat = result.output.split()
    assert (score, io_class, level) == ("7", "realtime:", "2"), result.failure
    assert (stat[41 - 1], stat[40 - 1]) == ("1", "3")


async def test_limits_above_our_own_hold_in_a_user_namespace(keeper: Keeper, busybox: Bundle) -> None:
    status = Path("/proc/self/status").read_text().splitlines()
    capabilities = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if not capabilities >> NUMBERS["CAP_SYS_RESOURCE"] & 1:
        pytest.skip("even root may not raise limits here (CAP_SYS_RESOURCE)")
    result = await run(keeper, busybox, "ulimit -Hn", ulimits=[f"nofile={hard + 1}"], **MAPS)
    assert result.output == f"{hard + 1}\n", result.failure


async def test_without_a_mount_namespace_the_root_is_another_directory(keeper: Keeper, busybox: Bundle) -> None:
    root = plain(busybox)
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "echo *; echo $$"], workdir="/"))
    linux = msgspec.structs.replace(spec.linux, namespaces=[Namespace(type="pid"), Namespace(type="uts")])
    linux = msgspec.structs.replace(linux, masked_paths=[], readonly_paths=[])
    spec = msgspec.structs.replace(spec, linux=linux, mounts=[])
    result = await finish(keeper, "c", launch_plan(spec, Plain(str(root))), spec.process)
    assert result.output == "bin dev etc proc sys tmp\n1\n", result.failure


async def test_a_joined_mount_namespace_is_taken_as_it_is(keeper: Keeper, busybox: Bundle) -> None:
    _, held = await sleeper(keeper, busybox)
    spec = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "readlink /proc/self/ns/mnt; ls /"]))
    joined = [n for n in spec.linux.namespaces if n.type not in ("mount", "pid")]
    joined += [Namespace(type=t, path=f"/proc/{held.pid}/ns/{k}") for t, k in (("mount", "mnt"), ("pid", "pid"))]
    linux = msgspec.structs.replace(spec.linux, namespaces=joined, masked_paths=[], readonly_paths=[])
    spec = msgspec.structs.replace(spec, linux=linux, mounts=[])
    async with opened(spec) as (spec, inputs):
        result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process, inputs)
    assert result.output.split()[0] == inode("mnt", held.pid), result.failure
    assert "bin" in result.output.split()
