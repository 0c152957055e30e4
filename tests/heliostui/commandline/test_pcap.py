"""Frames of a pcap file as it comes in pieces."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from heliostui.commandline.pcap import Frames

ORDERS = st.sampled_from("<>")
MAGICS = st.sampled_from([0xA1B2C3D4, 0xA1B23C4D])


def header(order: str, magic: int) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, 1)


def record(order: str, data: bytes) -> bytes:
    return struct.pack(f"{order}IIII", 1, 2, len(data), len(data) + 5) + data


@given(ORDERS, MAGICS, st.lists(st.binary(max_size=60), max_size=20), st.integers(1, 50), st.integers(1, 25))
def test_whole_frames_pass_whatever_the_pieces_are(
    order: str, magic: int, datas: list[bytes], piece: int, most: int
) -> None:
    records = [record(order, data) for data in datas]
    file = header(order, magic) + b"".join(records)
    frames = Frames(most)
    passed = b"".join(frames.feed(file[start : start + piece]) for start in range(0, len(file), piece))
    assert passed == header(order, magic) + b"".join(records[:most])
    assert (frames.number, frames.size) == (min(len(datas), most), len(passed))
    assert frames.enough == (len(datas) >= most)


def test_what_is_cut_off_at_the_end_is_not_passed_on() -> None:
    frames = Frames()
    assert frames.feed(header("<", 0xA1B2C3D4)[:20]) == b""
    frames.feed(header("<", 0xA1B2C3D4)[20:] + record("<", b"whole"))
    assert frames.feed(record("<", b"not whole")[:-1]) == b""
    assert frames.number == 1
