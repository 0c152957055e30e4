"""What is said of networks, without an engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from engine.protocol.messages import ContainerNetwork
from engine.protocol.messages import NetworkMap as MapReply
from engine.protocol.network import (
    ContainerNetworks,
    Counters,
    DnsQuery,
    EndpointDetail,
    Interface,
    MapContainer,
    Neighbour,
    NetworkDetail,
    PortMapping,
    PortOption,
    Route,
    RuleView,
    Socket,
    Subnet,
)
from heliostui.network.explain import explained, host_explained, network_explained
from heliostui.network.words import Seen, about, flows, network_map, outcome, ports, ports_line, sections
from widgets.network import Flow
from widgets.section_table import Section

ENDPOINT = EndpointDetail(
    "backend",
    "eth0",
    "h0123456789ab.0",
    "hb-1",
    "02:42:0a:58:01:02",
    "10.88.1.2",
    24,
    "10.88.1.1",
    "fd00::2",
    64,
    "fd00::1",
)
WEB = PortMapping(80, "tcp", "0.0.0.0", 8080)
DNS = PortMapping(53, "udp", "127.0.0.1", 5353)
SOCKETS = [
    Socket("tcp", "ESTAB", "10.88.1.2:80", "10.88.1.3:4000", 0, 12, 7, "httpd"),
    Socket("tcp", "LISTEN", "0.0.0.0:80", "0.0.0.0:*", 1, 128, 7, "httpd"),
    *(Socket("tcp", "TIME-WAIT", "10.88.1.2:80", f"10.88.1.3:{port}") for port in range(5000, 5600)),
    Socket("unix", "LISTEN", "/run/web.sock", "", 0, 0, 7, "httpd"),
]
RULE = RuleView("ports", "8080 : 10.88.1.2 . 80", "destination 8080 of this host goes to web:80", ["web"], 3, 180)
QUERY = DnsQuery(1_760_000_000.0, "web", "db", "A", "10.88.1.9", "heliostui", 0.3)


def looked(time: float = 10.0, received: int = 0, packets: int = 3) -> ContainerNetwork:
    """One look at a container's network."""
    return ContainerNetwork(
        time,
        [
            Interface("lo", "loopback", True, 65536, addresses=["127.0.0.1/8"]),
            Interface("eth0", "veth", True, 1500, counters=Counters(received, received * 2)),
        ],
        [Route("default", "eth0", "10.88.1.1", protocol="static", metric=5)],
        [Neighbour("10.88.1.1", "eth0", "02:00:00:00:00:01", "REACHABLE", "the bridge")],
        SOCKETS,
        [msgspec.structs.replace(RULE, packets=packets)],
        ["10.88.1.1 (heliostui) → 192.0.2.53"],
        "127.0.0.1\tlocalhost\n\n10.88.1.2\tweb\n",
    )


def seen() -> Seen:
    return Seen(ContainerNetworks("networks", [ENDPOINT], [WEB, DNS]), looked(9.0), looked(10.0, 1000, 5), [QUERY])


def section(all: list[Section], key: str) -> Section:
    return next(each for each in all if each.key == key)


def texts(section: Section) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in section.rows]


def test_a_port_of_both_families_is_told_once() -> None:
    both = [WEB, msgspec.structs.replace(WEB, address="::"), DNS, msgspec.structs.replace(DNS, address="::1")]
    assert ports(both) == [(":8080", "80/tcp"), ("127.0.0.1:5353", "53/udp"), ("[::1]:5353", "53/udp")]
    assert ports_line(both) == ":8080→80 127.0.0.1:5353→53/udp [::1]:5353→53/udp"


def test_a_container_has_its_addresses_with_rates_of_the_last_second() -> None:
    first, second, loopback = texts(section(sections(seen()), "addresses"))
    assert first[:6] == ["backend", "eth0", "10.88.1.2/24", "1.00 kB/s", "2.00 kB/s", "10.88.1.1"]
    assert second[2] == "fd00::2/64"
    assert loopback[:3] == ["loopback", "lo", "127.0.0.1/8"]


