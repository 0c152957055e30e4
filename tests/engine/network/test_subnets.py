"""Which ranges of addresses networks get."""

from __future__ import annotations

import time
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.network import subnets

ROUTES = st.lists(
    st.one_of(
        st.builds(
            lambda host, length: IPv4Network((host & ~((1 << (32 - length)) - 1), length)),
            st.integers(0x0A580000, 0x0A5FFFFF),
            st.integers(16, 32),
        ),
        st.just(ip_network("fd00::/8")),
    ),
    max_size=12,
)


@given(ROUTES)
def test_a_chosen_range_is_clear_of_every_route(routes: list[IPv4Network | IPv6Network]) -> None:
    ipv6 = IPv6Network("fd00::/8") not in routes
    chosen = subnets.choose(routes, ipv6=ipv6)
    assert [subnet.range.version for subnet in chosen] == ([4, 6] if ipv6 else [4])
    for subnet in chosen:
        assert not any(subnets.overlap(subnet.range, route) for route in routes)
        assert subnet.gateway == subnet.range[1]


def test_a_range_beside_thousands_of_others_is_found_at_once() -> None:
    """Networks are made on the engine's loop: four seconds by comparing each with each."""
    taken = [ip_network(f"10.{second}.{third}.0/24") for second in range(88, 96) for third in range(256)]
    begin = time.process_time()
    assert subnets.choose([*taken, ip_network("fd00::/64")], ipv6=True)[0].range == ip_network("10.96.0.0/24")
    assert time.process_time() - begin < 0.5


def test_the_first_range_is_10_88_0_and_the_next_one_follows() -> None:
    first = subnets.choose([], ipv6=True)
    assert first[0].range == ip_network("10.88.0.0/24")
    assert first[1].range.prefixlen == 64
    assert first[1].range.subnet_of(IPv6Network("fd00::/8"))  # type: ignore[type-var]
    assert subnets.choose([first[0].range], ipv6=False)[0].range == ip_network("10.88.1.0/24")


def test_a_large_one_has_room_for_tens_of_thousands_where_the_host_leaves_it() -> None:
    assert subnets.choose([], ipv6=False, large=True)[0].range == ip_network("10.88.0.0/16")
    assert subnets.choose([ip_network("10.88.7.0/24")], ipv6=False, large=True)[0].range == ip_network("10.89.0.0/16")
    full = [ip_network(f"10.{second}.0.0/24") for second in range(88, 256)]
    assert subnets.choose(full, ipv6=False, large=True)[0].range == ip_network("10.88.1.0/24")


def test_a_host_whose_routes_take_all_is_told_to_give_a_subnet() -> None:
    everything = [ip_network("10.0.0.0/8"), ip_network("172.16.0.0/12")]
    with pytest.raises(EngineError, match="--subnet"):
        subnets.choose(everything, ipv6=False)


def test_a_given_subnet_has_the_first_address_for_its_gateway_unless_another_one_is_given() -> None:
    assert subnets.given("10.9.0.0/24", None, []).gateway == ip_address("10.9.0.1")
    assert subnets.given("10.9.0.0/24", "10.9.0.254", []).gateway == ip_address("10.9.0.254")
    assert subnets.given("fd00:9::/64", None, []).gateway == ip_address("fd00:9::1")


@pytest.mark.parametrize(
    ("text", "gateway", "says"),
    [
        ("ten", None, "'ten' is no subnet"),
        ("10.9.0.7/24", None, "did you mean 10.9.0.0/24"),
        ("10.9.0.0/31", None, "longest prefix is /30"),
        ("fd00::/127", None, "longest prefix is /126"),
        ("127.0.0.0/24", None, "mean something else"),
        ("224.0.0.0/8", None, "mean something else"),
        ("0.0.0.0/0", None, "mean something else"),
        ("fe80::/64", None, "mean something else"),
        ("10.9.0.0/24", "10.8.0.1", "no address of a host in the subnet 10.9.0.0/24"),
        ("10.9.0.0/24", "10.9.0.255", "no address of a host"),
        ("10.9.0.0/24", "10.9.0.0", "no address of a host"),
        ("10.9.0.0/24", "fd00::1", "no address of a host"),
        ("10.9.0.0/24", "x", "'x' is no address"),
        ("fd00:9::%eth0/64", None, "it has a zone"),
        ("fd00:9::/64", "fd00:9::1%eth0", "no address of a host"),
    ],
)
def test_what_can_be_no_subnet_is_refused_in_one_sentence(text: str, gateway: str | None, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        subnets.given(text, gateway, [])


def test_a_subnet_that_overlaps_is_refused_with_whose_the_other_one_is() -> None:
    taken = [(ip_network("10.9.0.0/16"), "the range of network 'office'")]
    with pytest.raises(EngineError, match=r"overlaps with 10\.9\.0\.0/16, which is the range of network 'office'"):
        subnets.given("10.9.4.0/24", None, taken)
