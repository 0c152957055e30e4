"""Containers that share namespaces with each other, and programs that enter some of them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from engine.containers.lifecycle import Containers
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode, Exec, Exited, Output, StreamEnd, StreamLogs

from .conftest import Machine, alive

FILES = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "user": "user", "cgroup": "cgroup"}


def options(script: str, **further: object) -> ContainerOptions:
    return ContainerOptions(image="busybox", command=["/bin/sh", "-c", script], **further)  # type: ignore[arg-type]


async def pid_of(containers: Containers, name: str) -> int:
    pid = (await containers.inspect(name)).state.pid
    assert pid is not None
    return pid


async def said(containers: Containers, name: str) -> str:
    """All that it printed, once it has ended."""
    await asyncio.wait_for(containers.wait(name), 20)
    records = [record async for record in containers.logs(StreamLogs(container=name))]
    return b"".join(record.data for record in records if not isinstance(record, StreamEnd)).decode()


async def done(containers: Containers, request: Exec) -> tuple[int, str]:
    """Exit code and output of another program."""
    session = await containers.exec(request)
    messages = [message async for message in session]
    await session.close()
    (end,) = (message for message in messages if isinstance(message, Exited))
    return end.exit_code, b"".join(m.data for m in messages if isinstance(m, Output)).decode()


def inode(pid: int | str, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


@pytest.mark.parametrize("type", ["pid", "network", "ipc", "uts"])
async def test_a_container_joins_a_namespace_of_another(machine: Machine, type: str) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="first"))
    kind = FILES[type]
    script = f"readlink /proc/self/ns/{kind}"
    await containers.run(options(script, name="second", namespaces={type: "container:first"}))
    assert (await said(containers, "second")).strip() == inode(await pid_of(containers, "first"), kind)


async def test_joining_finds_the_others_namespace_anew_at_each_start(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="first"))
    await containers.run(
        options("readlink /proc/self/ns/net", name="second", namespaces={"network": "container:first"})
    )
    await said(containers, "second")
    await containers.stop("first", 0)
    await containers.start("first")
    await containers.start("second")
    last = (await said(containers, "second")).split()[-1]
    assert last == inode(await pid_of(containers, "first"), "net")


async def test_joining_a_container_that_does_not_run_is_refused_by_name(machine: Machine) -> None:
    containers = machine.containers
    await containers.create(options("true", name="first"))
    await containers.create(options("true", name="second", namespaces={"network": "container:first"}))
    with pytest.raises(EngineError, match=r"network namespace .* can't be joined.*first.*is not running") as refusal:
        await containers.start("second")
    assert refusal.value.code == ErrorCode.WRONG_STATE


async def test_joining_a_file_that_is_no_namespace_is_refused(machine: Machine, tmp_path: Path) -> None:
    containers = machine.containers
    (tmp_path / "file").touch()
    await containers.create(options("true", name="web", namespaces={"ipc": f"ns:{tmp_path}/file"}))
    with pytest.raises(EngineError, match="can't be joined: it is no ipc namespace"):
        await containers.start("web")
    await containers.create(options("true", name="site", namespaces={"ipc": f"ns:{tmp_path}/nothing"}))
    with pytest.raises(EngineError, match=r"ipc namespace .*nothing' can't be joined: No such file"):
        await containers.start("site")


async def test_a_user_namespace_with_the_automatic_range(machine: Machine) -> None:
    containers = machine.containers
    script = "id -u; cat /proc/self/uid_map; echo x > /mine; sleep 1000"
    ref = await containers.run(options(script, name="web", namespaces={"user": "private"}))
    status = Path(f"/proc/{await pid_of(containers, 'web')}/status").read_text()
    assert next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid")) >= 65536
    code, text = await done(containers, Exec(container="web", command=["sh", "-c", "id -u; stat -c %u /mine"]))
    assert (code, text) == (0, "0\n0\n")
    await containers.stop("web", 0)
    await containers.start("web")
    assert (machine.places.state / "containers" / ref.id / "upper" / "mine").stat().st_uid == 0


async def test_a_container_joins_the_user_namespace_of_another(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="first", namespaces={"user": "private"}))
    joined = {"user": "container:first", "network": "container:first"}
    script = "readlink /proc/self/ns/user; id -u; touch /new && stat -c %u /new; stat -c %g /dev/pts/ptmx"
    await containers.run(options(script, name="second", namespaces=joined))
    assert (await said(containers, "second")).split()[:3] == [
        inode(await pid_of(containers, "first"), "user"),
        "0",
        "0",
    ]


async def test_a_program_enters_all_that_the_container_has(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="web", namespaces={"network": "host", "user": "private"}))
    pid = await pid_of(containers, "web")
    script = "for n in pid net ipc uts user cgroup mnt; do readlink /proc/self/ns/$n; done"
    code, text = await done(containers, Exec(container="web", command=["sh", "-c", script]))
    kinds = ["pid", "net", "ipc", "uts", "user", "cgroup", "mnt"]
    assert (code, text.split()) == (0, [inode(pid, kind) for kind in kinds])
    assert inode(pid, "net") == inode("self", "net")


async def test_a_program_enters_only_the_namespaces_that_were_asked_for(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="web"))
    pid = await pid_of(containers, "web")
    command = ["/bin/sh", "-c", "readlink /proc/self/ns/net; readlink /proc/self/ns/mnt"]
    request = Exec(container="web", command=command, namespaces=["network"], workdir="/")
    assert await done(containers, request) == (0, f"{inode(pid, 'net')}\n{inode('self', 'mnt')}\n")
    with pytest.raises(EngineError, match="'net' is no namespace: there are pid, network"):
        await containers.exec(Exec(container="web", command=command, namespaces=["net"]))


async def test_a_privileged_program_has_all_capabilities(machine: Machine) -> None:
    containers = machine.containers
    await containers.run(options("sleep 1000", name="web"))
    request = Exec(container="web", command=["grep", "CapEff", "/proc/self/status"], privileged=True)
    ours = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    assert (await done(containers, request))[1].split()[1] == ours.split()[1]


async def test_another_program_has_the_attributes_of_the_first(machine: Machine) -> None:
    containers = machine.containers
    wanted = {"oom_score_adj": 250, "ulimits": ["nofile=99:99"], "umask": "077"}
    await containers.run(options("sleep 1000", name="web", **wanted))
    command = ["sh", "-c", "cat /proc/self/oom_score_adj; ulimit -n; umask"]
    assert await done(containers, Exec(container="web", command=command, user="1234")) == (0, "250\n99\n0077\n")


async def test_stopping_a_container_in_the_hosts_pid_namespace_ends_all_of_it(machine: Machine) -> None:
    if not machine.cgroups.available:
        pytest.skip(machine.cgroups.reason)
    containers = machine.containers
    script = "sleep 1000 & echo $!; wait"
    await containers.run(options(script, name="web", namespaces={"pid": "host"}))
    rows = await containers.top("web")
    assert len(rows) == 2
    await containers.stop("web", 0)
    assert not any(alive(row.pid) for row in rows)
