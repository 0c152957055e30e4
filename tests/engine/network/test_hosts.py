"""The hosts of these tests are what they say: worlds apart, joined by cables only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.network.conftest import Outside
from tests.engine.network.hosts import Host, Protocol, veth


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8::2", "203.0.113.9", "2001:db8:ffff::9"])
def test_the_outside_answers_by_both_families(outside: Outside, here: Host, address: str, protocol: Protocol) -> None:
    echo = outside.host.echo(address, protocol=protocol)
    assert here.ask(address, echo.port, protocol) == b"hello"
    assert echo.callers == [outside.here6 if ":" in address else outside.here]


def test_hosts_without_a_cable_are_apart(new_host: Callable[[], Host]) -> None:
    one, other = new_host(), new_host()
    port = one.echo("127.0.0.1").port
    assert one.reaches("127.0.0.1", port)
    assert other.misses("127.0.0.1", port)
    veth(one, ["198.51.100.1/24"], other, ["198.51.100.2/24"])
    assert other.reaches("198.51.100.1", one.echo("198.51.100.1").port)


def test_nothing_of_a_host_is_left(here: Host) -> None:
    before = here.sh("ip -o link")
    with Host() as host:
        end, _ = veth(here, [], host, [])
        here.sh(f"ip link delete {end}")
    assert here.sh("ip -o link") == before
