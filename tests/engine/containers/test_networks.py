"""A container's networks, from its start to its end and while it runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import EngineError
from engine.network.kernel.home import Home
from engine.network.nftables.firewall import Firewall
from engine.protocol.messages import (
    ContainerOptions,
    CreateNetwork,
    ErrorCode,
    Exec,
    MountOption,
    Output,
    RestartPolicy,
)
from engine.protocol.network import EndpointDetail, NetworkOption, PortOption
from tests.engine.containers.conftest import PATIENCE, Machine, until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="bridges need root")


def options(command: str = "sleep 1000", **wanted: Any) -> ContainerOptions:
    return ContainerOptions(image="busybox", command=["sh", "-c", command], **wanted)


async def said(machine: Machine, container: str, command: str) -> str:
    """What a command says in a running container."""
    session = await machine.containers.exec(Exec(container=container, command=["sh", "-c", command]))
    try:
        return b"".join([message.data async for message in session if isinstance(message, Output)]).decode()
    finally:
        await session.close()


async def endpoint(machine: Machine, container: str, network: str = "default") -> EndpointDetail:
    detail = await machine.containers.inspect(container)
    return next(one for one in detail.network.endpoints if one.network == network)


async def inode(machine: Machine, container: str) -> str:
    pid = (await machine.containers.inspect(container)).state.pid
    return os.readlink(f"/proc/{pid}/ns/net")


def links(prefix: str = "h") -> list[str]:
    """Interfaces of this host that begin so."""
    return [name for _, name in socket.if_nameindex() if name.startswith(prefix)]


async def output(*command: str) -> str:
    """What a command says on this host."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    return (await process.communicate())[0].decode()


async def refused(work: Awaitable[object]) -> EngineError:
    with pytest.raises(EngineError) as caught:
        await work
    return caught.value


# --- from start to end ---


async def test_a_container_has_an_address_of_the_default_network(machine: Machine) -> None:
    ref = await machine.containers.run(options(name="web"))
    assert ref.warnings == []
    given = await endpoint(machine, "web")
    assert f"inet {given.ip}/16" in await said(machine, "web", "ip -4 address show dev eth0")
    assert f"default via {given.gateway}" in await said(machine, "web", "ip route")
    assert given.ip in await said(machine, "web", "cat /etc/hosts")
    assert f"nameserver {given.gateway}" in await said(machine, "web", "cat /etc/resolv.conf")
    assert await said(machine, "web", "cat /etc/hostname") == f"{ref.id}\n"
    (row,) = await machine.containers.list()
    assert row.networks == ["default"]


async def test_containers_of_a_network_know_each_other_by_name(machine: Machine) -> None:
    await machine.networks.create(CreateNetwork(name="backend"))
    await machine.containers.run(options(name="db", networks=[NetworkOption(name="backend", aliases=["sql"])]))
    await machine.containers.run(options(name="web", networks=[NetworkOption(name="backend")]))
    await machine.containers.run(options(name="stranger"))
    database = (await endpoint(machine, "db", "backend")).ip
    for name in ("db", "sql", "db.backend"):
        assert f"({database})" in await said(machine, "web", f"ping -4 -c 1 -W 5 {name}")
    assert "bad address" in await said(machine, "stranger", "ping -4 -c 1 -W 5 db 2>&1")


async def test_in_a_user_namespace_the_network_belongs_to_the_containers_root(machine: Machine) -> None:
    maps: dict[str, Any] = {"uid_map": ["0:200000:65536"], "gid_map": ["0:300000:65536"]}
    await machine.containers.run(options(name="web", cap_add=["NET_ADMIN"], **maps))
    given = await endpoint(machine, "web")
    assert f"inet {given.ip}/16" in await said(machine, "web", "ip -4 address show dev eth0")
    assert await said(machine, "web", "ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu") == "1400\n"
    assert await said(machine, "web", "stat -c %u /etc/hosts; echo >> /etc/hosts && echo written") == "0\nwritten\n"


