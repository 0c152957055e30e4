"""The engine is killed at any instant while containers and networks come and go, and are connected and published: what
runs is reached all the time, and what stands in the end is what runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, EngineUnreachable, RequestFailed
from engine.network.networks import table_name
from engine.places import Places
from engine.protocol.messages import (
    ConnectNetwork,
    ContainerDetail,
    ContainerOptions,
    Containers,
    CreateNetwork,
    DisconnectNetwork,
    EngineInfo,
    ErrorCode,
    GetEngine,
    InspectContainer,
    Inspected,
    ListContainers,
    ListNetworks,
    Networks,
    PublishPort,
    RemoveContainer,
    RemoveNetwork,
    Request,
    RunContainer,
    StopEngine,
    UnpublishPort,
)
from engine.protocol.network import NetworkOption, PortOption
from tests.story.conftest import Person

pytestmark = pytest.mark.skipif(shutil.which("ip") is None or shutil.which("nft") is None, reason="they look at it")

KILLS = 16
SERVE = "nc -ll -p 80 -e echo hello"
DONE_ALREADY = (
    ErrorCode.NAME_IN_USE,
    ErrorCode.NO_SUCH_CONTAINER,
    ErrorCode.NO_SUCH_NETWORK,
    ErrorCode.WRONG_STATE,
)
T = TypeVar("T")


class Engine:
    """Asks until it is answered."""

    def __init__(self, person: Person) -> None:
        environment = person.environment
        self.places = Places(Path(environment["HELIOSTUI_RUNTIME"]), Path(environment["HELIOSTUI_STATE"]))

    def insist(self, ask: Callable[[Connection], T]) -> T:
        deadline = time.monotonic() + 60
        while True:
            try:
                with Connection.connect(self.places) as connection:
                    deadline = time.monotonic() + 60  # it did
                    return ask(connection)
            except (ConnectionLost, EngineUnreachable):
                assert time.monotonic() < deadline, "the engine does not come back"

    def do(self, request: Request) -> None:
        """Repeat what was not answered; that it has been done is an answer, too."""

        def attempt(connection: Connection) -> None:
            try:
                connection.request(request)
            except RequestFailed as refusal:
                if refusal.code not in DONE_ALREADY:
                    raise

        self.insist(attempt)

    def inspect(self, name: str) -> ContainerDetail:
        return self.insist(lambda c: c.request(InspectContainer(container=name), Inspected)).container


def server(name: str, *networks: str, port: int | None = None) -> ContainerOptions:
    return ContainerOptions(
        image="busybox",
        name=name,
        command=["sh", "-c", SERVE],
        networks=[NetworkOption(name=network) for network in networks],
        ports=[PortOption(container=80, host=port)] if port is not None else [],
    )


@pytest.mark.timeout(240)
def test_networks_stand_though_the_engine_is_killed_again_and_again(root: Person) -> None:
    engine = Engine(root)
    engine.do(CreateNetwork(name="stays"))
    engine.do(RunContainer(options=server("web", "default", "stays", port=18090)))
    before = engine.inspect("web")
    _serves()
    over = threading.Event()
    failures: list[str] = []
    busy = [threading.Thread(target=work, args=(engine, over, failures)) for work in (_come_and_go, _rearrange, _look)]
    for thread in busy:
        thread.start()
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    try:
        for _ in range(KILLS):
            victim = engine.insist(lambda c: c.request(GetEngine(), EngineInfo)).pid
            over.wait(moments.random() * 0.3)
            os.kill(victim, signal.SIGKILL)
    finally:
        over.set()
        for thread in busy:
            thread.join()
    assert failures == [], f"seed {seed}"
    after = engine.inspect("web")
    assert (after.state.pid, after.network) == (before.state.pid, before.network), f"seed {seed}"
    _check(engine, f"seed {seed}")
    engine.insist(lambda c: c.request(StopEngine(all=True)))
    assert _links() == []
    listing = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True).stdout
    assert table_name(engine.places) not in listing.split()


def _come_and_go(engine: Engine, over: threading.Event, failures: list[str]) -> None:
    """Containers with a port each, always the same one: it is free again whenever they are gone."""
    try:
        while not over.is_set():
            engine.do(RunContainer(options=server("short", port=18091)))
            engine.do(RemoveContainer(container="short", force=True))
    except Exception as error:  # noqa: BLE001 - the test tells of it
        failures.append(f"come and go: {error}")


def _rearrange(engine: Engine, over: threading.Event, failures: list[str]) -> None:
    """A container that is put into networks that come and go, and out again."""
    try:
        engine.do(RunContainer(options=server("moves")))
        while not over.is_set():
            engine.do(CreateNetwork(name="passing"))
            engine.do(ConnectNetwork(network=NetworkOption(name="passing"), container="moves"))
            engine.do(PublishPort(container="moves", port=PortOption(container=80, host=18092)))
            engine.do(UnpublishPort(container="moves", port=80))
            engine.do(DisconnectNetwork(network="passing", container="moves"))
            engine.do(RemoveNetwork(network="passing"))
    except Exception as error:  # noqa: BLE001 - the test tells of it
        failures.append(f"rearrange: {error}")


def _serves() -> None:
    """Wait until the program in the container listens; before that it is the container who refuses."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", 18090), timeout=20) as connection:
            if connection.recv(16) == b"hello\n":
                return
    raise AssertionError("the container does not listen")


def _look(engine: Engine, over: threading.Event, failures: list[str]) -> None:
    """Somebody who uses what is published all the time, whether there is an engine or not."""
    try:
        while not over.wait(0.05):
            with socket.create_connection(("127.0.0.1", 18090), timeout=20) as connection:
                assert connection.recv(16) == b"hello\n"
    except (OSError, AssertionError) as error:
        failures.append(f"look: {error}")


def _check(engine: Engine, hint: str) -> None:
    """What stands is what runs."""
    rows = engine.insist(lambda c: c.request(ListContainers(), Containers)).containers
    details = [engine.inspect(row.name) for row in rows]
    networks = engine.insist(lambda c: c.request(ListNetworks(), Networks)).networks
    given = [endpoint for detail in details for endpoint in detail.network.endpoints]
    links = _links()
    assert {link for link in links if not link.startswith("hb-")} == {one.host_interface for one in given}, hint
    assert {one.bridge for one in given} <= {link for link in links if link.startswith("hb-")}, hint
    assert {link for link in links if link.startswith("hb-")} <= {network.bridge for network in networks}, hint
    for detail in details:
        listing = ["nsenter", "-t", str(detail.state.pid), "-n", "ip", "-j", "-4", "address"]
        found = json.loads(subprocess.run(listing, check=True, capture_output=True, text=True).stdout)
        inside = {one["local"] for link in found for one in link["addr_info"] if link["ifname"] != "lo"}
        assert inside == {endpoint.ip for endpoint in detail.network.endpoints}, (detail.name, hint)


def _links() -> list[str]:
    return [name for _, name in socket.if_nameindex() if name.startswith("h")]
