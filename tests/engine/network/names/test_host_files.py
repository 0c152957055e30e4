"""The texts of a container's /etc/hosts and /etc/resolv.conf, read as the C library reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Address, Network, Subnet
from engine.network.names import host_files, upstream
from engine.network.names.host_files import hosts, resolv_conf, search, servers

FOUR, SIX = ip_address("10.88.0.2"), ip_address("fd00::2")
GATEWAYS = [ip_address("10.88.0.1"), ip_address("fd00::1")]


def lines(text: str) -> list[tuple[str, list[str]]]:
    """Addresses and names of hosts(5)."""
    return [(line.split()[0], line.split()[1:]) for line in text.splitlines()]


def network(name: str, *subnets: str) -> Network:
    made = tuple(Subnet(ip_network(each), next(ip_network(each).hosts())) for each in subnets)
    return Network(id=name * 12, name=name, subnets=made, created_at=datetime(2025, 1, 1, tzinfo=UTC))


def test_a_container_is_called_by_its_hostname_and_its_name_at_each_of_its_addresses() -> None:
    told = lines(hosts(["web.example", "web"], [FOUR, SIX]))
    assert ("10.88.0.2", ["web.example", "web"]) in told
    assert ("fd00::2", ["web.example", "web"]) in told


def test_localhost_is_there_in_both_families() -> None:
    told = lines(hosts(["web"], [FOUR]))
    assert ("127.0.0.1", ["localhost"]) in told
    assert ("::1", ["localhost", "ip6-localhost", "ip6-loopback"]) in told


def test_a_name_that_is_the_hostname_as_well_stands_once() -> None:
    assert ("10.88.0.2", ["web"]) in lines(hosts(["web", "web"], [FOUR]))


def test_without_a_network_its_own_name_is_loopback() -> None:
    assert ("127.0.1.1", ["web"]) in lines(hosts(["web"], []))


def test_added_hosts_come_before_its_own() -> None:
    told = lines(hosts(["web"], [FOUR], ["db:192.0.2.7", "six:[2001:db8::7]"]))
    assert told[-3:] == [("192.0.2.7", ["db"]), ("2001:db8::7", ["six"]), ("10.88.0.2", ["web"])]


def test_host_gateway_is_every_address_of_the_host() -> None:
    told = lines(hosts(["web"], [FOUR], ["up:host-gateway"], GATEWAYS))
    assert ("10.88.0.1", ["up"]) in told
    assert ("fd00::1", ["up"]) in told


def test_host_gateway_without_a_network_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="host-gateway has no address without a network"):
        hosts(["web"], [], ["up:host-gateway"])


def test_in_the_hosts_network_its_file_stays_with_what_is_added() -> None:
    assert hosts(["web"], [], ["db:192.0.2.7"], base="127.0.0.1 here") == "127.0.0.1 here\n192.0.2.7\tdb\n"


def test_the_resolver_is_asked_for_names_as_they_are() -> None:
    read = upstream.parse(resolv_conf([GATEWAYS[0]], ["lan", "example.com"], ["use-vc"]))
    assert (read.servers, read.search) == ((GATEWAYS[0],), ("lan", "example.com"))
    assert "options use-vc ndots:0\n" in resolv_conf([GATEWAYS[0]], options=["use-vc"])


def test_dots_that_were_asked_for_stay() -> None:
    assert "options ndots:2\n" in resolv_conf([GATEWAYS[0]], options=["ndots:2"])


def test_more_servers_than_are_looked_at_are_not_written() -> None:
    assert resolv_conf([FOUR] * 9).count("nameserver") == 3


def test_each_network_has_a_server_and_ipv4_is_asked_where_there_is_one() -> None:
    both, six = network("a", "10.88.0.0/24", "fd00::/64"), network("b", "fd01::/64")
    assert servers([both, six]) == [ip_address("10.88.0.1"), ip_address("fd01::1")]


def test_search_domains_are_those_asked_for_else_the_hosts_and_a_dot_means_none() -> None:
    assert search([], ["lan"]) == ["lan"]
    assert search(["a.example"], ["lan"]) == ["a.example"]
    assert search(["."], ["lan"]) == []


@given(st.lists(st.ip_addresses(), max_size=3), st.lists(st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9})?", fullmatch=True)))
def test_what_is_written_is_read_again(addresses: list[Address], domains: list[str]) -> None:
    read = upstream.parse(resolv_conf(addresses, domains[:6]))
    assert read.servers == (tuple(addresses) or upstream.HostResolver.servers)
    assert read.search == tuple(domains[:6])


def test_no_line_is_made_of_what_was_refused() -> None:
    with pytest.raises(ValueError, match="no host name"):
        hosts(["web"], [FOUR], ["a\nb:192.0.2.7"])
    assert host_files.ALWAYS.endswith("\n")
