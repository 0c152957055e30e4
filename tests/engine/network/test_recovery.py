"""The engine is killed at each step of what it does to networks: the next one has links, addresses, rules and leases
exactly as the running containers need."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

import engine
from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, EngineUnreachable, RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    ConnectNetwork,
    ContainerDetail,
    ContainerOptions,
    Containers,
    CreateNetwork,
    DisconnectNetwork,
    ErrorCode,
    InspectContainer,
    ListContainers,
    ListNetworks,
    PublishPort,
    RemoveContainer,
    RemoveNetwork,
    Request,
    RunContainer,
    StopContainer,
    StopEngine,
    UnpublishPort,
    WaitContainer,
)
from engine.protocol.network import NetworkOption, PortOption

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="bridges need root"),
    pytest.mark.skipif(shutil.which("nft") is None or shutil.which("ip") is None, reason="nft and ip look at it"),
]

KEEPER = Path(engine.__file__).parent / "keeper" / "__main__.py"
ENGINE = Path(__file__).with_name("killed_engine.py")
PATIENCE = 30.0  # seconds; far more than anything takes
MOST = 200  # steps of one request
PORT = PortOption(container=80, host=18080)
MORE = PortOption(container=81, host=18081)


class Town:
    """An engine that can be killed at any step, and what stands in the kernel for it."""

    def __init__(self, directory: Path) -> None:
        self.places = Places(directory / "run", directory / "state")
        for place in (self.places.runtime, self.places.state):
            place.mkdir()
        places = ["--runtime", str(self.places.runtime), "--state", str(self.places.state)]
        command = [sys.executable, "-P", str(ENGINE), *places]
        hear, tell = os.pipe()
        keeper = [sys.executable, "-S", "-E", str(KEEPER), *places, "--ready-fd", str(tell), "--engine-command"]
        self.keeper = subprocess.Popen(
            [*keeper, json.dumps(command)],
            env={**os.environ, "PYTHONPATH": str(KEEPER.parents[2])},
            pass_fds=[tell],
        )
        os.close(tell)
        with open(hear, encoding="ascii") as word:
            assert word.readline() == "ok\n"

    @property
    def order(self) -> Path:
        return self.places.runtime / "kill"

    def ask(self, request: Request) -> object:
        with Connection.connect(self.places, start=False) as connection:
            return connection.request(request)

    def insist(self, request: Request, *done: ErrorCode) -> Any:
        """Ask until it is answered; `done`: refusals that say that it has been done already."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask(request)
            except (ConnectionLost, EngineUnreachable):
                assert time.monotonic() < deadline, "the engine does not come back"
            except RequestFailed as refusal:
                if refusal.code not in done:
                    raise
                return None

    def kill_at(self, step: int, request: Request) -> bool:
        """Whether there was such a step: the engine was killed at it."""
        self.order.write_text(str(step))
        with suppress(ConnectionLost, EngineUnreachable):
            self.ask(request)
        survived = self.order.exists()
        self.order.unlink(missing_ok=True)
        return not survived

    def running(self) -> list[ContainerDetail]:
        """What runs; the end of what has just ended is waited for."""
        while True:
            rows: Containers = self.insist(ListContainers())
            ended = [row.id for row in rows.containers if not _is_alive(row.pid)]
            if not ended:
                return [self.insist(InspectContainer(container=row.id)).container for row in rows.containers]
            for id in ended:
                self.insist(WaitContainer(container=id), ErrorCode.NO_SUCH_CONTAINER)

    def stop(self) -> None:
        for detail in self.running():
            self.insist(RemoveContainer(container=detail.id, force=True))
        self.insist(StopEngine(all=True))
        self.keeper.wait(PATIENCE)

    def end(self) -> None:
        """Whatever happened: no process of ours stays behind."""
        if self.keeper.poll() is None:
            keeper = psutil.Process(self.keeper.pid)
            for process in (*keeper.children(recursive=True), keeper):
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            self.keeper.wait(PATIENCE)


