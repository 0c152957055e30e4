"""Questions as they come from programs that nobody trusts, and answers as they go. dnslib is the oracle."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from dnslib import EDNS0, MX, QTYPE, RR, TXT, A, DNSHeader, DNSQuestion, DNSRecord  # type: ignore[import-untyped]
from dnslib.label import DNSLabel  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Address
from engine.network.names import questions
from engine.network.names.questions import Malformed, Question, read, reply, words

LABELS = st.lists(st.binary(min_size=1, max_size=20), min_size=0, max_size=8)
ADDRESSES = st.lists(st.ip_addresses(), max_size=200)


def packet(name: object = "web", type: str = "A", id: int = 7, room: int | None = None) -> bytes:
    record = DNSRecord(DNSHeader(id=id), q=DNSQuestion(DNSLabel(name), getattr(QTYPE, type)))
    if room is not None:
        record.add_ar(EDNS0(udp_len=room))
    return bytes(record.pack())


def refusal(data: bytes) -> int | None:
    """The code that something which is no question is answered with; None: with nothing."""
    with pytest.raises(Malformed) as caught:
        read(data)
    if caught.value.reply is None:
        return None
    assert caught.value.reply[:2] == data[:2]
    return int(DNSRecord.parse(caught.value.reply).header.rcode)


@given(LABELS, st.integers(0, 65_535), st.none() | st.integers(0, 65_535))
def test_every_question_is_read_as_dnslib_wrote_it(labels: list[bytes], id: int, room: int | None) -> None:
    data = packet(labels, "AAAA", id, room)
    question = read(data)
    assert (question.id, question.labels, question.type, question.kind) == (id, tuple(labels), 28, "AAAA")
    assert question.edns == (room is not None)
    assert question.room == max(512, room or 0)
    assert data[question.end - 4 : question.end] == b"\0\x1c\0\1"


@given(st.binary(max_size=600))
def test_whatever_comes_is_a_question_or_refused(data: bytes) -> None:
    refused = None
    try:
        read(data)
    except Malformed as malformed:
        refused = malformed.reply
    assert refused is None or (len(refused) <= max(12, len(data)) and refused[2] & 0x80)


@given(LABELS, st.data())
def test_a_damaged_question_is_a_question_or_refused(labels: list[bytes], draw: st.DataObject) -> None:
    data = bytearray(packet(labels, room=1232))
    for _ in range(draw.draw(st.integers(1, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    try:
        question = read(cut)
    except Malformed:
        return
    answer = reply(question, questions.NOERROR, [ip_address("10.0.0.1")])
    assert len(answer) <= question.room or question.end > 500


def test_an_answer_is_never_answered() -> None:
    assert refusal(packet()[:2] + b"\x81" + packet()[3:]) is None


def test_what_is_shorter_than_a_header_is_not_answered() -> None:
    assert refusal(packet()[:11]) is None


@pytest.mark.parametrize(
    "data",
    [
        packet()[:-1],
        packet()[:12],
        packet()[:4] + struct.pack("!HHHH", 0, 0, 0, 0),
        packet()[:4] + struct.pack("!HHHH", 2, 0, 0, 0) + packet()[12:] * 2,
        packet()[:4] + struct.pack("!HHHH", 1, 0, 0, 65_535) + packet()[12:],
        packet()[:12] + b"\xc0\x0c" + b"\0\1\0\1",
        packet()[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
        packet()[:12] + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1",
        packet() + bytes(5_000),
    ],
    ids=["cut", "no name", "none", "two", "too few records", "a pointer to itself", "long part", "long name", "long"],
)
def test_what_is_not_one_whole_question_is_a_format_error(data: bytes) -> None:
    assert refusal(data) == questions.FORMERR


def test_other_things_than_questions_are_not_implemented() -> None:
    assert refusal(packet()[:2] + b"\x28\0" + packet()[4:]) == questions.NOTIMP


def test_names_of_another_world_than_the_internet_are_refused() -> None:
    assert refusal(packet()[:-2] + b"\0\3") == questions.REFUSED


def test_a_later_version_of_edns_is_told_so() -> None:
    data = bytearray(packet(room=1232))
    data[-5] = 1
    with pytest.raises(Malformed) as caught:
        read(bytes(data))
    assert caught.value.reply is not None
    answer = DNSRecord.parse(caught.value.reply)
    assert (answer.header.rcode, answer.ar[0].edns_rcode) == (0, 1)


@given(ADDRESSES, st.none() | st.integers(0, 65_535), st.booleans())
def test_an_answer_has_all_addresses_that_fit_and_says_when_there_are_more(
    addresses: list[Address], room: int | None, tcp: bool
) -> None:
    question = read(packet("Web.Backend", "ANY", room=room))
    answer = reply(question, questions.NOERROR, addresses, tcp=tcp)
    assert len(answer) <= (65_535 if tcp else min(1232, max(512, room or 0)))
    record = DNSRecord.parse(answer)
    told = [ip_address(str(each.rdata)) for each in record.rr]
    assert told == addresses[: len(told)]
    assert bool(record.header.tc) == (len(told) < len(addresses))
    assert record.q == DNSQuestion(DNSLabel("Web.Backend"), QTYPE.ANY)
    assert [each.rtype for each in record.ar] == ([QTYPE.OPT] if room is not None else [])
    if record.header.tc:
        assert len(answer) + 28 > (65_535 if tcp else min(1232, max(512, room or 0)))


def test_the_name_in_an_answer_is_written_as_it_was_asked() -> None:
    assert b"\x03wEB" in reply(read(packet("wEB")), questions.NOERROR, [ip_address("10.0.0.1")])


def test_an_answer_of_others_gets_the_askers_id_and_is_cut_where_it_is_too_long() -> None:
    question = read(packet("example.com", "TXT", id=0xABCD))
    long = DNSRecord(DNSHeader(id=1, qr=1), q=DNSQuestion("example.com", QTYPE.TXT))
    long.add_answer(*(RR("example.com", QTYPE.TXT, rdata=TXT("x" * 200)) for _ in range(4)))
    whole = questions.fits(question, bytes(long.pack()), tcp=True)
    assert whole[2:] == bytes(long.pack())[2:]
    cut = DNSRecord.parse(questions.fits(question, bytes(long.pack()), tcp=False))
    assert (cut.header.id, cut.header.tc, cut.rr, str(cut.q.qname)) == (0xABCD, 1, [], "example.com.")


def answers(question: Question, id: int = 1, name: str = "example.com", type: str = "A", qr: int = 1) -> bool:
    answer = DNSRecord(DNSHeader(id=id, qr=qr), q=DNSQuestion(name, getattr(QTYPE, type)))
    return questions.is_answer(question, 1, bytes(answer.pack()))


def test_only_an_answer_to_the_same_question_with_the_same_id_counts() -> None:
    question = read(packet("example.com"))
    assert answers(question)
    assert answers(question, name="EXAMPLE.com")
    assert not answers(question, id=2)
    assert not answers(question, name="example.net")
    assert not answers(question, type="AAAA")
    assert not answers(question, qr=0)
    assert not questions.is_answer(question, 1, b"")


@given(st.binary(max_size=300))
def test_no_bytes_of_another_server_are_more_than_words(data: bytes) -> None:
    question = read(packet())
    questions.is_answer(question, 1, data)
    if len(data) >= 12:
        assert words(data)


def test_an_answer_in_words() -> None:
    question = read(packet())
    found = [IPv4Address("10.88.0.2"), IPv6Address("fd00::2")]
    assert words(reply(question, questions.NOERROR, found)) == "10.88.0.2, fd00::2"
    assert words(reply(question, questions.NOERROR)) == "nothing of this type"
    assert words(reply(question, questions.NXDOMAIN)) == "NXDOMAIN"
    many = reply(question, questions.NOERROR, [ip_address(f"10.88.0.{last}") for last in range(60)])
    assert words(many) == ", ".join([*(f"10.88.0.{last}" for last in range(16)), "truncated"])
    assert words(many[:60]) == "10.88.0.0, 10.88.0.1, truncated"
    assert words(reply(question, questions.NOERROR, name="web.backend")) == "web.backend"
    mail = DNSRecord(DNSHeader(qr=1), q=DNSQuestion("example.com", QTYPE.MX))
    mail.add_answer(RR("example.com", QTYPE.MX, rdata=MX("mx.example.com", 10)))
    mail.add_ar(RR("mx.example.com", QTYPE.A, rdata=A("192.0.2.1")))
    assert words(bytes(mail.pack())) == "10 mx.example.com"


def test_a_chain_of_pointers_in_an_answer_is_no_way_to_keep_us_busy() -> None:
    header = struct.pack("!HHHHHH", 1, 0x8000, 0, 1, 0, 0)
    chain = b"".join(struct.pack("!H", 0xC000 | max(12, at - 2)) for at in range(12, 4_000, 2))
    assert words(header + chain) == "an answer that can't be read"


def test_types_without_a_name_have_their_number() -> None:
    assert questions.type_name(QTYPE.NS) == "NS"
    assert questions.type_name(64_999) == "TYPE64999"
