"""Sockets towards containers that have the caller's address, as if there were nobody in between. Standard library only.

`callers` beside this package sets up the home namespace for it: answers to what is sent with `MARK` come back to us,
whosever address it is (the kernel's Documentation/networking/tproxy.rst).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

MARK = 0x68656C  # of what we send (SO_MARK)
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # include/uapi/linux/in.h, in6.h
IP_BIND_ADDRESS_NO_PORT = 24


@dataclass(frozen=True)
class Target:
    """A port of a container. `as_caller`: whether it shall see who called, rather than its bridge's address."""

    address: str
    port: int
    as_caller: bool

    def connect(self, kind: int, caller: str) -> socket.socket:
        """A socket (SOCK_STREAM, SOCK_DGRAM) that is connected to it, or about to be. Raises OSError."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        made = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            if self.as_caller and not _is_local(caller):
                with suppress(OSError):  # then it sees the bridge's address after all
                    _impersonate(made, caller)
            with suppress(BlockingIOError):
                made.connect((self.address, self.port))
        except BaseException:
            made.close()
            raise
        return made


def _is_local(address: str) -> bool:
    """Whether it means something else to a container: loopback, link-local."""
    return address.startswith(("127.", "fe80:")) or address == "::1"


def _impersonate(made: socket.socket, caller: str) -> None:
    if made.family == socket.AF_INET:
        made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    else:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    made.bind((caller, 0))
