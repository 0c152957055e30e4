"""What is told of a container's fences is what the kernel says of its init."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.containers import isolation
from engine.containers.namespaces import FILES
from engine.errors import EngineError
from engine.keeper.namespace import HOST_NAMESPACES
from engine.protocol.isolation import CapabilitySets, DeviceRule, IdMap
from engine.protocol.messages import ContainerOptions, ErrorCode, Isolation
from engine.spec.structs import Linux, Process, Root, Spec
from tests.engine.containers.conftest import Machine

BARE = Spec(root=Root(path="rootfs"), process=Process(args=["true"]), linux=Linux(masked_paths=["/proc/keys"]))


async def seen(machine: Machine, name: str = "ada", **options: object) -> Isolation:
    """A container that sleeps, as it is seen."""
    wanted = ContainerOptions(command=["sleep", "600"], name=name, **options)  # type: ignore[arg-type]
    await machine.containers.run(wanted)
    return await machine.containers.isolation(name)


async def test_namespaces_stand_beside_the_hosts(machine: Machine) -> None:
    told = await seen(machine, namespaces={"network": "host"})
    views = {view.type: view for view in told.namespaces}
    assert set(views) == {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"}
    for kind, name in FILES.items():
        view = views[kind]
        assert view.inode == os.stat(f"/proc/{told.pid}/ns/{name}").st_ino
        assert view.host_inode == os.stat(f"/proc/self/ns/{name}").st_ino
        assert view.shared == (kind in ("network", "user", "time"))
        assert view.containers == []


async def test_containers_that_share_a_namespace_are_named(machine: Machine) -> None:
    await seen(machine, "ada")
    told = await seen(machine, "bob", namespaces={"ipc": "container:ada"})
    sharing = {view.type: view.containers for view in told.namespaces if view.containers}
    assert sharing == {"ipc": ["ada"], "user": ["ada"], "time": ["ada"]}
    back = await machine.containers.isolation("ada")
    assert next(view.containers for view in back.namespaces if view.type == "ipc") == ["bob"]


async def test_capabilities_ids_and_filter_are_those_of_the_process(machine: Machine) -> None:
    told = await seen(machine, user="1000", cap_drop=["ALL"], cap_add=["KILL", "CHOWN"])
    assert told.capabilities == CapabilitySets(bounding=["CHOWN", "KILL"])
    assert told.uid_map == told.gid_map == [IdMap(inside=0, outside=0, size=4294967295)]
    assert (told.seccomp, told.seccomp_default, told.no_new_privileges) == ("filter", "errno EPERM", True)
    assert any("read" in row.calls and row.action == "allow" for row in told.seccomp_rules)


async def test_a_privileged_container_is_seen_to_be_open(machine: Machine) -> None:
    told = await seen(machine, privileged=True)
    assert (told.seccomp, told.seccomp_default, told.seccomp_rules) == ("off", "", [])
    assert "SYS_ADMIN" in told.capabilities.effective
    # What the image hides stays hidden; it is not a fence.
    assert not {path for path in (*told.masked, *told.read_only) if path.startswith(("/proc", "/sys"))}


async def test_the_mount_table_says_what_each_is_for(machine: Machine) -> None:
    told = await seen(machine)
    mounts = {mount.destination: mount for mount in told.mounts}
    assert len(mounts) == len(Path(f"/proc/{told.pid}/mountinfo").read_text().splitlines())
    assert mounts["/"].type == "overlay"
    assert (mounts["/proc"].type, mounts["/proc/sys"].options[0]) == ("proc", "ro")
    assert {mount.propagation for mount in told.mounts} == {"private"}
    assert all(mount.what_for for mount in told.mounts if mount.destination.startswith(("/proc", "/sys", "/dev")))
    assert "/proc/kcore" in told.masked
    assert "/proc/sys" in told.read_only


async def test_devices_and_cgroups_are_told(machine: Machine) -> None:
    told = await seen(machine, device_rules=["c 13:* r"])
    assert told.devices[0] == DeviceRule(allow=False, type="a", major=None, minor=None, access="rwm")
    assert DeviceRule(allow=True, type="c", major=1, minor=3, access="rwm") in told.devices
    assert DeviceRule(allow=True, type="c", major=13, minor=None, access="r") in told.devices
    for directory in told.cgroups:
        assert str(told.pid) in Path(directory, "cgroup.procs").read_text().split()


async def test_what_does_not_run_has_nothing_to_be_seen(machine: Machine) -> None:
    await machine.containers.create(ContainerOptions(command=["true"], name="ada"))
    with pytest.raises(EngineError) as caught:
        await machine.containers.isolation("ada")
    assert caught.value.code == ErrorCode.WRONG_STATE


async def test_the_filter_can_be_seen_of_a_container_that_does_not_run(machine: Machine) -> None:
    await machine.containers.create(ContainerOptions(command=["true"], name="ada"))
    told = await machine.containers.seccomp("ada")
    assert (told.mode, told.default) == ("filter", "errno EPERM")
    assert told.program[0].startswith("(000) ld ")
    await machine.containers.create(ContainerOptions(command=["true"], name="bob", seccomp="unconfined"))
    assert (await machine.containers.seccomp("bob")).mode == "unconfined"


async def test_a_faulty_profile_makes_no_container(machine: Machine) -> None:
    with pytest.raises(EngineError) as caught:
        await machine.containers.create(ContainerOptions(command=["true"], seccomp='{"defaultAction": "ALLOW"}'))
    assert caught.value.code == ErrorCode.INVALID
    assert await machine.containers.list(all=True) == []


def test_who_ended_meanwhile_is_said_to_have_ended() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with pytest.raises(EngineError) as caught:
        isolation.isolation(BARE, pid, None, {}, {})
    assert caught.value.code == ErrorCode.WRONG_STATE


def test_other_containers_that_ended_meanwhile_are_left_out() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    told = isolation.isolation(BARE, os.getpid(), None, isolation.host_namespaces(), {"gone": pid, "here": os.getpid()})
    assert {tuple(view.containers) for view in told.namespaces} == {("here",)}
    assert all(view.shared for view in told.namespaces)


def test_the_keeper_says_what_is_outside_of_a_rootless_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOST_NAMESPACES, "user=17 mount=18")
    host = isolation.host_namespaces()
    assert (host["user"], host["mount"]) == (17, 18)
    assert host["network"] == os.stat("/proc/self/ns/net").st_ino


@pytest.mark.parametrize(
    ("tags", "propagation"),
    [("", "private"), ("shared:7 ", "shared"), ("master:1 ", "slave"), ("unbindable ", "unbindable")],
)
def test_a_line_of_mountinfo_is_read(tags: str, propagation: str) -> None:
    line = rf"36 35 98:0 /mnt1 /mnt\0402 rw,noatime {tags}- ext3 /dev/root ro,errors=continue"
    mount = isolation._mount(line, BARE)
    assert (mount.destination, mount.type, mount.source) == ("/mnt 2", "ext3", "/dev/root[/mnt1]")
    assert mount.options == ["ro", "noatime", "errors=continue"]
    assert mount.propagation == propagation


def test_a_masked_path_is_named_as_one() -> None:
    assert isolation._mount("1 2 0:5 /null /proc/keys rw - devtmpfs devtmpfs rw", BARE).what_for.startswith("masked")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_what_the_kernel_escapes_in_a_path_comes_back(path: str) -> None:
    escaped = "".join(f"\\{ord(c):03o}" if c in " \t\n\\#" else c for c in path)
    assert isolation._plain(escaped) == path
