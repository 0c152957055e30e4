"""What containers ask of networks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.network import asked
from engine.protocol.messages import ContainerOptions
from engine.protocol.network import NetworkOption, PortOption

BACKEND = [NetworkOption(name="backend")]


@pytest.mark.parametrize(
    ("options", "mode"),
    [
        (ContainerOptions(), "networks"),
        (ContainerOptions(networks=BACKEND), "networks"),
        (ContainerOptions(namespaces={"network": "private"}), "none"),
        (ContainerOptions(namespaces={"network": "private"}, networks=BACKEND), "networks"),
        (ContainerOptions(namespaces={"network": "host"}), "host"),
        (ContainerOptions(namespaces={"network": "container:web"}), "container"),
        (ContainerOptions(namespaces={"network": "ns:/proc/1/ns/net"}), "path"),
        (ContainerOptions(bundle="/b"), "none"),
        (ContainerOptions(bundle="/b", networks=BACKEND), "networks"),
    ],
)
def test_the_way_to_a_network_follows_from_the_options(options: ContainerOptions, mode: str) -> None:
    assert asked.mode(options) == mode


def test_who_names_no_network_is_in_the_default_one() -> None:
    assert [option.name for option in asked.wanted(ContainerOptions())] == ["default"]
    assert asked.wanted(ContainerOptions(namespaces={"network": "private"})) == []


@pytest.mark.parametrize("name", ["host", "none", "bridge", "container", "ns", "", "-x", "a b", "a/b", "ü", "x" * 65])
def test_names_that_mean_something_else_or_nothing_are_refused(name: str) -> None:
    with pytest.raises(EngineError):
        asked.check_name(name)


@pytest.mark.parametrize("mac", ["", "02:42", "03:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "0g:0:0"])
def test_a_mac_address_that_no_interface_can_have_is_refused(mac: str) -> None:
    with pytest.raises(EngineError, match="02:42:ac:11:00:02"):
        asked.check_mac(mac)


def test_what_is_exposed_is_published_at_any_port() -> None:
    assert list(asked.exposed(["80", "53/udp", "90-92/tcp"])) == [
        PortOption(container=80),
        PortOption(container=53, protocol="udp"),
        PortOption(container=90, container_last=92),
    ]
    for nonsense in ("", "0", "65536", "9-8", "80/sctp", "x"):
        with pytest.raises(EngineError, match="no port to expose"):
            list(asked.exposed([nonsense]))


@given(st.integers(1, 60_000), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_taking_one_port_out_of_a_range_leaves_all_others_where_they_were(
    first: int, length: int, gone: int, host: bool
) -> None:
    option = PortOption(
        container=first,
        container_last=first + length if length else None,
        host=first + 1000 if host else None,
        host_last=first + 1000 + length if host and length else None,
    )
    left = asked.without(option, first + gone, "tcp")
    pairs = set()
    for piece in left:
        last = piece.container_last or piece.container
        for port in range(piece.container, last + 1):
            pairs.add((port, None if piece.host is None else piece.host + port - piece.container))
        assert (piece.host_last or piece.host or 0) - (piece.host or 0) == (last - piece.container if host else 0)
    wanted = {(port, port + 1000 if host else None) for port in range(first, first + length + 1)}
    assert pairs == wanted - {(first + gone, first + gone + 1000 if host else None)}


def test_a_port_of_the_other_protocol_stays() -> None:
    option = PortOption(container=53, host=53)
    assert asked.without(option, 53, "udp") == [option]
    assert asked.without(option, 53, "tcp") == []


def test_an_address_with_a_zone_is_refused_as_it_would_be_lent_twice() -> None:
    assert str(asked.address("fd00::2", 6)) == "fd00::2"
    with pytest.raises(EngineError, match="zone"):
        asked.address("fd00::2%eth0", 6)
