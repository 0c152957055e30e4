"""Frames of a pcap file as it comes in, cut where one ends (draft-ietf-opsawg-pcap). Standard library only."""

from __future__ import annotations

import struct

HEADER = 24  # bytes of the file's
RECORD = 16  # of each frame's: two words of time, bytes that follow, bytes there were
_LITTLE = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")  # magic numbers, of microseconds and nanoseconds


class Frames:
    """Passes the file's header on and whole frames, `most` of them. `number` and `size` (bytes): what was passed on."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._waiting = bytearray()
        self._length: struct.Struct | None = None  # reads how long a frame is, once the header was there
        self.number = 0
        self.size = 0

    @property
    def enough(self) -> bool:
        """As many as were wanted."""
        return self._most is not None and self.number >= self._most

    def feed(self, data: bytes) -> bytes:
        """What can be passed on, now that these bytes have come."""
        self._waiting += data
        end = 0
        if self._length is None:
            if len(self._waiting) < HEADER:
                return b""
            self._length = struct.Struct("<I" if bytes(self._waiting[:4]) in _LITTLE else ">I")
            end = HEADER
        while not self.enough and len(self._waiting) >= end + RECORD:
            (length,) = self._length.unpack_from(self._waiting, end + 8)
            if len(self._waiting) < end + RECORD + length:
                break
            end += RECORD + length
            self.number += 1
        passed = bytes(self._waiting[:end])
        del self._waiting[:end]
        self.size += len(passed)
        return passed
