"""Questions to our resolver as they come, and answers as they go: the wire of RFC 1035, EDNS of RFC 6891. Pure; imports
dnslib.

A question comes from a program that nobody trusts. Its fixed parts and the bounds of its name are looked at before
anything is made of it; what is not one whole question of at most `LONGEST` bytes is refused at once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from dnslib import AAAA, CLASS, EDNS0, PTR, QTYPE, RCODE, RR, A, DNSHeader, DNSQuestion, DNSRecord  # type: ignore[import-untyped]
from dnslib.label import DNSBuffer, DNSLabel  # type: ignore[import-untyped]

from engine.network.model import Address

LONGEST = 4096  # bytes of a question: more than any real one has
SMALL, LARGE = 512, 1232  # bytes of an answer by UDP: without EDNS, and the most that we send (dnsflagday.net/2020)
LARGEST = 65_535  # bytes of any message
MOST_WORDS, LONGEST_WORDS = 16, 512  # records of an answer that are told, and characters
HEADER = struct.Struct("!HHHHHH")
_EDNS = struct.Struct("!BHHBBHH")  # root, type, size, extended code, version, flags, length of options
_QR, _OPCODE, _TC, _RD = 0x8000, 0x7800, 0x0200, 0x0100
_OPT, _ANY, _IN = QTYPE.OPT, QTYPE.ANY, CLASS.IN
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
_HINTS = {A: 16, AAAA: 28}  # bytes of a record, its name being a pointer


class Malformed(Exception):
    """This is no question. `reply`: what is said to it; None: nothing at all."""

    def __init__(self, reply: bytes | None) -> None:
        super().__init__()
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how. `name`: lower case, without the dot at its end; `labels`: its parts; `end`: where it ends
    in `packet`; `room`: bytes that an answer by UDP may have."""

    packet: bytes
    id: int
    flags: int
    name: str
    labels: tuple[bytes, ...]  # as they were written
    type: int
    end: int
    room: int
    edns: bool

    @property
    def kind(self) -> str:
        """The type in words."""
        return type_name(self.type)

    @property
    def plain(self) -> bool:
        """Whether it asks for addresses of a name without a dot."""
        return len(self.labels) == 1 and self.type in (QTYPE.A, QTYPE.AAAA)


def read(packet: bytes) -> Question:
    """The question. Raises Malformed."""
    if len(packet) < HEADER.size or packet[2] & 0x80:  # an answer: never answer it
        raise Malformed(None)
    id, flags, questions, answers, authorities, additional = HEADER.unpack_from(packet)
    if flags & _OPCODE:
        raise Malformed(_refusal(packet, NOTIMP))
    if questions != 1 or answers or authorities or len(packet) > LONGEST:
        raise Malformed(_refusal(packet, FORMERR))
    try:
        labels, at = _labels(packet)
        type, class_ = struct.unpack_from("!HH", packet, at)
        name = b".".join(labels).decode("ascii", "backslashreplace").lower()
        room, version = _edns(packet, at + 4) if additional else (None, 0)
    except (IndexError, ValueError, struct.error):
        raise Malformed(_refusal(packet, FORMERR)) from None
    edns = room is not None
    question = Question(packet, id, flags, name, labels, type, at + 4, max(SMALL, room or SMALL), edns)
    if version:
        raise Malformed(reply(question, BADVERS))
    if class_ != _IN:
        raise Malformed(reply(question, REFUSED))
    return question


def reply(
    question: Question, code: int, addresses: Sequence[Address] = (), name: str = "", *, tcp: bool = False
) -> bytes:
    """Our own answer: addresses, or a name where one was asked for. Where they don't all fit, TC says so."""
    label = DNSLabel(question.labels)
    header = DNSHeader(id=question.id, qr=1, aa=int(code in (NOERROR, NXDOMAIN)), rd=int(bool(question.flags & _RD)))
    header.ra, header.rcode = int(code != REFUSED), code & 0xF
    record = DNSRecord(header, q=DNSQuestion(label, question.type))
    if question.edns:
        record.add_ar(EDNS0(udp_len=LARGE, ext_rcode=code >> 4))
    room = LARGEST if tcp else min(question.room, LARGE)
    room -= question.end + (11 if question.edns else 0)
    for address in addresses:
        data = A(str(address)) if isinstance(address, IPv4Address) else AAAA(str(address))
        room -= _HINTS[type(data)]
        if room < 0:
            header.tc = 1
            break
        record.add_answer(RR(label, QTYPE.A if isinstance(address, IPv4Address) else QTYPE.AAAA, rdata=data))
    if name:
        record.add_answer(RR(label, QTYPE.PTR, rdata=PTR(name)))
    return bytes(record.pack())


