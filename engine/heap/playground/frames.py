"""Values between a playground's processes: `[u32 big-endian length][MessagePack]` on a socket that blocks.

Imports msgspec and the standard library.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

_HEADER = struct.Struct(">I")


def send(to: socket.socket, value: msgspec.Struct) -> None:
    payload = msgspec.msgpack.encode(value)
    to.sendall(_HEADER.pack(len(payload)) + payload)


def receive(of: socket.socket, type: Any) -> Any:
    """The next value; None: nobody is at the other end any more. Raises TimeoutError after the socket's timeout."""
    header = _exactly(of, _HEADER.size)
    payload = _exactly(of, _HEADER.unpack(header)[0]) if header else None
    return msgspec.msgpack.decode(payload, type=type) if payload else None


def _exactly(of: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        try:
            part = of.recv(size - len(data))
        except ConnectionError:
            return None
        if not part:
            return None
        data += part
    return bytes(data)
