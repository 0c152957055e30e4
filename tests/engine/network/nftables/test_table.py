"""The text of the table means what it says to the kernel, and one change makes one content of another."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.network.model import Forward, Network
from engine.network.nftables import table
from engine.network.nftables.nft import Nft
from tests.engine.network.hosts import Host, needs
from tests.engine.network.town import INTERNAL, ONE, TWO

PORTS = st.integers(1, 65535)
V4 = st.sampled_from(["10.88.1.2", "10.88.1.3", "192.0.2.1", "127.0.0.1"]).map(ip_address)
V6 = st.sampled_from(["fd00:88:0:1::2", "2001:db8::1", "::1"]).map(ip_address)
PROTOCOLS = st.sampled_from(["tcp", "udp"])
FORWARDS = st.lists(
    st.builds(Forward, PROTOCOLS, st.none() | V4, PORTS, V4, PORTS)
    | st.builds(Forward, PROTOCOLS, st.none() | V6, PORTS, V6, PORTS),
    max_size=12,
)
NETWORKS = st.sets(st.sampled_from([0, 1, 2])).map(lambda chosen: [[ONE, TWO, INTERNAL][i] for i in sorted(chosen)])
CONTENTS = st.builds(
    table.content,
    NETWORKS,
    FORWARDS.map(lambda forwards: elements_of(*forwards)),
    st.sets(st.sampled_from(["ipv4", "ipv6"])),
    st.dictionaries(st.tuples(PROTOCOLS, PORTS), PORTS, max_size=3),
)


def elements_of(*forwards: Forward) -> list[table.Element]:
    return [element for forward in forwards for element in table.elements(forward)]


@pytest.fixture(scope="module")
def library() -> Iterator[Nft]:
    needs("nft")
    with Host() as host:
        made = host.run(Nft)
        yield made
        host.run(made.close)


def elements(library: Nft) -> dict[str, list[str]]:
    """All sets and maps as the kernel has them."""
    listed = library.objects("list table inet t")
    found: dict[str, Any] = {
        item[kind]["name"]: item[kind] for item in listed for kind in ("set", "map") if kind in item
    }
    return {name: sorted(map(str, value.get("elem", []))) for name, value in found.items()}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(CONTENTS, CONTENTS)
def test_a_change_makes_the_one_of_the_other(library: Nft, before: table.Content, after: table.Content) -> None:
    library.run(table.whole("t", after))
    wanted = elements(library)
    library.run(table.whole("t", before))
    library.run(table.change("t", before, after))
    assert elements(library) == wanted


@given(CONTENTS)
def test_no_change_is_no_command(content: table.Content) -> None:
    assert table.change("t", content, content) == ""


def test_a_published_port_is_an_element_or_two() -> None:
    before = table.content([ONE], [])
    after = table.content([ONE], elements_of(Forward("tcp", None, 8080, ip_address("10.88.1.2"), 80)))
    assert table.change("t", before, after) == (
        "add element inet t traffic4 { 10.88.1.2 . tcp . 80 }\n"
        "add element inet t ports4 { tcp . 8080 : 10.88.1.2 . 80 }"
    )


def test_a_port_that_is_turned_elsewhere_is_one_transaction() -> None:
    old, new = (
        table.content([], elements_of(Forward("udp", ip_address("::"), 53, ip_address(a), 53)))
        for a in ("fd00::2", "fd00::3")
    )
    assert table.change("t", old, new).splitlines() == [
        "delete element inet t traffic6 { fd00::2 . udp . 53 }",
        "add element inet t traffic6 { fd00::3 . udp . 53 }",
        "delete element inet t ports6 { udp . 53 }",
        "add element inet t ports6 { udp . 53 : fd00::3 . 53 }",
    ]


@pytest.mark.parametrize(("network", "translated"), [(ONE, True), (INTERNAL, False)])
def test_only_networks_with_a_way_out_are_translated(network: Network, translated: bool) -> None:
    content = table.content([network], [])
    assert bool(content["subnets4"]) is bool(content["subnets6"]) is translated
    assert bool(content["internal"]) is not translated


def test_every_rule_says_what_it_is_for(library: Nft) -> None:
    library.run(table.whole("t", table.content([ONE, INTERNAL], [])))
    listed = library.objects("list table inet t")
    assert all(item["rule"].get("comment") for item in listed if "rule" in item)


def test_the_parts_that_are_needed_are_all_in_this_kernel(library: Nft) -> None:
    for chain in table.NEEDED.values():
        library.check(table.probe("probe", chain))