def _is_alive(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def check(town: Town) -> None:
    """Everything that stands is what a running container needs, and nothing is missing."""
    details = town.running()
    given = [(detail, endpoint) for detail in details for endpoint in detail.network.endpoints]
    known = town.insist(ListNetworks()).networks
    bridges = {endpoint.bridge for _, endpoint in given}
    until({one.host_interface for _, one in given}, _ends)
    outside = {link["ifname"]: link for link in _links()}
    assert bridges <= {name for name in outside if name.startswith("hb-")} <= {network.bridge for network in known}
    for detail, endpoint in given:
        assert outside[endpoint.host_interface]["master"] == endpoint.bridge, detail.name
    for detail in details:
        _check_inside(detail)
    _check_leases(details)
    _check_rules(details, bridges)
    standing = {detail.id for detail in details if detail.network.endpoints}
    until(standing, lambda: {path.stem for path in (town.places.runtime / "networks").glob("*.json")})


def until(wanted: object, now: Callable[[], object]) -> None:
    """Nobody waits for what has ended to be cleared away, and the kernel tells of a carrier a moment later."""
    deadline = time.monotonic() + PATIENCE
    while (found := now()) != wanted:
        assert time.monotonic() < deadline, f"{found} is not {wanted}"


def _check_inside(detail: ContainerDetail) -> None:
    """Its interfaces and addresses are those that it was told of, and those that it asks for."""
    network = detail.network
    asked = {option.name for option in detail.options.networks} or {"default"}
    if detail.options.namespaces.get("network") == "private" and not detail.options.networks:
        asked = set()
    assert {endpoint.network for endpoint in network.endpoints} == asked, detail.name
    inside = {link["ifname"]: link for link in _links("nsenter", "-t", str(detail.state.pid), "-n")}
    assert set(inside) == {"lo", *(endpoint.interface for endpoint in network.endpoints)}, detail.name
    for endpoint in network.endpoints:
        link = inside[endpoint.interface]
        found = {f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["scope"] == "global"}
        wanted = {f"{endpoint.ip}/{endpoint.ip_prefix}", f"{endpoint.ip6}/{endpoint.ip6_prefix}"}
        assert {ip_interface(one) for one in found} == {ip_interface(one) for one in wanted}, detail.name
        until((endpoint.mac, "UP"), partial(_mac_and_state, detail, endpoint.interface))
    published = {(port.container_port, port.protocol) for port in network.ports}
    assert published == ({(port.container, port.protocol) for port in detail.options.ports} if asked else set())


def _check_leases(details: list[ContainerDetail]) -> None:
    addresses = [one.ip for detail in details for one in detail.network.endpoints]
    assert len(set(addresses)) == len(addresses)


def _check_rules(details: list[ContainerDetail], bridges: set[str]) -> None:
    elements = _elements()
    assert bridges <= elements.get("bridges", set())
    ports = {(port.protocol, port.port) for detail in details for port in detail.network.ports}
    for name in ("ports4", "ports6"):
        assert {(key[0], key[1]) for key in elements.get(name, set())} == ports


def _elements() -> dict[str, set[Any]]:
    """Keys of the sets and maps of our table, if it is there."""
    listing = subprocess.run(["nft", "-j", "list", "ruleset"], check=True, capture_output=True, text=True).stdout
    found: dict[str, set[Any]] = {}
    for entry in json.loads(listing)["nftables"]:
        for kind in ("set", "map"):
            if kind in entry and entry[kind]["table"].startswith("heliostui"):
                keys = [element[0] if kind == "map" else element for element in entry[kind].get("elem", [])]
                found[entry[kind]["name"]] = {_key(key) for key in keys}
    return found


def _key(key: Any) -> Any:
    if isinstance(key, dict) and "elem" in key:  # one that counts
        key = key["elem"]["val"]
    parts = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
    plain = tuple(part if isinstance(part, int) else str(part) for part in parts)
    return plain if len(plain) > 1 else plain[0]


def _mac_and_state(detail: ContainerDetail, interface: str) -> tuple[str, str]:
    found = {link["ifname"]: link for link in _links("nsenter", "-t", str(detail.state.pid), "-n")}
    return found[interface]["address"], found[interface]["operstate"]


def _ends() -> set[str]:
    """Names of the containers' interfaces on the host."""
    return {name for _, name in socket.if_nameindex() if name[0] == "h" and name[-2] == "."}


def _links(*prefix: str) -> list[dict[str, Any]]:
    listing = subprocess.run([*prefix, "ip", "-j", "address"], check=True, capture_output=True, text=True).stdout
    found: list[dict[str, Any]] = json.loads(listing)
    return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made, before = Town(tmp_path_factory.mktemp("town")), _elements()  # of an engine of other tests
    try:
        yield made
        made.stop()
        assert [name for _, name in socket.if_nameindex() if name.startswith("h")] == []
        assert _elements() == before
    finally:
        made.end()


def options(name: str, *networks: str, ports: tuple[PortOption, ...] = ()) -> ContainerOptions:
    return ContainerOptions(
        image="busybox",
        name=name,
        command=["sleep", "1000"],
        networks=[NetworkOption(name=network) for network in networks],
        ports=list(ports),
    )


def remove(town: Town, name: str) -> None:
    town.insist(RemoveContainer(container=name, force=True), ErrorCode.NO_SUCH_CONTAINER)


class Act:
    """One thing that is done to networks: `before` makes the place for it, `after` clears up."""

    def __init__(self, before: Sequence[Request], request: Request, after: Sequence[Request]) -> None:
        self.before, self.request, self.after = before, request, after


WEB = "web"
GONE = [RemoveContainer(container=WEB, force=True)]
RUNS = [RunContainer(options=options(WEB, ports=(PORT,)))]
ACTS = {
    "run": Act([], RUNS[0], GONE),
    "stop": Act(RUNS, StopContainer(container=WEB, timeout=0.0), GONE),
    "connect": Act(RUNS, ConnectNetwork(network=NetworkOption(name="side"), container=WEB), GONE),
    "disconnect": Act(
        [RunContainer(options=options(WEB, "default", "side", ports=(PORT,)))],
        DisconnectNetwork(network="default", container=WEB),
        GONE,
    ),
    "publish": Act(RUNS, PublishPort(container=WEB, port=MORE), GONE),
    "unpublish": Act(RUNS, UnpublishPort(container=WEB, port=80), GONE),
    "network create": Act([], CreateNetwork(name="new"), [RemoveNetwork(network="new")]),
    "network rm": Act(
        [CreateNetwork(name="new"), RunContainer(options=options(WEB, "new")), *GONE],
        RemoveNetwork(network="new"),
        [RemoveNetwork(network="new")],
    ),
}
DONE_ALREADY = (ErrorCode.NO_SUCH_CONTAINER, ErrorCode.NO_SUCH_NETWORK)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_killed_at_any_step_the_next_engine_has_what_the_containers_need(town: Town, act: Act) -> None:
    town.insist(CreateNetwork(name="side"), ErrorCode.NAME_IN_USE)
    town.insist(RunContainer(options=options("neighbour", "default", "side")), ErrorCode.NAME_IN_USE)
    for step in range(MOST):
        for request in act.before:
            town.insist(request, ErrorCode.NAME_IN_USE)
        killed = town.kill_at(step, act.request)
        if killed:
            check(town)
        for request in act.after:
            town.insist(request, *DONE_ALREADY)
        if not killed:
            assert step > 0, "no step was taken"
            check(town)
            return
    raise AssertionError("it has no end")
