"""The pcap file format, with nanoseconds, as tcpdump, Wireshark and all that use libpcap read it. Pure.

Source: draft-ietf-opsawg-pcap, and LINKTYPE_LINUX_SLL2 at tcpdump.org/linktypes.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct

MAGIC = 0xA1B23C4D  # times have nanoseconds; written in this machine's byte order, by which readers know it
VERSION = (2, 4)
LONGEST = 262_144  # bytes of a frame that readers accept (MAXIMUM_SNAPLEN of libpcap)

FILE_HEADER = Struct("=IHHiIII")  # magic, version, two fields of no use, longest frame, link type
RECORD_HEADER = Struct("=IIII")  # seconds, nanoseconds, bytes kept, bytes on the wire
SLL2 = Struct("!H2xIHBB8s")  # protocol, interface, hardware type, packet type, address: its length and itself


class LinkType(IntEnum):
    """What each frame begins with."""

    ETHERNET = 1
    LINUX_SLL2 = 276  # of any kind of interface: a header of ours in place of theirs


def file_header(snaplen: int, link_type: LinkType) -> bytes:
    """What a file begins with."""
    return FILE_HEADER.pack(MAGIC, *VERSION, 0, 0, snaplen, link_type)
