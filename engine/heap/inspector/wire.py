"""What the engine and the process that reads heaps say to each other: frames as `engine.protocol.framing` cuts them, a
question with a number, an answer or an error with the same number."""

from __future__ import annotations

import struct

import msgspec

from engine.protocol.heap import HeapBlock, HeapField, HeapView
from engine.protocol.messages import ErrorCode

MOST_QUESTION = 1 << 20  # bytes
MOST_ANSWER = 15 << 20  # it has to fit into a frame of the engine's own
READY = bytes(4)  # an empty frame, before the first answer
_HEADER = struct.Struct(">I")


class Process(msgspec.Struct, frozen=True, tag=True):
    """→ HeapProcess"""

    pid: int


class Report(msgspec.Struct, frozen=True, tag=True):
    """→ HeapReport"""

    pid: int


class Picture(msgspec.Struct, frozen=True, tag=True):
    """→ HeapMap"""

    pid: int
    view: HeapView


class FreeBlocks(msgspec.Struct, frozen=True, tag=True):
    """→ Listed"""

    pid: int
    bin: int | None
    skip: int
    limit: int


class Memory(msgspec.Struct, frozen=True, tag=True):
    """→ Bytes"""

    pid: int
    address: str
    size: int


class Listed(msgspec.Struct, frozen=True):
    """`count`: how many there are of all."""

    blocks: list[HeapBlock]
    count: int


class Bytes(msgspec.Struct, frozen=True):
    data: bytes
    fields: list[HeapField]


AnyQuestion = Process | Report | Picture | FreeBlocks | Memory


class Asked(msgspec.Struct, frozen=True):
    number: int
    question: AnyQuestion


class Failed(msgspec.Struct, frozen=True):
    code: ErrorCode
    sentence: str


class Answered(msgspec.Struct, frozen=True):
    """`answer`: what the question says, unless `failed`."""

    number: int
    answer: msgspec.Raw = msgspec.Raw(b"null")
    failed: Failed | None = None


def framed(message: msgspec.Struct) -> bytes:
    data = msgspec.json.encode(message)
    return _HEADER.pack(len(data)) + data
