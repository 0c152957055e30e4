"""Letting the kernel drop what some addresses send to a socket of ours, before it takes the place of what others send:
a classic filter of BPF (socket(7), SO_ATTACH_FILTER). Standard library only.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterable
from ipaddress import ip_address

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
_NETWORK_HEADER = 0xFFF00000  # SKF_NET_OFF, linux/filter.h: offsets count from the IP header
_SOURCE = {4: 12, 6: 8}  # where the source address stands in it
_INSTRUCTION = struct.Struct("=HBBI")  # sock_filter
MOST = 64  # addresses of one filter


def mute(deaf: socket.socket, addresses: Iterable[str]) -> None:
    """Drop what comes from these addresses, those of another family excepted; none: hear everybody again. OSError."""
    family = 6 if deaf.family == socket.AF_INET6 else 4
    sources = [ip_address(address.partition("%")[0]) for address in addresses]
    program = b"".join(_drop(source.packed) for source in sources[:MOST] if source.version == family)
    if not program:
        deaf.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        return
    program += _INSTRUCTION.pack(_RETURN, 0, 0, 0xFFFFFFFF)
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(code))
    deaf.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)


def _drop(source: bytes) -> bytes:
    """Return 0, which is to keep nothing, if every word of the source address is this one's."""
    at = _SOURCE[4 if len(source) == 4 else 6]
    words = struct.unpack(f"!{len(source) // 4}I", source)
    code = []
    for number, word in enumerate(words):
        rest = (len(words) - number - 1) * 2 + 1  # instructions behind the comparison, to the end of this address
        code.append(_INSTRUCTION.pack(_LOAD, 0, 0, _NETWORK_HEADER + at + 4 * number))
        code.append(_INSTRUCTION.pack(_EQUAL, 0, rest, word))
    return b"".join([*code, _INSTRUCTION.pack(_RETURN, 0, 0, 0)])
