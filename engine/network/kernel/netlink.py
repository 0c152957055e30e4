"""netlink(7): one socket to the kernel, batches of requests, dumps. But for our errors standard library only.

We have a small encoder of our own because a library's import costs more memory than the rest of the engine has, and
because a batch of requests in one send is several times faster than one after the other. What the messages of
rtnetlink(7) contain is in `rtnetlink`. Everything here blocks for as long as the kernel takes, which answers a request
before `send` returns: no answer is ever waited for.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from struct import Struct
from time import monotonic_ns
from types import TracebackType

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import current

HEADER = Struct("=LHHLL")  # struct nlmsghdr: length, type, flags, sequence number, port
ATTRIBUTE = Struct("=HH")  # struct nlattr: length, type
NUMBER = Struct("=L")
ERROR = Struct("=i")  # the first field of struct nlmsgerr and of NLMSG_DONE

NESTED = 0x8000  # NLA_F_NESTED
TYPE_MASK = 0x3FFF  # NLA_TYPE_MASK

_AT_ONCE = 64  # requests per send: their answers must all fit into the receive buffer
_BUFFER = 64 * 1024  # bytes per recv; a dump's part is 32 KiB at most, but one message may be longer
_TRIES = 20  # of a dump during which something changed
_LACK_OF_RIGHTS_OR_KERNEL = {errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


class NLM_F(IntFlag):
    """Flags of a request, include/uapi/linux/netlink.h."""

    REQUEST = 0x1
    ACK = 0x4
    DUMP_INTR = 0x10
    CAPPED = 0x100
    ACK_TLVS = 0x200
    REPLACE = 0x100
    DUMP = 0x300
    EXCL = 0x200
    CREATE = 0x400


class NLMSG(IntEnum):
    """Types that every netlink family has."""

    ERROR = 2
    DONE = 3


class SOL(IntEnum):
    """setsockopt(2) of netlink(7)."""

    NETLINK = 270
    CAP_ACK = 10
    EXT_ACK = 11
    GET_STRICT_CHK = 12


class Refused(EngineError):
    """The kernel's answer to one request. `errno`: which; `why`: its own words where it gave any."""

    def __init__(self, what: str, number: int, why: str = "") -> None:
        code = ErrorCode.UNSUPPORTED if number in _LACK_OF_RIGHTS_OR_KERNEL else ErrorCode.LAUNCH_FAILED
        reason = f"{os.strerror(number)} ({why})" if why else os.strerror(number)
        super().__init__(code, f"Can't {what}: {reason}.")
        self.errno = number
        self.why = why


@dataclass(frozen=True)
class Request:
    """One message: `body` is the family's header and the attributes; `what` says for people what it does: "make …"."""

    type: int
    body: bytes
    what: str
    flags: int = 0


