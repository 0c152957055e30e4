"""What programs, hooks and specs that mean ill can't do to the engine, to its keeper, and to what is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.containers.keeper import Launched
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode, MountOption, StreamEnd, StreamLogs
from engine.sandbox.build import exec_plan
from engine.sandbox.kernel import CLONE
from engine.sandbox.plan import Buffer, Plan
from engine.sandbox.sysctls import write_sysctls
from engine.sandbox.tree import Tree
from engine.spec.structs import Process, Root, Spec
from tests.engine.containers.conftest import PATIENCE, Machine

DEEP = "i=0; while [ $i -lt 2500 ]; do mkdir d; cd d; i=$((i+1)); done"  # deeper than Python recurses


def options(script: str, **further: object) -> ContainerOptions:
    return ContainerOptions(image="busybox", command=["/bin/sh", "-c", script], **further)  # type: ignore[arg-type]


async def bundle(machine: Machine, directory: Path, **changes: Any) -> ContainerOptions:
    """A bundle of busybox whose program sleeps; `changes` go into its config.json."""
    directory.mkdir()
    everything = [{"type": type} for type in ("pid", "mount", "network", "ipc", "uts")]
    config = {
        "ociVersion": "1.0.2",
        "process": {"args": ["sleep", "1000"], "cwd": "/", "env": ["PATH=/bin"]},
        "root": {"path": (await machine.images.prepare("busybox")).layers[0], "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": everything},
        **changes,
    }
    (directory / "config.json").write_text(json.dumps(config))
    return ContainerOptions(bundle=str(directory), name="hostile")


async def said(machine: Machine, name: str) -> str:
    """All that it printed, once it has ended."""
    await asyncio.wait_for(machine.containers.wait(name), PATIENCE)
    records = [record async for record in machine.containers.logs(StreamLogs(container=name))]
    return b"".join(record.data for record in records if not isinstance(record, StreamEnd)).decode()


async def deleted(machine: Machine) -> None:
    """Wait until what was removed is gone from the disk as well."""
    deletions = [task for task in asyncio.all_tasks() if task.get_name().startswith("deletion of")]
    await asyncio.wait_for(asyncio.gather(*deletions), PATIENCE)
    assert not os.listdir(machine.places.state / "trash")


async def test_sixty_mounts_that_are_handed_in_are_mounted(machine: Machine) -> None:
    mounts = [MountOption(type="tmpfs", destination=f"/m/{n}", options=["tmpcopyup"]) for n in range(60)]
    await machine.containers.run(options("grep -c ' /m/' /proc/mounts", name="many", mounts=mounts))
    assert (await said(machine, "many")).strip() == "60"


async def test_more_than_a_launch_can_be_handed_is_refused_and_the_keeper_lives(machine: Machine) -> None:
    mounts = [MountOption(type="tmpfs", destination=f"/m/{n}", options=["tmpcopyup"]) for n in range(300)]
    with pytest.raises(EngineError, match="handed 253 descriptors at most"):
        await machine.containers.run(options("true", mounts=mounts))
    await machine.containers.run(options("true"))


async def test_a_pipe_in_place_of_a_namespace_holds_nobody_up(machine: Machine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EngineError, match="it is no network namespace"):
        await machine.containers.run(options("true", namespaces={"network": f"ns:{tmp_path}/pipe"}))


async def test_a_namespace_of_another_type_is_refused(machine: Machine) -> None:
    uts = f"ns:/proc/{machine.keeper.pid}/ns/uts"
    with pytest.raises(EngineError, match="it is no network namespace"):
        await machine.containers.run(options("true", namespaces={"network": uts}))


@pytest.mark.parametrize(
    ("type", "change", "place"),
    [
        ("uts", {"hostname": "owned"}, r"$.hostname"),
        ("uts", {"domainname": "owned"}, r"$.domainname"),
        ("network", {"sysctl": {"net.ipv4.ip_default_ttl": "63"}}, "$.linux.sysctl: net.ipv4.ip_default_ttl"),
        ("ipc", {"sysctl": {"kernel.shm_rmid_forced": "1"}}, "$.linux.sysctl: kernel.shm_rmid_forced"),
    ],
)
async def test_a_bundle_does_not_change_the_host_by_joining_its_namespaces(
    machine: Machine, tmp_path: Path, type: str, change: dict[str, Any], place: str
) -> None:
    file = {"network": "net"}.get(type, type)
    others = [{"type": other} for other in ("pid", "mount", "network", "ipc", "uts") if other != type]
    linux = {"namespaces": [*others, {"type": type, "path": f"/proc/{os.getpid()}/ns/{file}"}]}
    if "sysctl" in change:
        linux |= change
        change = {}
    asked = await bundle(machine, tmp_path / "bundle", linux=linux, **change)
    with pytest.raises(EngineError, match=re.escape(f"{place} would change the host")):
        await machine.containers.run(asked)


@pytest.mark.parametrize(("profile", "first"), [("", CLONE.NEWPID | CLONE.NEWNS), ("some", CLONE.NEWPID)])
def test_a_program_is_born_into_a_container_where_its_mounts_are_seen_and_not_the_hosts(
    profile: str, first: CLONE
) -> None:
    """From inside, its /proc/PID/mountinfo would be the host's; a label needs the host's /proc."""
    spec = Spec(root=Root(path="/"), process=Process(args=["true"], apparmor_profile=profile))
    plan = exec_plan(spec, spec.process, types={"pid", "mount", "network"})
    assert [step.args[1] for step in plan.steps[: plan.before] if step.call == "setns"] == [first]


def test_a_pipe_put_in_the_place_of_a_new_file_does_not_hold_a_launch_up() -> None:
    plan = Plan()
    Tree(plan, plan.input("root")).file("/data/file")
    (how,) = (step.args[2] for step in plan.steps if step.call == "openat2" and step.if_failed is not None)
    assert isinstance(how, Buffer)
    flags, _, _ = struct.unpack("=QQQ", how.data)
    assert flags & os.O_CREAT
    assert flags & os.O_NONBLOCK


def test_a_sysctl_of_an_interface_with_a_dot_in_its_name_is_found() -> None:
    plan = Plan()
    write_sysctls(plan, None, {"net.ipv4.conf.eth0/1.forwarding": "1", "net/ipv4/conf/eth0.1/forwarding": "1"})
    paths = [step.args[1] for step in plan.steps if step.call == "openat2"]
    assert paths == ["/proc/sys/net/ipv4/conf/eth0.1/forwarding"] * 2


async def test_an_init_whose_name_is_no_text_is_looked_at_and_survives_a_new_engine(machine: Machine) -> None:
    script = "exec sh -c 'while :; do sleep 1000; done' \"$(printf '\\377')\""
    rename = "printf '\\377\\376' > /proc/1/comm; echo; while :; do sleep 1000; done"
    await machine.containers.run(options(script, name="words"))
    await machine.containers.run(options(rename, name="renamed"))
    pid = (await machine.containers.inspect("renamed")).state.pid
    async with asyncio.timeout(PATIENCE):
        await anext(machine.containers.logs(StreamLogs(container="renamed", follow=True)))
    assert Path(f"/proc/{pid}/comm").read_bytes() == b"\xff\xfe\n"
    assert (await machine.containers.isolation("renamed")).seccomp == "filter"
    for name in ("words", "renamed"):
        assert msgspec.json.encode(await machine.containers.top(name))
    await machine.restart_engine()
    assert (await machine.containers.inspect("renamed")).state.pid == pid


async def test_trees_deeper_than_python_recurses_are_deleted(machine: Machine) -> None:
    volume = MountOption(type="volume", source="deep", destination="/v")
    await machine.containers.run(options(f"{DEEP}; cd /v; {DEEP}", name="deep", mounts=[volume]))
    assert (await asyncio.wait_for(machine.containers.wait("deep"), PATIENCE)).exit_code == 0
    assert (await machine.containers.volumes.inspect("deep")).name == "deep"
    await machine.containers.remove("deep")
    await machine.containers.volumes.remove("deep")
    assert not os.listdir(machine.places.state / "volumes")
    await deleted(machine)


async def test_an_image_too_deep_to_be_copied_leaves_no_volume(machine: Machine, tmp_path: Path) -> None:
    await machine.containers.run(options(f"mkdir /deep; cd /deep; {DEEP}", name="deep"))
    await asyncio.wait_for(machine.containers.wait("deep"), PATIENCE)
    id = (await machine.containers.inspect("deep")).id
    root = str(machine.places.state / "containers" / id / "upper")
    volume = MountOption(type="volume", source="copied", destination="/deep")
    with pytest.raises(EngineError, match="nested too deeply") as refusal:
        await machine.containers.create(ContainerOptions(rootfs=root, command=["true"], mounts=[volume]))
    assert refusal.value.code == ErrorCode.STORAGE
    assert not os.listdir(machine.places.state / "volumes")
    await machine.containers.remove("deep")
    await deleted(machine)


async def test_a_hook_that_leaves_a_chatterer_behind_does_not_hold_the_engine_up(
    machine: Machine, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    text = f"cat /dev/zero & echo $! > {pid}"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", text], "env": ["PATH=/usr/bin:/bin"]}
    asked = await bundle(machine, tmp_path / "bundle", hooks={"poststart": [hook]})
    try:
        await asyncio.wait_for(machine.containers.run(asked), PATIENCE)
    finally:
        os.kill(int(pid.read_text()), 9)


@pytest.mark.parametrize("nodes", ["0-99999999", "1024", "9" * 5000])
async def test_nodes_that_no_machine_has_are_refused_at_once(machine: Machine, tmp_path: Path, nodes: str) -> None:
    linux = {"namespaces": [{"type": "mount"}], "memoryPolicy": {"mode": "MPOL_BIND", "nodes": nodes}}
    asked = await bundle(machine, tmp_path / "bundle", linux=linux)
    tracemalloc.start()
    try:
        with pytest.raises(EngineError, match=r"\$\.linux\.memoryPolicy\.nodes: .* no kernel has a node above 1023"):
            await machine.containers.create(asked)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20  # nobody has counted them up
    finally:
        tracemalloc.stop()


async def test_an_empty_propagation_is_the_default(machine: Machine, tmp_path: Path) -> None:
    linux = {"namespaces": [{"type": "mount"}], "rootfsPropagation": ""}
    await machine.containers.run(await bundle(machine, tmp_path / "bundle", linux=linux))


async def test_joining_a_pid_namespace_whose_container_ends_meanwhile_is_explained(machine: Machine) -> None:
    await machine.containers.run(options("sleep 1000", name="first"))
    await machine.containers.create(options("true", name="second", namespaces={"pid": "container:first"}))
    launch = machine.keeper.launch

    async def too_late(*given: Any, **further: Any) -> Launched:
        machine.keeper.launch = launch  # type: ignore[method-assign]
        await machine.containers.kill("first")
        await machine.containers.wait("first")
        return await launch(*given, **further)

    machine.keeper.launch = too_late  # type: ignore[method-assign]
    with pytest.raises(EngineError, match=r"PID namespace .* has ended"):
        await machine.containers.start("second")
