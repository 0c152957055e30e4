"""Who has which address of a network."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.network.leases import Leases
from engine.network.model import Network, Subnet


def network(*ranges: str) -> Network:
    subnets = tuple(Subnet(found, found[1]) for found in map(ip_network, ranges))
    return Network(id="0123456789ab", name="n", subnets=subnets, created_at=datetime(2026, 1, 1, tzinfo=UTC))


def test_both_families_get_the_same_number() -> None:
    leases = Leases(network("10.1.2.0/24", "fd00:1::/64"))
    assert leases.take("a", {}) == (ip_address("10.1.2.2"), ip_address("fd00:1::2"))
    assert leases.take("b", {}) == (ip_address("10.1.2.3"), ip_address("fd00:1::3"))


def test_a_container_gets_its_own_address_again_while_nobody_else_needed_it() -> None:
    leases = Leases(network("10.1.2.0/24", "fd00:1::/64"))
    first = leases.take("a", {})
    leases.take("b", {})
    leases.give_back("a")
    assert leases.take("c", {}) != first  # what was given back is given to others last
    assert leases.take("a", {}) == first


def test_a_container_that_was_removed_has_no_claim() -> None:
    leases = Leases(network("10.1.2.0/29"))
    leases.take("a", {})
    leases.forget("a")
    for other in "bcdef":
        leases.take(other, {})
    assert leases.holder(ip_address("10.1.2.2")) in set("bcdef")


def test_a_full_network_says_so_and_keeps_nothing() -> None:
    leases = Leases(network("10.1.2.0/30", "fd00:1::/64"))
    leases.take("a", {})
    with pytest.raises(EngineError, match=r"no address left in 10\.1\.2\.0/30"):
        leases.take("b", {})
    assert leases.holder(ip_address("fd00:1::3")) is None
    leases.give_back("a")
    assert leases.take("b", {})[0] == ip_address("10.1.2.2")


def test_a_wanted_address_is_given_or_refused_with_whose_it_is() -> None:
    leases = Leases(network("10.1.2.0/24"))
    assert leases.take("a", {4: ip_address("10.1.2.77")}) == (ip_address("10.1.2.77"),)
    with pytest.raises(EngineError, match=r"Container a has 10\.1\.2\.77 of network 'n'"):
        leases.take("b", {4: ip_address("10.1.2.77")})


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("10.1.2.1", "it is its gateway"),
        ("10.1.2.0", "it is not in it"),
        ("10.1.2.255", "it is not in it"),
        ("10.1.3.9", "it is not in it"),
        ("fd00::9", "it is not in it"),
    ],
)
def test_an_address_that_no_container_can_have_is_refused(wanted: str, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        Leases(network("10.1.2.0/24")).check(ip_address(wanted))


def test_what_the_kernel_shows_is_held() -> None:
    leases = Leases(network("10.1.2.0/24"))
    leases.hold("a", ip_address("10.1.2.2"))
    assert leases.take("b", {}) == (ip_address("10.1.2.3"),)
    leases.give_back("a")
    assert leases.take("a", {}) == (ip_address("10.1.2.2"),)


@given(st.lists(st.tuples(st.sampled_from(["take", "back", "forget"]), st.sampled_from("abcdefgh")), max_size=60))
def test_nobody_ever_has_what_another_one_has(steps: list[tuple[str, str]]) -> None:
    leases = Leases(network("10.1.2.0/29", "fd00:1::/64"))  # room for five
    held: dict[str, tuple[object, ...]] = {}
    for what, container in steps:
        if what == "take" and container not in held:
            try:
                held[container] = leases.take(container, {})
            except EngineError:
                assert len(held) == 5
        elif what != "take":
            (leases.give_back if what == "back" else leases.forget)(container)
            held.pop(container, None)
        addresses = [address for pair in held.values() for address in pair]
        assert len(addresses) == len(set(addresses))
        assert ip_address("10.1.2.1") not in addresses
        assert ip_address("10.1.2.7") not in addresses
