"""Frames on the wire: `[u32 big-endian length][JSON]`. Owns limits, encoding and decoding; does no I/O itself.

Both ends feed what they read into a `FrameReader` and decode the payloads that come out. Requests are small and come
from people we don't trust; replies carry logs and whole screens, so the two directions have different limits.

Imports msgspec and the standard library only, like `messages`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TypeVar

import msgspec

from engine.protocol.messages import (
    AnyReply,
    AnyRequest,
    AnyStreamInput,
    ErrorCode,
    Input,
    Message,
    Reply,
)

MAX_REQUEST = 1 << 20  # bytes of JSON in one frame towards the engine
MAX_REPLY = 16 << 20  # bytes of JSON in one frame towards a client
MAX_INPUT = 64 << 10  # bytes of program input in one `Input`

_HEADER = struct.Struct(">I")
_ENCODER = msgspec.json.Encoder()
_T = TypeVar("_T")


class FrameError(Exception):
    """The bytes can't be a frame; the connection is of no use any more."""

    def __init__(self, code: ErrorCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class BadMessage(Exception):
    """A whole frame that is no message; the sentence says where and why. The connection can go on."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class FrameReader:
    """Cuts a stream of bytes, in whatever pieces it comes, into payloads of at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and is not whole yet (once `feed`'s payloads have all been taken)."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take `data` in; what is returned yields each payload that is whole now.

        Payloads that are not taken stay for the next call. Raises FrameError in place of an oversized frame.
        """
        self._buffer += data
        return self._payloads()

    def _payloads(self) -> Iterator[bytes]:
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > self._limit:
                raise FrameError(
                    ErrorCode.BAD_FRAME, f"A frame announces {length} bytes, but at most {self._limit} are allowed."
                )
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(memoryview(self._buffer)[_HEADER.size : end])
            del self._buffer[:end]
            yield payload


def encode(message: Message) -> bytes:
    """One message as a frame. Raises BadMessage when it has text that is no Unicode, or is too long for its way."""
    frame = bytearray(_HEADER.size)
    try:
        _ENCODER.encode_into(message, frame, _HEADER.size)
    except UnicodeEncodeError as error:
        raise BadMessage(
            f"{error.object!r} is not valid UTF-8 text, and a {_name(message)} message can carry nothing else."
        ) from None
    length, limit = len(frame) - _HEADER.size, MAX_REPLY if isinstance(message, Reply) else MAX_REQUEST
    if length > limit:
        raise BadMessage(f"A {_name(message)} message of {length} bytes is too long: at most {limit} are allowed.")
    _HEADER.pack_into(frame, 0, length)
    return bytes(frame)


def split(message: AnyStreamInput) -> Iterator[AnyStreamInput]:
    """The same message, an `Input` that is too long for one frame as several."""
    if not isinstance(message, Input) or len(message.data) <= MAX_INPUT:
        yield message
        return
    for start in range(0, len(message.data), MAX_INPUT):
        yield Input(data=message.data[start : start + MAX_INPUT])


def decode_request(payload: bytes) -> AnyRequest:
    """A request or stream request. Raises BadMessage."""
    return _decode(_REQUESTS, payload)


def decode_stream_input(payload: bytes) -> AnyStreamInput:
    """What a client sends within a stream. Raises BadMessage."""
    message = _decode(_STREAM_INPUTS, payload)
    if isinstance(message, Input) and len(message.data) > MAX_INPUT:
        raise BadMessage(f"Input of {len(message.data)} bytes is too long: send at most {MAX_INPUT} at a time.")
    return message


def decode_reply(payload: bytes) -> AnyReply:
    """Anything that the engine sends. Raises BadMessage."""
    return _decode(_REPLIES, payload)


# Built once: building one takes longer than decoding a thousand messages.
_REQUESTS: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_STREAM_INPUTS: msgspec.json.Decoder[AnyStreamInput] = msgspec.json.Decoder(AnyStreamInput)
_REPLIES: msgspec.json.Decoder[AnyReply] = msgspec.json.Decoder(AnyReply)


def _decode(decoder: msgspec.json.Decoder[_T], payload: bytes) -> _T:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise BadMessage(_sentence(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"The message is not JSON: {error}.") from None
    except RecursionError:
        raise BadMessage("The message is nested too deeply.") from None


def _sentence(reason: str) -> str:
    """msgspec's reason, `what - at `$.path``, with the place first."""
    unknown = re.fullmatch(r"Invalid value (.*) - at `\$\.type`", reason, re.DOTALL)
    if unknown:
        return f"{unknown[1]} is not the type of a message that is understood here."
    what, _, place = reason.partition(" - at ")
    return f"The message is wrong at {place or '`$`'}: {what[:1].lower()}{what[1:]}."


def _name(message: Message) -> str:
    return str(type(message).__struct_config__.tag)