def attribute(type: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = 4 + len(payload)
    return ATTRIBUTE.pack(length, type) + payload + b"\0" * (-length & 3)


def nested(type: int, *attributes: bytes) -> bytes:
    """An attribute of attributes."""
    return attribute(type | NESTED, b"".join(attributes))


def number(type: int, value: int) -> bytes:
    """An attribute of 32 bits."""
    return attribute(type, NUMBER.pack(value))


def text(type: int, value: str) -> bytes:
    """An attribute of text, ended by a zero byte."""
    return attribute(type, value.encode() + b"\0")


def attributes(message: bytes, start: int = 0) -> dict[int, bytes]:
    """The attributes from `start` to the end, by type; of several of one type the last. What is cut short is
    left out."""
    found = {}
    end = len(message)
    while start + 4 <= end:
        length, type = ATTRIBUTE.unpack_from(message, start)
        if length < 4 or start + length > end:
            break
        found[type & TYPE_MASK] = message[start + 4 : start + length]
        start += (length + 3) & ~3
    return found


class Netlink:
    """A socket of a family, rtnetlink's where none is named, in the network namespace that the calling thread is in
    (and stays in it)."""

    def __init__(self, family: int = socket.NETLINK_ROUTE) -> None:
        self._sequence = 0
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
        except OSError as error:
            raise Refused("open a netlink socket", error.errno or 0) from None
        for option in (SOL.CAP_ACK, SOL.EXT_ACK, SOL.GET_STRICT_CHK):
            try:
                self._socket.setsockopt(SOL.NETLINK, option, 1)
            except OSError:
                continue  # Linux before 4.20: errors without words, dumps that are filtered less
        self._socket.bind((0, 0))

    def __enter__(self) -> Netlink:
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def do(self, *requests: Request) -> None:
        """Make all of them in their order. Raises `Refused` for the first that fails; those after it were tried too."""
        for refused in self.tried(requests):
            if refused is not None:
                raise refused

    def tried(self, requests: Sequence[Request]) -> list[Refused | None]:
        """Make all of them in their order, whatever comes of the others. What came of each; None: it is done."""
        outcomes: list[Refused | None] = []
        for first in range(0, len(requests), _AT_ONCE):
            outcomes += self._send(requests[first : first + _AT_ONCE])
        return outcomes

    def dump(self, type: int, body: bytes, what: str) -> list[bytes]:
        """All objects of a kind: the payloads of the answers. Asked again when they changed meanwhile."""
        for _ in range(_TRIES):
            messages = self._dump(Request(type, body, what, NLM_F.DUMP))
            if messages is not None:
                return messages
        raise Refused(what, errno.EINTR, "it changes all the time")

    def get(self, request: Request) -> bytes:
        """One object: the payload of the answer."""
        first = self._write([request], NLM_F.REQUEST)
        for type, flags, sequence, payload in self._answers(request.what):
            if sequence == first and type == NLMSG.ERROR:
                raise _refused(request, type, payload, flags) or Refused(request.what, errno.ENODATA)
            if sequence == first:
                return payload
        raise AssertionError("the kernel answers, or recv raises")

    def _write(self, requests: Sequence[Request], flags: NLM_F) -> int:
        """Send them as one; the first one's sequence number."""
        first = self._sequence + 1
        parts = []
        for request in requests:
            self._sequence = (self._sequence + 1) & 0xFFFFFFFF
            length = HEADER.size + len(request.body)
            parts.append(HEADER.pack(length, request.type, flags | request.flags, self._sequence, 0))
            parts.append(request.body)
            parts.append(b"\0" * (-length & 3))
        try:
            self._socket.send(b"".join(parts))
        except OSError as error:
            raise Refused(requests[0].what, error.errno or 0) from None
        return first

    def _send(self, requests: Sequence[Request]) -> list[Refused | None]:
        begun = monotonic_ns()
        first = self._write(requests, NLM_F.REQUEST | NLM_F.ACK)
        outcomes: dict[int, Refused | None] = {}
        for type, flags, sequence, payload in self._answers(requests[0].what):
            if type == NLMSG.ERROR and first <= sequence < first + len(requests):
                outcomes[sequence - first] = _refused(requests[sequence - first], type, payload, flags)
                if len(outcomes) == len(requests):
                    break
        answers = [outcomes[i] for i in range(len(requests))]
        if (recorder := current()) is not None:  # one send, one step
            recorder.note(_name(requests[0]), _said(requests), begun, next(filter(None, answers), None))
        return answers

    def _dump(self, request: Request) -> list[bytes] | None:
        """None: something changed in the middle (NLM_F_DUMP_INTR)."""
        first = self._write([request], NLM_F.REQUEST)
        messages, torn = [], False
        for type, flags, sequence, payload in self._answers(request.what):
            if sequence != first:
                continue
            torn = torn or bool(flags & NLM_F.DUMP_INTR)
            if type in (NLMSG.DONE, NLMSG.ERROR):
                if (refused := _refused(request, type, payload, flags)) is not None:
                    raise refused
                break
            messages.append(payload)
        return None if torn else messages

    def _answers(self, what: str) -> Iterator[tuple[int, int, int, bytes]]:
        """Type, flags, sequence number and payload of all messages that are there; raises when there are no more."""
        while True:
            try:
                part = self._socket.recv(_BUFFER, socket.MSG_DONTWAIT)
            except OSError as error:
                raise Refused(what, error.errno or 0, "its answer is lost") from None
            at = 0
            while at + HEADER.size <= len(part):
                length, type, flags, sequence, _ = HEADER.unpack_from(part, at)
                if not HEADER.size <= length <= len(part) - at:
                    raise Refused(what, errno.EMSGSIZE, "its answer is cut short")
                yield type, flags, sequence, part[at + HEADER.size : at + length]
                at += (length + 3) & ~3


def _name(request: Request) -> str:
    """`RTM_NEWLINK`; the number of a type without a name."""
    kind = request.type
    return f"{type(kind).__name__}_{kind.name}" if isinstance(kind, IntEnum) else f"netlink message {kind}"


def _said(requests: Sequence[Request]) -> tuple[str, ...]:
    """What they do; one of another type than the one before with its type's name."""
    before = [requests[0], *requests]
    return tuple(
        each.what if each.type == last.type else f"{_name(each)} {each.what}"
        for last, each in zip(before, requests, strict=False)
    )


def _refused(request: Request, type: int, payload: bytes, flags: int) -> Refused | None:
    """What an NLMSG_ERROR or NLMSG_DONE says; None: all is well."""
    (result,) = ERROR.unpack_from(payload) if len(payload) >= ERROR.size else (0,)
    if result == 0:
        return None
    return Refused(request.what, -result, _words(type, payload, flags))


def _words(type: int, payload: bytes, flags: int) -> str:
    """The kernel's own sentence (NLMSGERR_ATTR_MSG); an error repeats the request, or its header only, before it."""
    if not flags & NLM_F.ACK_TLVS:
        return ""
    at = ERROR.size
    if type == NLMSG.ERROR:
        (length,) = NUMBER.unpack_from(payload, at)
        at += HEADER.size if flags & NLM_F.CAPPED else (length + 3) & ~3
    return attributes(payload, at).get(1, b"").rstrip(b"\0").decode("utf-8", "replace")
