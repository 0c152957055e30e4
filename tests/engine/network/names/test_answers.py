"""What our resolver says itself: an answer to everything, or none where others are asked."""

from __future__ import annotations

import struct
from ipaddress import ip_address, ip_interface

import pytest
from dnslib import QTYPE, DNSHeader, DNSQuestion, DNSRecord  # type: ignore[import-untyped]
from dnslib.label import DNSLabel  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Endpoint
from engine.network.names import questions
from engine.network.names.answers import answer
from engine.network.names.zone import Zone

TOLD = {"A": "10.88.0.2", "AAAA": "fd00::2"}
OURS = ["web", "w" * 12, "web.backend", "host.docker.internal", "2.0.88.10.in-addr.arpa"]
FOREIGN = ["example.com", "www.web", "web.other", "arpa", "in-addr.arpa", "1.2.0.192.in-addr.arpa", "x" * 63]
LONG = [b"a" * 63] * 3 + [b"b" * 61]  # as long as a name may be


def zone(outside: bool) -> Zone:
    made = Zone()
    addresses = (ip_interface("10.88.0.2/24"), ip_interface("fd00::2/64"))
    endpoint = Endpoint("w" * 12, "n" * 12, "hb", "h", "eth0", "02:00:00:00:00:01", 1500, addresses)
    made.join(endpoint, "backend", ["web"], [ip_address("10.88.0.1")])
    made.client("w" * 12, outside=outside)
    return made


def packet(name: object, type: int) -> bytes:
    return bytes(DNSRecord(DNSHeader(id=1), q=DNSQuestion(DNSLabel(name), type)).pack())


@given(
    # dnslib reads only UTF-8
    st.sampled_from([*OURS, *FOREIGN, LONG, []])
    | st.lists(st.text(min_size=1, max_size=15).map(str.encode), max_size=3),
    st.integers(0, 65_535) | st.sampled_from(list(QTYPE.reverse.values())),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_everything_is_answered_or_asked_of_others(
    name: object, type: int, outside: bool, known: bool, tcp: bool
) -> None:
    names = zone(outside)
    asker = names.asker("10.88.0.2") if known else None
    said = answer(names, asker, questions.read(packet(name, type)), tcp=tcp)
    if said is None:
        assert known
        assert outside
        return
    record = DNSRecord.parse(said)
    assert (record.header.id, record.header.qr, record.q) == (1, 1, DNSQuestion(DNSLabel(name), type))
    if not known:
        assert record.header.rcode == questions.REFUSED


@pytest.mark.parametrize("name", ["web", "WEB.backend", "w" * 12])
@pytest.mark.parametrize("type", TOLD)
def test_names_of_ours_are_answered_whoever_may_ask_others(name: str, type: str) -> None:
    for outside in (False, True):
        names = zone(outside)
        said = answer(names, names.asker("10.88.0.2"), questions.read(packet(name, getattr(QTYPE, type))))
        assert said is not None
        assert str(DNSRecord.parse(said).a.rdata) == TOLD[type]


def test_a_name_may_be_as_long_as_the_wire_has_room_and_no_longer() -> None:
    header = struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0)

    def wire(last: int) -> bytes:
        return header + (b"\x3f" + b"a" * 63) * 3 + bytes([last]) + b"b" * last + b"\0" + struct.pack("!HH", 1, 1)

    question = questions.read(wire(61))
    assert DNSRecord.parse(questions.reply(question, questions.NXDOMAIN)).q.qname == DNSLabel(LONG)
    for last in (62, 63):
        with pytest.raises(questions.Malformed):
            questions.read(wire(last))