def fits(question: Question, answer: bytes, *, tcp: bool) -> bytes:
    """Another server's answer, with the asker's id; cut down to its question where it is too long for UDP."""
    if not tcp and len(answer) > question.room:
        answer = HEADER.pack(0, (struct.unpack_from("!H", answer, 2)[0]) | _TC, 1, 0, 0, 0) + answer[12 : question.end]
    return question.packet[:2] + answer[2:]


def is_answer(question: Question, id: int, answer: bytes) -> bool:
    """Whether this is an answer to the question that went out as `id`."""
    if len(answer) < question.end or not answer[2] & 0x80 or int.from_bytes(answer[:2]) != id:
        return False
    name = slice(HEADER.size, question.end - 4)
    return (
        answer[4:6] == b"\0\1"
        and answer[name].lower() == question.packet[name].lower()
        and answer[name.stop : question.end] == question.packet[name.stop : question.end]
    )


def code_of(answer: bytes) -> int:
    """RCODE of a message."""
    return answer[3] & 0xF


def is_truncated(answer: bytes) -> bool:
    """Whether there is more by TCP."""
    return bool(answer[2] & _TC >> 8)


def words(answer: bytes) -> str:
    """What an answer says, for people: addresses and names, or the code: "10.88.0.2, 10.88.0.3", "NXDOMAIN". It may be
    cut off: then what there is of it."""
    if code := code_of(answer):
        return str(RCODE.get(code, f"code {code}"))
    told: list[str] = []
    with suppress(Exception):  # dnslib meets a stranger's bytes: whatever it finds wrong, no more can be read
        buffer = DNSBuffer(answer)
        header = DNSHeader.parse(buffer)
        for _ in range(header.q):
            DNSQuestion.parse(buffer)
        for _ in range(min(header.a, MOST_WORDS)):
            record = RR.parse(buffer)
            if record.rtype != QTYPE.RRSIG:
                told.append(str(record.rdata).rstrip("."))
        if not header.a:
            told = ["nothing of this type"]
    if is_truncated(answer):
        told.append("truncated")
    return ", ".join(told)[:LONGEST_WORDS] or "an answer that can't be read"


def type_name(number: int) -> str:
    """A, AAAA …; TYPE300 for what has no name (RFC 3597)."""
    name = str(QTYPE.get(number))
    return f"TYPE{number}" if name == str(number) else name


def _labels(packet: bytes) -> tuple[tuple[bytes, ...], int]:
    """The parts of the name at the beginning of a question, and where it ends. A question has no pointers. Raises
    IndexError and ValueError."""
    labels, at = [], HEADER.size
    while length := packet[at]:
        if length > 63 or at + length - HEADER.size > 253:  # 255 with its length and the end
            raise ValueError
        labels.append(packet[at + 1 : at + 1 + length])
        at += 1 + length
    return tuple(labels), at + 1


def _edns(packet: bytes, at: int) -> tuple[int | None, int]:
    """Bytes that an answer may have, and the version; None: the first further record is not EDNS. Raises
    struct.error."""
    root, type, size, _, version, _, _ = _EDNS.unpack_from(packet, at)
    return (None, 0) if root or type != _OPT else (size, version)


def _refusal(packet: bytes, code: int) -> bytes:
    """To what has no question that could be repeated."""
    id, flags = struct.unpack_from("!HH", packet)
    return HEADER.pack(id, _QR | flags & (_OPCODE | _RD) | code, 0, 0, 0, 0)