@pytest.mark.parametrize(("mode", "why"), [("host", "this host's own"), ("container", "whose network it shares")])
def test_who_has_another_network_is_shown_its_networks_and_who_publishes(mode: Any, why: str) -> None:
    eth0 = Interface("eth0", "veth", True, 1500, network="backend", addresses=["10.88.1.2/24"])
    now = msgspec.structs.replace(looked(10.0), interfaces=[eth0])
    all = sections(Seen(ContainerNetworks(mode), now=now))
    assert texts(section(all, "addresses"))[0][:3] == ["backend", "eth0", "10.88.1.2/24"]
    assert why in section(all, "ports").empty


def test_counters_that_moved_stand_out_and_those_that_rest_do_not() -> None:
    (moved,) = section(sections(seen()), "rules").rows
    rested = seen()
    rested.before = rested.now
    (still,) = section(sections(rested), "rules").rows
    assert moved.cells[1].text == still.cells[1].text == "5"
    assert moved.cells[1].style != still.cells[1].style


def test_connections_that_are_over_are_one_line_with_their_number() -> None:
    rows = texts(section(sections(seen()), "sockets"))
    assert [row[1] for row in rows] == ["LISTEN", "ESTAB", "TIME-WAIT"]
    assert rows[2][3] == "10.88.1.3:*"
    assert rows[2][6] == "600 that are over"


def test_connections_that_it_asked_for_itself_are_one_line_too() -> None:
    asked = seen()
    assert asked.now is not None
    own = [Socket("tcp", "TIME-WAIT", f"10.88.1.2:{port}", "10.88.1.9:5432") for port in range(40000, 40100)]
    asked.now = msgspec.structs.replace(asked.now, sockets=own)
    (row,) = texts(section(sections(asked), "sockets"))
    assert row[2:4] == ["10.88.1.2:*", "10.88.1.9:5432"]
    assert row[6] == "100 that are over"


def test_unix_sockets_hosts_and_resolvers_have_a_place() -> None:
    all = sections(seen())
    assert texts(section(all, "unix")) == [["LISTEN", "/run/web.sock", "httpd 7"]]
    assert len(section(all, "hosts").rows) == 2
    assert section(all, "resolvers").rows[0].cells[0].text.startswith("10.88.1.1")


def test_a_container_with_loopback_only_says_why() -> None:
    lonely = Seen(ContainerNetworks("none", reason="nft is not installed."), None, None)
    first = section(sections(lonely), "addresses")
    assert first.empty == "nft is not installed."


def test_ports_of_a_container_that_does_not_run_are_those_it_will_have() -> None:
    wanted = [
        PortOption(container=80, host=8080),
        PortOption(container=53, protocol="udp"),
        PortOption(container=443, host=8443, address="::1"),
    ]
    rows = texts(section(sections(Seen(wanted=wanted)), "ports"))
    assert [(row[0], row[2]) for row in rows] == [
        (":8080", "80"),
        ("one that is free", "53/udp"),
        ("[::1]:8443", "443"),
    ]


def test_rows_have_keys_of_their_own() -> None:
    doubled = seen()
    assert doubled.now is not None
    doubled.now = msgspec.structs.replace(
        doubled.now, sockets=SOCKETS * 2, rules=doubled.now.rules * 2, routes=doubled.now.routes * 2
    )
    doubled.queries = [QUERY, QUERY]
    for each in sections(doubled):
        keys = [row.key for row in each.rows]
        assert len(keys) == len(set(keys)), each.key


@pytest.mark.parametrize(
    "of", [ENDPOINT, EndpointDetail("backend"), *looked().interfaces, WEB, DNS, *SOCKETS[:3], SOCKETS[-1], RULE, QUERY]
)
def test_everything_with_a_meaning_is_explained_in_sentences(of: object) -> None:
    told = explained(of, "web", 4217)
    assert told is not None
    assert told.title
    assert all(sentence.endswith(".") and "{" not in sentence for sentence in told.sentences if sentence)
    assert told.commands


def test_a_rule_is_explained_by_its_words_and_its_text() -> None:
    told = explained(RULE, "web", 1)
    assert told is not None
    assert told.sentences[0] == "Destination 8080 of this host goes to web:80."
    assert told.commands[0] == RULE.text


def test_what_has_no_meaning_is_not_explained() -> None:
    assert explained(None, "web", 1) is None


@pytest.mark.parametrize(
    ("answer", "look"),
    [("10.0.0.1", "section--good"), ("NXDOMAIN", "section--odd"), ("SERVFAIL", "section--bad"), ("", "section--odd")],
)
def test_answers_are_coloured_by_their_outcome(answer: str, look: str) -> None:
    assert outcome(msgspec.structs.replace(QUERY, answer=answer)) == look


