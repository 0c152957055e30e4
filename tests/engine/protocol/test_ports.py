"""Ports as people write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.network import PortMapping, PortOption
from engine.protocol.ports import check, exposed, mapping_text, mappings_text, numbered, parse, text

PORTS = st.integers(1, 65535)
ADDRESSES = st.none() | st.ip_addresses().map(str)


@st.composite
def options(draw: st.DrawFn) -> PortOption:
    """Any that can be."""
    protocol, address = draw(st.sampled_from(["tcp", "udp"])), draw(ADDRESSES)
    first = draw(PORTS)
    last = draw(st.none() | st.integers(first + 1, 65535)) if first < 65535 else None
    length = 0 if last is None else last - first
    host = draw(st.none() | st.integers(1, 65535 - length))
    end = None if host is None else host + length
    if last is None and host is not None and host < 65535:
        end = draw(st.none() | st.integers(host + 1, 65535))
    return PortOption(
        container=first,
        container_last=last,
        host=host,
        host_last=end if end != host else None,
        address=address,
        protocol=protocol,  # type: ignore[arg-type]
    )


@given(options())
def test_what_is_written_of_an_option_is_read_as_that_option(option: PortOption) -> None:
    assert parse(text(option)) == option


@given(st.text("0123456789.:-/[]%abftcpudn ") | st.text())
def test_any_other_text_is_refused_in_a_sentence(words: str) -> None:
    try:
        option = parse(words)
    except ValueError:
        return
    check(option)
    assert parse(text(option)) == option


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("80", PortOption(container=80)),
        (":80", PortOption(container=80)),
        ("0:80", PortOption(container=80)),
        ("8080:80", PortOption(host=8080, container=80)),
        ("8080:80/udp", PortOption(host=8080, container=80, protocol="udp")),
        ("53:53/UDP", PortOption(host=53, container=53, protocol="udp")),
        ("127.0.0.1:8080:80", PortOption(host=8080, container=80, address="127.0.0.1")),
        ("127.0.0.1::80", PortOption(container=80, address="127.0.0.1")),
        ("[::1]:8080:80", PortOption(host=8080, container=80, address="::1")),
        ("[0:0::1]::80/tcp", PortOption(container=80, address="::1")),
        ("8000-8010:80", PortOption(host=8000, host_last=8010, container=80)),
        ("8000-8002:80-82", PortOption(host=8000, host_last=8002, container=80, container_last=82)),
        ("80-82", PortOption(container=80, container_last=82)),
        ("8080-8080:80-80", PortOption(host=8080, container=80)),
    ],
)
def test_ports_mean_what_docker_makes_of_them(words: str, option: PortOption) -> None:
    assert parse(words) == option


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "'' is no port"),
        ("http", "'http' is no port: write a number from 1 to 65535, or a range, 8000-8010"),
        ("http:80", "'http:80': 'http' is no port"),
        ("8080:", "'' is no port"),
        ("8080:0", "no port 0"),
        ("65536:80", "no port 65536"),
        ("8080:80/sctp", "no protocol 'sctp'"),
        ("8010-8000:80", "does not go up"),
        ("8000-8010:80-82", "of one length"),
        ("8000:80-82", "of one length"),
        ("localhost:8080:80", "'localhost' is no address"),
        ("127.0.0.1:80", "belongs the host's"),
        ("::1:8080:80", "in brackets"),
        ("[127.0.0.1]:8080:80", "IPv6 address"),
        ("[fe80::1%eth0]:8080:80", "zone"),
        ("1:2:3:4", "brackets"),
        ("80 ", "no port"),
    ],
)
def test_what_can_not_be_is_refused_with_the_reason(words: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        parse(words)


@pytest.mark.parametrize(
    "option",
    [
        PortOption(container=0),
        PortOption(container=80, host=70000),
        PortOption(container=80, container_last=80),
        PortOption(container=80, host_last=90),
        PortOption(container=80, container_last=82, host=8000),
        PortOption(container=80, address="here"),
        PortOption(container=80, address="0::1"),
    ],
)
def test_options_that_no_text_makes_are_found_too(option: PortOption) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check(option)


def test_a_single_port_has_a_protocol() -> None:
    assert numbered("80") == (80, "tcp")
    assert numbered("53/udp") == (53, "udp")
    with pytest.raises(ValueError, match="more than one"):
        numbered("80-82")


def test_exposed_ranges_are_one_port_each() -> None:
    assert exposed("8000-8002/udp") == ["8000/udp", "8001/udp", "8002/udp"]
    assert exposed("80") == ["80/tcp"]


def test_a_mapping_is_written_as_docker_writes_it() -> None:
    four = PortMapping(container_port=80, protocol="tcp", address="0.0.0.0", port=8080)
    six = PortMapping(container_port=53, protocol="udp", address="::", port=5353)
    assert (mapping_text(four), mapping_text(six)) == ("0.0.0.0:8080->80/tcp", "[::]:5353->53/udp")


def test_mappings_that_follow_each_other_are_written_as_a_range() -> None:
    def mapping(address: str, host: int, container: int, protocol: str = "tcp") -> PortMapping:
        return PortMapping(container_port=container, protocol=protocol, address=address, port=host)  # type: ignore[arg-type]

    both = [mapping(address, 8000 + n, 80 + n) for n in (2, 0, 1) for address in ("::", "0.0.0.0")]
    assert mappings_text(both) == "0.0.0.0:8000-8002->80-82/tcp, [::]:8000-8002->80-82/tcp"
    apart = [mapping("0.0.0.0", 8000, 80), mapping("0.0.0.0", 9000, 81), mapping("0.0.0.0", 8001, 81, "udp")]
    assert mappings_text(apart) == "0.0.0.0:8000->80/tcp, 0.0.0.0:9000->81/tcp, 0.0.0.0:8001->81/udp"
    assert mappings_text([]) == ""


@given(st.sets(st.tuples(st.integers(1, 9), st.sampled_from(["tcp", "udp"])), max_size=12))
def test_ranges_of_mappings_are_as_many_ports_as_there_are(ports: set[tuple[int, str]]) -> None:
    mappings = [PortMapping(container_port=n, protocol=p, address="::", port=n + 100) for n, p in ports]  # type: ignore[arg-type]
    told = [part.split("->")[1] for part in mappings_text(mappings).split(", ") if part]
    assert {(int(port.split("/")[0]), port.split("/")[1]) for one in told for port in exposed(one)} == ports