async def test_what_was_given_is_free_again_after_the_end(machine: Machine) -> None:
    ports = [PortOption(container=80, host=18080)]
    await machine.containers.run(options(name="web", ports=ports))
    first = await endpoint(machine, "web")
    assert links("h") != []
    await machine.containers.stop("web", 0)
    assert (await endpoint(machine, "web")).ip == ""
    await machine.networks.fallen()
    assert links(first.host_interface) == []
    await machine.containers.run(options(name="other", ports=ports))
    assert (await endpoint(machine, "other")).ip != first.ip  # it is kept for as long as there are others
    await machine.containers.remove("other", force=True)
    await machine.containers.start("web")
    assert (await endpoint(machine, "web")).ip == first.ip


async def test_a_restarted_container_has_its_network_again(machine: Machine) -> None:
    policy = RestartPolicy(name="on-failure")
    with machine.containers.events() as events:
        await machine.containers.run(
            options("sleep 0.1; ip -4 address show dev eth0; exit 1", name="web", restart=policy)
        )
        await until(events, "restart")
    await machine.containers.stop("web", 0)
    log = Path((await machine.containers.inspect("web")).log_path).read_text()
    assert "inet 10.88." in log
    assert "can't find" not in log


async def test_a_port_in_use_is_told_before_anything_starts(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        before = links()
        error = await refused(machine.containers.run(options(name="web", ports=[PortOption(container=80, host=port)])))
    assert error.code == ErrorCode.WRONG_STATE
    assert f"{port}/tcp of this host is in use already" in error.message
    assert await machine.containers.list(all=True) == []
    assert [link for link in links() if link not in before and not link.startswith("hb-")] == []


async def test_without_networks_there_is_loopback_and_a_warning_or_a_refusal(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reason(self: Firewall) -> str:
        return "libnftables is not installed."

    monkeypatch.setattr(Firewall, "reason", reason)
    ref = await machine.containers.run(options(name="web"))
    assert [sentence for sentence in ref.warnings if "libnftables" in sentence] == ref.warnings != []
    assert await said(machine, "web", "ls /sys/class/net") == "lo\n"
    assert "127.0.0.1" in await said(machine, "web", "ip address show dev lo")
    assert "libnftables" in (await machine.containers.inspect("web")).network.reason
    await machine.containers.stop("web", 0)
    assert (await machine.containers.start("web")).warnings == ref.warnings
    for wanted in ({"networks": [NetworkOption(name="default")]}, {"ports": [PortOption(container=80)]}):
        error = await refused(machine.containers.create(options(**wanted)))
        assert (error.code, "libnftables" in error.message) == (ErrorCode.UNSUPPORTED, True)


@pytest.mark.parametrize("verb", ["start", "connect", "publish"])
async def test_whichever_operation_in_the_kernel_fails_nothing_is_left_of_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    await machine.networks.create(CreateNetwork(name="side"))
    await machine.containers.run(options(name="neighbour", networks=[NetworkOption(name="default")]))
    await machine.containers.create(options(name="web", ports=[PortOption(container=80, host=18080)]))
    if verb != "start":
        await machine.containers.start("web")

    async def act() -> None:
        match verb:
            case "start":
                await machine.containers.start("web")
            case "connect":
                await machine.containers.connect("web", NetworkOption(name="side"))
            case "publish":
                await machine.containers.publish("web", PortOption(container=81, host=18081))

    before = await standing(machine)
    for operation in range(100):
        left = operation
        call = Home.call

        async def failing(home: Home, *arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == -1:
                raise EngineError(ErrorCode.LAUNCH_FAILED, "This operation fails for the test.")
            return await call(home, *arguments, **named)  # noqa: B023 - it is always the same

        with monkeypatch.context() as patched:
            patched.setattr(Home, "call", failing)
            try:
                await act()
                break
            except EngineError as error:
                if error.message != "This operation fails for the test.":
                    raise
        await machine.networks.fallen()
        assert await standing(machine) == before, f"operation {operation + 1}"
    assert operation > 1
    assert await standing(machine) != before


async def standing(machine: Machine) -> object:
    """What is in the kernel, and what the engine says of it; but for bridges without anybody on them."""
    rules = await output("nft", "-s", "list", "ruleset")
    published = {line.strip() for line in rules.splitlines() if "1808" in line}
    details = [await machine.containers.inspect(name) for name in ("web", "neighbour")]
    return [link for link in links() if link[:3] != "hb-"], published, [one.network for one in details]


# --- other kinds of network ---


async def test_none_is_loopback_and_its_own_name(machine: Machine) -> None:
    ref = await machine.containers.run(options(name="web", namespaces={"network": "private"}))
    assert await said(machine, "web", "ls /sys/class/net") == "lo\n"
    assert f"127.0.1.1\t{ref.id} web\n" in await said(machine, "web", "cat /etc/hosts")
    assert (await machine.containers.inspect("web")).network.mode == "none"


async def test_with_the_hosts_network_its_files_are_the_hosts(machine: Machine) -> None:
    await machine.containers.run(options(name="web", namespaces={"network": "host"}, hosts=["db:192.0.2.7"]))
    assert await inode(machine, "web") == os.readlink("/proc/self/ns/net")
    assert await said(machine, "web", "cat /etc/hosts") == f"{Path('/etc/hosts').read_text().rstrip()}\n192.0.2.7\tdb\n"
    assert await said(machine, "web", "cat /etc/resolv.conf") == Path("/etc/resolv.conf").read_text()


async def test_who_joins_a_container_shares_its_network_and_its_files(machine: Machine) -> None:
    await machine.containers.run(options(name="web", hosts=["db:192.0.2.7"]))
    await machine.containers.run(options(name="side", namespaces={"network": "container:web"}))
    await machine.containers.run(options(name="third", namespaces={"network": "container:side"}))
    for name in ("side", "third"):
        assert await inode(machine, name) == await inode(machine, "web")
        for file in ("hosts", "resolv.conf"):
            assert await said(machine, name, f"cat /etc/{file}") == await said(machine, "web", f"cat /etc/{file}")
        assert (await machine.containers.inspect(name)).network.mode == "container"
    given = await endpoint(machine, "web")
    await machine.containers.stop("web", 0)
    await machine.networks.fallen()
    assert links(given.host_interface) == []  # though somebody is still in its namespace
    assert await said(machine, "side", "ls /sys/class/net") == "lo\n"


async def test_a_bundle_has_what_its_spec_says(machine: Machine, tmp_path: Path) -> None:
    spec = await machine.containers.spec(options(), str((await machine.images.prepare("busybox")).layers[0]))
    (tmp_path / "config.json").write_bytes(msgspec.json.encode(spec))
    await machine.containers.run(ContainerOptions(bundle=str(tmp_path), name="web"))
    assert await said(machine, "web", "ls /sys/class/net") == "lo\n"
    assert "heliostui" not in await said(machine, "web", "cat /etc/resolv.conf; mount")


@pytest.mark.parametrize(
    "wanted",
    [
        {"namespaces": {"network": "host"}, "ports": [PortOption(container=80)]},
        {"networks": [NetworkOption(name="nowhere")]},
        {"networks": [NetworkOption(name="default"), NetworkOption(name="bridge")]},
        {"networks": [NetworkOption(name="default", aliases=["-"])]},
        {"hosts": ["nobody"]},
        {"dns": ["somebody"]},
        {"dns_search": ["a b"]},
        {"dns_options": ["NDOTS"]},
    ],
)
async def test_what_cannot_be_is_refused_at_once(machine: Machine, wanted: dict[str, Any]) -> None:
    error = await refused(machine.containers.create(options(**wanted)))
    assert error.code in (ErrorCode.INVALID, ErrorCode.NO_SUCH_NETWORK)
    assert await machine.containers.list(all=True) == []


# --- files ---


async def test_files_follow_what_is_asked_for(machine: Machine) -> None:
    wanted: dict[str, Any] = {"dns_search": ["example.org"], "dns_options": ["timeout:3"]}
    wanted["hosts"] = ["db:192.0.2.7", "us:host-gateway"]
    await machine.containers.run(options(name="web", hostname="www", **wanted))
    given = await endpoint(machine, "web")
    hosts = await said(machine, "web", "cat /etc/hosts")
    assert "192.0.2.7\tdb\n" in hosts
    assert f"{given.gateway}\tus\n" in hosts
    assert f"{given.ip}\twww web\n" in hosts
    resolver = await said(machine, "web", "cat /etc/resolv.conf")
    assert "search example.org\n" in resolver
    assert "timeout:3" in resolver
    assert await said(machine, "web", "cat /etc/hostname") == "www\n"


async def test_a_read_only_root_has_read_only_files(machine: Machine) -> None:
    await machine.containers.run(options(name="web", read_only=True))
    assert (await endpoint(machine, "web")).ip in await said(machine, "web", "cat /etc/hosts")
    assert "Read-only file system" in await said(machine, "web", "echo > /etc/hosts 2>&1; true")


async def test_what_a_person_mounts_lies_above(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("192.0.2.1 mine\n")
    mount = MountOption(type="bind", destination="/etc/hosts", source=str(tmp_path / "hosts"))
    await machine.containers.run(options(name="web", mounts=[mount]))
    assert await said(machine, "web", "cat /etc/hosts") == "192.0.2.1 mine\n"
    assert (tmp_path / "hosts").read_text() == "192.0.2.1 mine\n"


# --- while it runs ---


async def test_a_running_container_is_put_into_a_network_and_taken_out(machine: Machine) -> None:
    await machine.networks.create(CreateNetwork(name="backend"))
    await machine.containers.run(options(name="web"))
    await machine.containers.run(options(name="db", networks=[NetworkOption(name="backend")]))
    with machine.containers.events() as events:
        await machine.containers.connect("web", NetworkOption(name="backend", aliases=["front"]))
        assert (await until(events, "network_connect")).attributes == {"network": "backend"}
        given = await endpoint(machine, "web", "backend")
        assert f"inet {given.ip}/24" in await said(machine, "web", "ip -4 address show dev eth1")
        assert given.ip in await said(machine, "web", "cat /etc/hosts")
        assert f"({given.ip})" in await said(machine, "db", "ping -4 -c 1 -W 5 front")
        await machine.containers.disconnect("web", "default")
        assert (await until(events, "network_disconnect")).attributes == {"network": "default"}
    assert await said(machine, "web", "ls /sys/class/net") == "eth1\nlo\n"
    assert f"default via {given.gateway}" in await said(machine, "web", "ip route")
    assert f"nameserver {given.gateway}\n" in await said(machine, "web", "cat /etc/resolv.conf")
    await machine.restart_engine()
    assert [one.name for one in (await machine.containers.inspect("web")).options.networks] == ["backend"]
    assert await endpoint(machine, "web", "backend") == given


async def test_a_stopped_container_is_put_into_a_network_for_its_next_start(machine: Machine) -> None:
    await machine.networks.create(CreateNetwork(name="backend"))
    await machine.containers.create(options(name="web"))
    await machine.containers.connect("web", NetworkOption(name="backend"))
    await machine.containers.disconnect("web", "default")
    await machine.containers.start("web")
    assert (await machine.containers.list())[0].networks == ["backend"]
    assert await said(machine, "web", "ls /sys/class/net") == "eth0\nlo\n"


async def test_out_of_its_last_network_a_container_can_be_put_into_one_again(machine: Machine) -> None:
    await machine.containers.run(options(name="web"))
    await machine.containers.disconnect("web", "default")
    assert await said(machine, "web", "ls /sys/class/net") == "lo\n"
    await machine.containers.connect("web", NetworkOption(name="default"))
    given = await endpoint(machine, "web")
    assert f"inet {given.ip}/16" in await said(machine, "web", "ip -4 address show dev eth0")


async def test_a_port_is_published_and_taken_back_while_the_container_runs(machine: Machine) -> None:
    await machine.containers.run(options("while nc -l -p 80 -e echo hello; do :; done", name="web"))
    with machine.containers.events() as events:
        new = await machine.containers.publish("web", PortOption(container=80, address="127.0.0.1"))
        assert (await until(events, "port_publish")).attributes == {"port": "80/tcp", "at": f"127.0.0.1:{new[0].port}"}
        (row,) = await machine.containers.list()
        assert row.ports == new
        await listening(machine, "web")
        assert await heard(new[0].port) == b"hello\n"
        assert await machine.containers.unpublish("web", 80, "tcp") == new
        await until(events, "port_unpublish")
    with pytest.raises(ConnectionRefusedError):
        await heard(new[0].port)
    assert (await refused(machine.containers.unpublish("web", 80, "tcp"))).code == ErrorCode.WRONG_STATE


async def listening(machine: Machine, container: str) -> None:
    """Wait until its program listens on port 80 (proc_pid_net(5): state 0A)."""
    waiting = "until cat /proc/net/tcp /proc/net/tcp6 | grep -q ':0050 [0-9A-F]*:0000 0A'; do sleep 0.01; done"
    async with asyncio.timeout(PATIENCE):
        await said(machine, container, waiting)


async def heard(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_renamed_container_answers_to_its_new_name_only(machine: Machine) -> None:
    await machine.containers.run(options(name="old"))
    await machine.containers.run(options(name="client"))
    address = (await endpoint(machine, "old")).ip
    await machine.containers.rename("old", "new")
    assert f"({address})" in await said(machine, "client", "ping -4 -c 1 -W 5 new")
    assert "bad address" in await said(machine, "client", "ping -4 -c 1 -W 5 old 2>&1")
    hosts = await said(machine, "new", "cat /etc/hosts")
    assert ("new" in hosts, "old" in hosts) == (True, False)


async def test_containers_are_listed_by_network_and_port(machine: Machine) -> None:
    await machine.networks.create(CreateNetwork(name="backend"))
    await machine.containers.run(options(name="db", networks=[NetworkOption(name="backend")]))
    await machine.containers.run(options(name="web", ports=[PortOption(container=80, host=18080)]))

    async def chosen(*filters: str) -> list[str]:
        return [row.name for row in await machine.containers.list(True, filters)]

    assert await chosen("network=backend") == ["db"]
    assert await chosen("network=default") == ["web"]
    assert await chosen("publish=80") == await chosen("publish=18080/tcp") == ["web"]
    assert await chosen("publish=80/udp") == []
    assert "is no port" in (await refused(machine.containers.list(True, ["publish=http"]))).message


# --- the engine's own end ---


async def test_a_new_engine_finds_the_networks_of_what_runs(machine: Machine) -> None:
    ports = [PortOption(container=80)]
    command = "while nc -l -p 80 -e echo hello; do :; done"
    await machine.containers.run(options(command, name="web", ports=ports))
    await machine.containers.run(options(name="client"))
    before = await machine.containers.inspect("web")
    await machine.restart_engine()
    after = await machine.containers.inspect("web")
    assert after.network == before.network
    await listening(machine, "web")
    assert await heard(after.network.ports[0].port) == b"hello\n"
    assert f"({after.network.endpoints[0].ip})" in await said(machine, "client", "ping -4 -c 1 -W 5 web")
    ref = await machine.containers.run(options(name="third"))
    addresses = {(await endpoint(machine, name)).ip for name in ("web", "client", "third")}
    assert (len(addresses), ref.warnings) == (3, [])


async def test_in_the_end_nothing_of_ours_is_in_the_kernel(machine: Machine) -> None:
    await machine.containers.run(options(name="web", ports=[PortOption(container=80)]))
    await machine.end_engine(signal.SIGKILL)
    await machine.connect()
    await machine.containers.stop_all(0)
    await machine.networks.remove_all()
    assert links() == []
    assert "heliostui" not in await output("nft", "list", "tables")


async def test_nothing_is_left_either_if_nothing_ran_when_the_engine_was_killed(machine: Machine) -> None:
    await machine.containers.run(options("true", name="web"))
    await machine.containers.wait("web")
    assert links("hb-") != []
    await machine.restart_engine()
    await machine.networks.remove_all()
    assert links() == []
    assert "heliostui" not in await output("nft", "list", "tables")
