"""Ports of the host that containers publish. The sockets are real, of the tests' own network namespace."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from engine.errors import EngineError
from engine.network.model import Forward
from engine.network.reservations import PortInUse, Reservations
from engine.protocol.network import PortOption

V4, V6 = ip_address("10.1.2.2"), ip_address("fd00:1::2")


@pytest.fixture
def reservations() -> Iterator[Reservations]:
    made = Reservations(lambda id: f"<{id}>", held=True)
    yield made
    made.close()


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


def listener(port: int, address: str = "127.0.0.1") -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen()
    return made


def test_a_port_is_taken_on_every_address_of_both_families(reservations: Reservations) -> None:
    port = free_port()
    forwards = reservations.take("a", [PortOption(container=80, host=port)], [V4, V6])
    assert forwards == [Forward("tcp", None, port, V4, 80), Forward("tcp", None, port, V6, 80)]
    with pytest.raises(OSError, match="in use"), listener(port):
        pass
    reservations.give_back(forwards)
    listener(port).close()


def test_a_program_that_listens_is_named(reservations: Reservations) -> None:
    port = free_port()
    with listener(port), pytest.raises(PortInUse) as refusal:
        reservations.take("a", [PortOption(container=80, host=port)], [V4])
    assert f"Port {port}/tcp of this host is in use already: choose" in refusal.value.message
    with listener(port):
        assert f"(pid {os.getpid()})" in refusal.value.explain().message


def test_another_container_is_named(reservations: Reservations) -> None:
    port = free_port()
    reservations.take("a", [PortOption(container=80, host=port)], [V4])
    for address in (None, "127.0.0.1", "0.0.0.0"):
        with pytest.raises(PortInUse, match="by container '<a>'"):
            reservations.take("b", [PortOption(container=80, host=port, address=address)], [V4])


def test_a_port_that_one_container_wants_twice_is_said_to_be_its_own(reservations: Reservations) -> None:
    for addresses in (None, None), ("0.0.0.0", "127.0.0.1"):
        port = free_port()
        options = [PortOption(container=80, host=port, address=address) for address in addresses]
        with pytest.raises(PortInUse, match="by this container itself"):
            reservations.take("a", options, [V4])


def test_two_addresses_of_the_host_are_two_places(reservations: Reservations) -> None:
    port = free_port()
    for address in ("127.0.0.1", "127.0.0.2"):
        [made] = reservations.take("a", [PortOption(container=80, host=port, address=address)], [V4, V6])
        assert (made.host, made.container) == (ip_address(address), V4)


def test_tcp_and_udp_are_two_places(reservations: Reservations) -> None:
    port = free_port()
    reservations.take("a", [PortOption(container=53, host=port)], [V4])
    [made] = reservations.take("b", [PortOption(container=53, host=port, protocol="udp")], [V4])
    assert made.protocol == "udp"


def test_any_free_port_is_the_same_one_in_both_families(reservations: Reservations) -> None:
    first, second = reservations.take("a", [PortOption(container=80)], [V4, V6])
    assert first.port == second.port > 0


def test_of_a_range_of_the_host_one_port_gets_the_first_that_is_free(reservations: Reservations) -> None:
    port = free_port()
    option = PortOption(container=80, host=port, host_last=port + 20)
    with listener(port):
        [first] = reservations.take("a", [option], [V4])
    assert first.port > port
    [second] = reservations.take("b", [option], [V4])
    assert second.port != first.port


def test_ranges_go_port_by_port(reservations: Reservations) -> None:
    option = PortOption(container=7000, container_last=7002, host=47000, host_last=47002)
    made = reservations.take("a", [option], [V4])
    assert [(one.port, one.container_port) for one in made] == [(47000, 7000), (47001, 7001), (47002, 7002)]


def test_when_one_port_can_not_be_had_none_is_kept(reservations: Reservations) -> None:
    port, taken = free_port(), free_port()
    with listener(taken), pytest.raises(PortInUse):
        reservations.take("a", [PortOption(container=80, host=port), PortOption(container=81, host=taken)], [V4])
    listener(port).close()


def test_ended_connections_are_no_use_of_a_port(reservations: Reservations) -> None:
    port = free_port()
    server = listener(port)
    client = socket.create_connection(("127.0.0.1", port))
    accepted, _ = server.accept()
    accepted.close()  # who closes first waits (TIME_WAIT)
    client.recv(1)
    client.close()
    server.close()
    assert reservations.take("a", [PortOption(container=80, host=port)], [V4])


@pytest.mark.parametrize(
    ("option", "addresses", "says"),
    [
        (PortOption(container=80, host=81, address="192.0.2.77"), [V4], "192.0.2.77: it is no address of this host"),
        (PortOption(container=80, host=81, address="::1"), [V4], "the container has no IPv6 address"),
        (PortOption(container=80, host=81), [], "can be reached from outside"),
    ],
)
def test_what_can_not_be_published_is_refused(
    reservations: Reservations, option: PortOption, addresses: list[object], says: str
) -> None:
    with pytest.raises(EngineError, match=says):
        reservations.take("a", [option], addresses)  # type: ignore[arg-type]


def test_what_stands_after_a_crash_is_held_again(reservations: Reservations) -> None:
    port = free_port()
    reservations.hold("a", [Forward("tcp", None, port, V4, 80)])
    with pytest.raises(PortInUse, match="<a>"):
        reservations.take("b", [PortOption(container=80, host=port)], [V4])