NETWORK = NetworkDetail(
    "n1", "backend", "hb-1", [Subnet("10.88.1.0/24", "10.88.1.1")], datetime(2026, 1, 1, tzinfo=UTC)
)


def told_map(time: float, sent: int) -> MapReply:
    return MapReply(
        time=time,
        interfaces=[
            Interface("lo", "loopback", True, 65536),
            Interface("eth0", "physical", True, 1500, addresses=["192.0.2.1/24"], counters=Counters(sent, 0)),
            Interface("hb-1", "bridge", True, 1500, network="backend"),
            Interface(
                "h0123456789ab.0", "veth", True, 1500, master="hb-1", container="web", counters=Counters(0, sent)
            ),
        ],
        networks=[NETWORK],
        containers=[
            MapContainer("c1", "web", "networks", [ENDPOINT], [WEB]),
            MapContainer("c2", "side", "container", of="web"),
            MapContainer("c3", "raw", "host"),
        ],
        forwarding=True,
    )


def test_the_map_has_the_hosts_own_interfaces_only() -> None:
    drawn = network_map(told_map(1.0, 0))
    assert [each.name for each in drawn.interfaces] == ["eth0"]
    assert drawn.containers[0].endpoints[0].network == "n1"
    assert (drawn.containers[1].of, drawn.containers[1].note) == ("c1", "shares web's network")
    assert drawn.containers[2].on_host
    assert "forwards IPv4" in drawn.way_out
    idle = network_map(msgspec.structs.replace(told_map(1.0, 0), forwarding=False, forwarding6=False))
    assert "forwards nothing until a container needs it" in idle.way_out


def test_what_the_host_sends_into_a_veth_comes_down_to_the_container() -> None:
    made = flows(told_map(1.0, 0), told_map(3.0, 4000))
    assert made["h0123456789ab.0"] == Flow(down=2000.0)
    assert made["eth0"] == Flow(down=2000.0)
    assert flows(None, told_map(1.0, 0)) == {}


def test_counters_that_begin_anew_give_no_negative_rates() -> None:
    assert flows(told_map(1.0, 9000), told_map(2.0, 10))["eth0"] == Flow()


def test_each_box_is_told_in_two_lines() -> None:
    drawn = network_map(told_map(1.0, 0))
    assert "10.88.1.0/24 by 10.88.1.1" in about(drawn.networks[0], drawn)[0]
    assert "1 container: web" in about(drawn.networks[0], drawn)[1]
    assert ":8080 ━━▶ 80/tcp" in about(drawn.containers[0], drawn)[1]
    assert about(drawn.containers[1], drawn)[1] == ""  # it has no network of its own to publish from
    assert "eth0 192.0.2.1/24" in about(None, drawn)[0]


def test_a_network_and_the_host_are_explained() -> None:
    told = network_explained(NETWORK)
    assert "hb-1 is a bridge" in told.sentences[0]
    assert "masquerade" in told.sentences[-1]
    internal = network_explained(msgspec.structs.replace(NETWORK, internal=True))
    assert "dropped" in internal.sentences[-1]
    assert "IPv4 (ip_forward)" in host_explained(told_map(1.0, 0)).sentences[0]
    beside = msgspec.structs.replace(told_map(1.0, 0), coexistence=["Docker drops what it does not know."])
    assert "Docker drops what it does not know." in host_explained(beside).sentences
    drawn = network_map(beside)
    assert "Docker drops" in about(None, drawn)[1]


@pytest.mark.parametrize(
    "of",
    [
        msgspec.structs.replace(QUERY, name="\x1b]0;mine\x07", answer="\x1b[2J"),
        msgspec.structs.replace(SOCKETS[0], command="\x1b[31m\n"),
        msgspec.structs.replace(SOCKETS[-1], local="@\x1b[2J\x9b31m"),
    ],
)
def test_what_a_container_calls_its_things_steers_no_terminal(of: object) -> None:
    told = explained(of, "web", 7)
    assert told is not None
    assert all(text.isprintable() for text in (told.title, *told.sentences, *told.commands))


def test_a_name_that_was_asked_for_is_one_word_of_a_command() -> None:
    told = explained(msgspec.structs.replace(QUERY, name="$(reboot);x"), "web", 7)
    assert told is not None
    assert told.commands[0].startswith("dig '$(reboot);x' A ")
