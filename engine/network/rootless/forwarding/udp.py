"""UDP: a bound socket of the host, and for each caller a flow with a socket of its own towards the container.

A flow ends after `IDLE` seconds without a datagram, and the one that was idle longest ends when there are too many.
Standard library only.
"""

from __future__ import annotations

import socket
import struct
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from engine.network.rootless.forwarding.loop import Loop, is_starving, now
from engine.network.rootless.forwarding.transparent import Target

IDLE = 120.0  # seconds: as long as the kernel keeps a stream of datagrams (nf_conntrack_udp_timeout_stream)
FLOWS = 1024  # at one port
AT_ONCE = 64  # datagrams before others have their turn
LARGEST = 65536  # bytes
PKTINFO4 = struct.Struct("=i4s4s")  # struct in_pktinfo: interface, address to send from, address sent to
PKTINFO6 = struct.Struct("=16si")  # struct in6_pktinfo: address, interface
IP_PKTINFO = 8  # include/uapi/linux/in.h

Caller = tuple[Any, ...]  # an address as the socket module has it


class Flow:
    """The datagrams of one caller to one address of the host."""

    def __init__(self, sock: socket.socket, caller: Caller, ancillary: tuple[int, int, bytes]) -> None:
        self.socket, self.caller, self.ancillary = sock, caller, ancillary
        self.last = now()


class Datagrams:
    """Takes what comes for one published port."""

    def __init__(self, loop: Loop, sock: socket.socket, target: Target) -> None:
        self._loop = loop
        self._socket = sock
        self.target = target
        self._flows: OrderedDict[tuple[Caller, bytes], Flow] = OrderedDict()  # the one idle longest first
        self._is_4 = sock.family == socket.AF_INET
        if self._is_4:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        loop.watch(sock, self._take)

    def close(self) -> None:
        """Take no more, and forget who called."""
        self._loop.drop(self._socket)
        while self._flows:
            self._end(next(iter(self._flows)))

    def sweep(self) -> float | None:
        """End what has been idle for long; seconds until the next one may be."""
        while self._flows:
            key, flow = next(iter(self._flows.items()))
            left = flow.last + IDLE - now()
            if left > 0:
                return left
            self._end(key)
        return None

    def _end(self, key: tuple[Caller, bytes]) -> None:
        self._loop.drop(self._flows.pop(key).socket)

    def _take(self, _events: int) -> None:
        for _ in range(AT_ONCE):
            try:
                data, ancillary, _, caller = self._socket.recvmsg(LARGEST, socket.CMSG_SPACE(PKTINFO6.size))
            except BlockingIOError:
                return
            except OSError:
                continue  # an error of something sent before (udp(7))
            at = next((packed for _, kind, packed in ancillary if kind in (IP_PKTINFO, socket.IPV6_PKTINFO)), b"")
            with suppress(OSError):  # a datagram may get lost
                _send(self._flow(caller, at).socket, data)

    def _flow(self, caller: Caller, at: bytes) -> Flow:
        key = (caller, at)
        if (flow := self._flows.get(key)) is not None:
            self._flows.move_to_end(key)
            flow.last = now()
            return flow
        if len(self._flows) >= FLOWS:
            self._end(next(iter(self._flows)))
        try:
            made = self.target.connect(socket.SOCK_DGRAM, caller[0])
        except OSError as error:
            if is_starving(error) and self._flows:
                self._end(next(iter(self._flows)))
            raise
        flow = self._flows[key] = Flow(made, caller, self._from(at))
        self._loop.watch(made, lambda _: self._answer(key, flow))
        return flow

    def _from(self, at: bytes) -> tuple[int, int, bytes]:
        """What makes an answer come from the address that the caller has sent to."""
        if self._is_4:
            _, _, address = PKTINFO4.unpack(at)
            return socket.IPPROTO_IP, IP_PKTINFO, PKTINFO4.pack(0, address, bytes(4))
        address, interface = PKTINFO6.unpack(at)
        is_link_local = address[:2] == b"\xfe\x80"  # which is an address of just that interface
        return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, PKTINFO6.pack(address, interface if is_link_local else 0)

    def _answer(self, key: tuple[Caller, bytes], flow: Flow) -> None:
        for _ in range(AT_ONCE):
            try:
                data = flow.socket.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:  # nobody listens there now
                return
            flow.last = now()
            self._flows.move_to_end(key)
            with suppress(OSError):
                self._socket.sendmsg([data], [flow.ancillary], 0, flow.caller)


def _send(sock: socket.socket, data: bytes) -> None:
    """The refusal is of one sent before, and this one has not left (udp(7))."""
    try:
        sock.send(data)
    except ConnectionRefusedError:
        sock.send(data)
