"""Names of containers: who sees whom, under which names, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Address, Endpoint
from engine.network.names.zone import HOST_NAMES, Asker, Zone, address_asked

BACK, FRONT = "b" * 12, "f" * 12  # ids of networks
NAMES = {BACK: "backend", FRONT: "Front.Side"}
RANGES = {BACK: "10.88.1", FRONT: "10.88.2"}


def endpoint(container: str, network: str, last: int, aliases: Sequence[str] = (), six: bool = False) -> Endpoint:
    addresses = [ip_interface(f"{RANGES[network]}.{last}/24")]
    if six:
        addresses.append(ip_interface(f"fd00:{RANGES[network][-1]}::{last}/64"))
    return Endpoint(
        container,
        network,
        f"hb-{network}",
        "h",
        "eth0",
        "02:00:00:00:00:01",
        1500,
        tuple(addresses),
        (),
        tuple(aliases),
    )


def join(zone: Zone, name: str, network: str, last: int, aliases: Sequence[str] = (), six: bool = False) -> None:
    gateways = [ip_address(f"{RANGES[network]}.1"), ip_address(f"fd00:{RANGES[network][-1]}::1")]
    zone.join(endpoint(name * 6, network, last, aliases, six), NAMES[network], [name], gateways)


def asker(zone: Zone, address: str) -> Asker:
    found = zone.asker(address)
    assert found is not None
    return found


def told(zone: Zone, address: str, name: str) -> list[str] | None:
    """What whoever has `address` is told of a name; sorted."""
    found = zone.addresses(asker(zone, address), name)
    return None if found is None else sorted(map(str, found))


@pytest.fixture
def zone() -> Zone:
    """`aa` and `bb` are in one network, `bb` and `cc` in another one."""
    zone = Zone()
    join(zone, "aa", BACK, 2, ["db"])
    join(zone, "bb", BACK, 3, ["db"], six=True)
    join(zone, "bb", FRONT, 3)
    join(zone, "cc", FRONT, 4)
    return zone


@pytest.mark.parametrize("name", ["bb", "bb" * 6, "bb.backend", f"{'bb' * 6}.backend"])
def test_a_container_has_its_name_and_its_id_with_and_without_the_network(zone: Zone, name: str) -> None:
    assert told(zone, "10.88.1.2", name) == ["10.88.1.3", "fd00:1::3"]


def test_whoever_shares_two_networks_is_found_in_both(zone: Zone) -> None:
    assert told(zone, "10.88.1.3", "bb") == ["10.88.1.3", "10.88.2.3", "fd00:1::3"]
    assert told(zone, "10.88.1.3", "bb.front.side") == ["10.88.2.3"]


def test_names_of_a_network_that_is_not_shared_are_not_seen(zone: Zone) -> None:
    assert told(zone, "10.88.1.2", "cc") is None
    assert told(zone, "10.88.1.2", "bb.front.side") is None
    assert told(zone, "10.88.2.4", "aa") is None
    assert told(zone, "10.88.2.4", "bb") == ["10.88.2.3"]


def test_nobody_is_known_by_an_address_that_nobody_has(zone: Zone) -> None:
    assert zone.asker("10.88.1.77") is None
    assert zone.asker("192.0.2.1") is None


def test_an_alias_has_the_addresses_of_all_that_have_it_and_each_is_told_first_in_its_turn(zone: Zone) -> None:
    join(zone, "dd", BACK, 5, ["db"])
    who = asker(zone, "10.88.1.2")
    four = [zone.addresses(who, "db", 4) for _ in range(6)]
    assert all(found is not None and len(found) == 3 for found in four)
    firsts = [str(found[0]) for found in four if found is not None]
    assert sorted(firsts[:3]) == ["10.88.1.2", "10.88.1.3", "10.88.1.5"]
    assert firsts[:3] == firsts[3:]


def test_a_name_without_an_address_of_that_version_is_still_ours(zone: Zone) -> None:
    assert zone.addresses(asker(zone, "10.88.1.2"), "aa", 6) == []
    assert zone.addresses(asker(zone, "10.88.1.2"), "nobody", 6) is None


def test_letter_case_of_names_does_not_matter(zone: Zone) -> None:
    zone.join(endpoint("e" * 12, FRONT, 9, ["API"]), NAMES[FRONT], ["Web"], [])
    assert told(zone, "10.88.2.4", "web.front.side") == told(zone, "10.88.2.4", "api") == ["10.88.2.9"]


@pytest.mark.parametrize("name", sorted(HOST_NAMES))
def test_the_host_is_the_gateway_of_the_first_network(zone: Zone, name: str) -> None:
    assert told(zone, "10.88.1.3", name) == ["10.88.1.1", "fd00:1::1"]
    assert told(zone, "10.88.2.4", name) == ["10.88.2.1", "fd00:2::1"]


def test_localhost_is_loopback_whoever_asks(zone: Zone) -> None:
    assert told(zone, "10.88.1.3", "localhost") == told(zone, "10.88.1.3", "x.localhost") == ["127.0.0.1", "::1"]


def test_the_host_sees_the_names_of_a_bridge_and_gets_nothing_else(zone: Zone) -> None:
    assert told(zone, "10.88.2.1", "cc") == ["10.88.2.4"]
    assert told(zone, "10.88.2.1", "aa") is None
    assert not asker(zone, "10.88.2.1").outside


def test_an_address_is_called_by_name_and_network_to_those_who_share_it(zone: Zone) -> None:
    bb = ip_address("10.88.1.3")
    assert zone.name(asker(zone, "10.88.1.2"), bb) == "bb.backend"
    assert zone.name(asker(zone, "10.88.2.4"), bb) == ""
    assert zone.name(asker(zone, "10.88.2.4"), ip_address("10.88.2.1")) == "host.heliostui.internal"
    assert zone.name(asker(zone, "10.88.2.4"), ip_address("10.88.2.200")) == ""
    assert zone.name(asker(zone, "10.88.2.4"), ip_address("192.0.2.1")) is None


def test_a_renamed_container_has_its_new_name_in_all_its_networks_and_the_old_one_in_none(zone: Zone) -> None:
    zone.rename("bb" * 6, "bb", "new")
    assert told(zone, "10.88.1.2", "new") == ["10.88.1.3", "fd00:1::3"]
    assert told(zone, "10.88.2.4", "new") == ["10.88.2.3"]
    assert told(zone, "10.88.1.2", "bb") is None
    assert told(zone, "10.88.1.2", "db") == ["10.88.1.2", "10.88.1.3", "fd00:1::3"]
    assert asker(zone, "10.88.1.3").name == "new"


def test_what_a_container_gets_from_others_is_its_own_affair_and_forgotten_with_it(zone: Zone) -> None:
    server = ip_address("192.0.2.53")
    zone.client("aa" * 6, [server], outside=False)
    assert (asker(zone, "10.88.1.2").servers, asker(zone, "10.88.1.2").outside) == ((server,), False)
    assert (asker(zone, "10.88.1.3").servers, asker(zone, "10.88.1.3").outside) == ((), True)
    zone.leave("aa" * 6)
    join(zone, "aa", BACK, 2)
    assert (asker(zone, "10.88.1.2").servers, asker(zone, "10.88.1.2").outside) == ((), True)


def test_what_is_said_before_the_first_network_counts(zone: Zone) -> None:
    zone.client("dd" * 6, outside=False)
    join(zone, "dd", BACK, 9)
    assert not asker(zone, "10.88.1.9").outside


def test_an_address_that_another_container_has_by_now_stays_its(zone: Zone) -> None:
    join(zone, "dd", BACK, 2)
    zone.leave("aa" * 6)
    assert asker(zone, "10.88.1.2").name == "dd"
    assert told(zone, "10.88.1.3", "dd") == ["10.88.1.2"]
    assert told(zone, "10.88.1.3", "aa") is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "leave all", "rename"]),
        st.sampled_from(["aa", "bb", "cc"]),
        st.sampled_from([BACK, FRONT]),
        st.sampled_from(["one", "two", "Three"]),
    ),
    max_size=30,
)


@given(STEPS)
def test_after_any_history_names_are_exactly_those_of_who_is_there(steps: list[tuple[str, str, str, str]]) -> None:
    zone, there, called = Zone(), {}, {"aa": "aa", "bb": "bb", "cc": "cc"}
    for verb, who, network, name in steps:
        last = ord(who[0]) - ord("a") + 2
        match verb:
            case "join":
                gateway = ip_address(f"{RANGES[network]}.1")
                zone.join(endpoint(who * 6, network, last, [name]), NAMES[network], [called[who]], [gateway])
                there[who, network] = name.lower()
            case "leave":
                zone.leave(who * 6, network)
                there.pop((who, network), None)
            case "leave all":
                zone.leave(who * 6)
                there = {key: alias for key, alias in there.items() if key[0] != who}
            case "rename" if any(key[0] == who for key in there):
                zone.rename(who * 6, called[who], f"{who}{name}")
                called[who] = f"{who}{name}"
    for network in (BACK, FRONT):
        members = {who: alias for (who, where), alias in there.items() if where == network}
        host = zone.asker(f"{RANGES[network]}.1")
        assert (host is not None) == bool(members)
        if host is None:
            continue
        for name in ("one", "two", "three", *(name.lower() for name in called.values())):
            expected = {who for who, alias in members.items() if name in (alias, called[who].lower())}
            found = zone.addresses(host, name)
            assert {str(address)[-1] for address in found or ()} == {
                str(ord(who[0]) - ord("a") + 2) for who in expected
            }
            assert (found is None) == (not expected)
    if not there:
        assert vars(zone) == vars(Zone())


@given(st.ip_addresses())
def test_every_address_is_read_from_its_name_in_arpa(address: Address) -> None:
    assert address_asked(address.reverse_pointer) == address
    assert address_asked(address.reverse_pointer.upper()) == address


@given(st.text(alphabet="0123456789abcdefx.", max_size=20).map(lambda text: f"{text}.in-addr.arpa"))
def test_other_names_in_arpa_are_of_no_address(name: str) -> None:
    found = address_asked(name)
    assert found is None or found.reverse_pointer == name
