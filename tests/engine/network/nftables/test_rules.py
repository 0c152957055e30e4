"""The table in words, from the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Any

import pytest

from engine.network.nftables.rules import Listing, views
from engine.protocol.network import RuleView
from tests.engine.network.hosts import PATIENCE, needs
from tests.engine.network.town import HERE, INTERNAL, ONE, Town, town


@pytest.fixture
async def place() -> AsyncIterator[Town]:
    needs("ip", "nft")
    async with town(ONE, INTERNAL) as made:
        yield made


async def seen(place: Town, **names: str) -> list[RuleView]:
    """`names`: of containers, by "web" = "address address"."""
    by_address = {ip_address(word): name for name, words in names.items() for word in words.split()}
    return views(await place.firewall.counted(), by_address, [ONE, INTERNAL])


async def test_a_published_port_says_where_it_leads_and_what_went_through(place: Town) -> None:
    web = await place.container(ONE)
    web.host.echo(port=80)
    await place.firewall.publish(web.forwards(8080, 80))
    await place.firewall.publish(web.forwards(53, 53, "udp", HERE))
    assert place.outside.ask(HERE, 8080, data=b"x" * 1000, timeout=PATIENCE)
    found = {v.text: v for v in await seen(place, web=f"{web.address} {web.address6}") if v.chain == "published"}
    view = found[f"tcp . 8080 : {web.address} . 80"]
    assert view.words == "destination 8080 of this host goes to web:80"
    assert view.containers == ["web"]
    assert view.bytes is not None
    assert view.bytes > 2000
    text = f"{HERE} . udp . 53 : {web.address} . 53"
    assert found[text] == RuleView("published", text, f"UDP destination {HERE}:53 goes to web:53", ["web"], 0, 0)
    (loopback,) = [v for v in found.values() if v.text.startswith("::1")]
    assert loopback.words == "destination [::1]:8080 goes to the engine, which hands it on to web:80"
    assert loopback.containers == ["web"]


async def test_a_container_without_a_name_is_its_address(place: Town) -> None:
    web = await place.container(ONE)
    await place.firewall.publish(web.forwards(8080, 80))
    words = [view.words for view in await seen(place)]
    assert f"destination 8080 of this host goes to {web.address}:80" in words
    assert f"destination 8080 of this host goes to [{web.address6}]:80" in words


async def test_networks_say_what_they_may(place: Town) -> None:
    found = {(v.chain, v.words): v for v in await seen(place, web="10.88.1.2", store="10.88.3.2")}
    assert found["leaving", "what leaves 10.88.1.0/24 for elsewhere takes the host's address"].containers == ["web"]
    assert ("leaving", "what leaves 10.88.3.0/24 for elsewhere takes the host's address") not in found
    assert found["through", "nothing leaves network internal or enters it"].containers == ["store"]
    source = found["early", "from network one only 10.88.1.0/24 is a source"]
    assert source.text == f'"{ONE.bridge}" . 10.88.1.0/24'


async def test_what_was_dropped_is_counted_for_its_network(place: Town) -> None:
    inside = await place.container(INTERNAL)
    inside.host.sh("ip route add default via 10.88.3.1")
    assert inside.host.misses("192.0.2.2", 7)
    words = "what network internal sent, or was to get, and was not let through"
    (view,) = [v for v in await seen(place) if v.words == words]
    assert view.packets is not None
    assert view.packets > 0
    (rule,) = [v for v in await seen(place) if v.words == "nothing leaves an internal network"]
    assert rule.packets == view.packets


async def test_every_rule_has_words_and_its_text_as_nft_writes_it(place: Town) -> None:
    found = await seen(place)
    assert all(view.words and view.text for view in found)
    listed = place.here.sh("nft -s list ruleset")
    rules = [view for view in found if not view.text.startswith(('"', "10.", "fd"))]
    assert len(rules) == listed.count(' comment "')
    for view in rules:
        assert f'{view.text} comment "{view.words}"' in listed


def test_a_machine_without_names_of_protocols_is_understood() -> None:
    """nftables writes numbers where there is no /etc/protocols."""
    port = [{"concat": [17, 53]}, {"concat": ["10.88.1.2", 5353]}]
    counted = {"elem": {"val": {"concat": ["10.88.1.2", 17, 5353]}, "counter": {"packets": 2, "bytes": 200}}}
    address = ["ipv4_addr", "inet_proto", "inet_service"]
    objects: list[dict[str, Any]] = [
        {"map": {"name": "ports4", "type": ["inet_proto", "inet_service"], "map": "x", "elem": [port]}},
        {"set": {"name": "traffic4", "type": address, "elem": [counted]}},
        {"rule": {"chain": "published", "handle": 7, "expr": [{"dnat": {}}], "comment": "ports"}},
    ]
    listing = Listing(objects, "dnat ip to th dport map @ports4 # handle 7\n")
    (_, view) = views(listing, {ip_address("10.88.1.2"): "names"}, [])
    assert view == RuleView(
        "published",
        "udp . 53 : 10.88.1.2 . 5353",
        "UDP destination 53 of this host goes to names:5353",
        ["names"],
        packets=2,
        bytes=200,
    )
