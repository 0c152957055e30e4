"""The kernel drops what some addresses send, and nothing else."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

import pytest

from engine.network.names.muting import MOST, mute

SO_MEMINFO = 55  # include/uapi/asm-generic/socket.h


def heard(listening: socket.socket, *senders: str) -> list[str]:
    """Which of the addresses are heard that each send a datagram."""
    listening.setblocking(False)
    before = dropped(listening)
    for sender in senders:
        with socket.socket(listening.family, socket.SOCK_DGRAM) as sending:
            sending.bind((sender, 0))
            sending.sendto(sender.encode(), listening.getsockname()[:2])
    found: list[str] = []
    while len(found) + dropped(listening) - before < len(senders):
        with suppress(BlockingIOError):  # on its way
            found.append(listening.recv(100).decode())
    return found


def dropped(listening: socket.socket) -> int:
    """How many datagrams the kernel has taken for it and not put into its queue (sock(7), SK_MEMINFO_DROPS)."""
    return int(struct.unpack("9I", listening.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8])


@pytest.fixture(params=["127.0.0.1", "::1"])
def listening(request: pytest.FixtureRequest) -> socket.socket:
    address: str = request.param
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    return made


def test_who_is_muted_is_not_heard_until_everybody_is_again(listening: socket.socket) -> None:
    me = listening.getsockname()[0]
    with listening:
        assert heard(listening, me) == [me]
        mute(listening, [me])
        assert heard(listening, me) == []
        mute(listening, [])
        assert heard(listening, me) == [me]


def test_others_are_heard_meanwhile() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        mute(listening, ["127.0.0.2", "fd00::2", "127.0.0.4"])
        assert heard(listening, "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4") == ["127.0.0.1", "127.0.0.3"]


def test_an_address_that_differs_in_its_last_part_only_is_heard() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as listening:
        listening.bind(("::1", 0))
        mute(listening, ["::2", "1::1", "0:0:1::1"])
        assert heard(listening, "::1") == ["::1"]


def test_a_crowd_is_muted_as_far_as_a_filter_goes() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        mute(listening, [f"127.0.1.{last}" for last in range(200)])
        assert heard(listening, "127.0.1.1", f"127.0.1.{MOST}") == [f"127.0.1.{MOST}"]
