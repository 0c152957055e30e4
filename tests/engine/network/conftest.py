"""Hosts beside this one: `here` is where the tests are, `outside` the rest of the world, `new_host` any number more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.engine.network.hosts import Host, needs, veth


@dataclass(frozen=True)
class Outside:
    """A host that only knows the test's own by its outer addresses, which has its default routes by it.

    `address`, `address6` are the outside host's on the cable, `far` and `far6` some more behind it; `here` and `here6`
    are the addresses by which it reaches the test's own, on `interface`.
    """

    host: Host
    interface: str
    address: str = "192.0.2.2"
    address6: str = "2001:db8::2"
    far: str = "203.0.113.9"
    far6: str = "2001:db8:ffff::9"
    here: str = "192.0.2.1"
    here6: str = "2001:db8::1"


@pytest.fixture
def here() -> Iterator[Host]:
    """The network namespace of the tests."""
    needs("ip")
    with Host.of(os.getpid()) as host:
        yield host


@pytest.fixture
def new_host() -> Iterator[Callable[[], Host]]:
    """Hosts with loopback only."""
    needs("ip")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Host())


@pytest.fixture
def outside(here: Host, new_host: Callable[[], Host]) -> Iterator[Outside]:
    """A host in the world, at the other end of a cable."""
    host = new_host()
    interface, _ = veth(here, ["192.0.2.1/24", "2001:db8::1/64"], host, ["192.0.2.2/24", "2001:db8::2/64"])
    world = Outside(host, interface)
    host.sh(f"ip address add {world.far}/32 dev lo")
    host.sh(f"ip address add {world.far6}/128 dev lo")
    try:
        here.sh(f"ip route add default via {world.address}")
        here.sh(f"ip -6 route add default via {world.address6}")
        yield world
    finally:
        here.sh(f"ip link delete {interface}")
