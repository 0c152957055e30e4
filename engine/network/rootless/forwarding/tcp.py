"""TCP: a listening socket of the host, and each connection with its other half. Standard library only."""

from __future__ import annotations

import errno
import socket
import struct

from engine.network.rootless.forwarding.loop import READ, WRITE, Loop, is_starving
from engine.network.rootless.forwarding.transparent import Target

AT_ONCE = 64  # connections accepted before others have their turn
CHUNK = 256 * 1024  # bytes that a connection has under way in each direction at most
RESET = struct.pack("=ii", 1, 0)  # struct linger: close with a reset
_buffer = bytearray(CHUNK)  # one thread: what is read is written before anything else is read


class Listener:
    """Accepts what comes for one published port."""

    def __init__(self, loop: Loop, sock: socket.socket, target: Target) -> None:
        self._loop = loop
        self._socket = sock
        self.target = target
        loop.watch(sock, self._accept)

    def close(self) -> None:
        """Accept no more. Connections go on."""
        self._loop.drop(self._socket)

    def _accept(self, _events: int) -> None:
        for _ in range(AT_ONCE):
            try:
                client, caller = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if is_starving(error):
                    self._loop.starve(self._socket)
                    return
                continue  # it has gone already (accept(2))
            client.setblocking(False)
            try:
                container = self.target.connect(socket.SOCK_STREAM, caller[0])
            except OSError:
                _refuse(client)
                continue
            Connection(self._loop, client, container)


def _refuse(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()


class Half:
    """One direction: from `source` to `sink`, and what could not be written yet."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.waiting = b""
        self.at_end = False  # of source
        self.over = False  # and sink knows it

    def move(self) -> None:
        """As much as goes. Raises OSError where one of them is broken."""
        if self.waiting:
            self._write(self.waiting)
        if not self.waiting and not self.at_end:
            try:
                size = self.source.recv_into(_buffer)
            except BlockingIOError:
                return
            self.at_end = size == 0
            self._write(memoryview(_buffer)[:size])
        if self.at_end and not self.waiting and not self.over:
            self.over = True
            try:
                self.sink.shutdown(socket.SHUT_WR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:  # it has closed meanwhile
                    raise

    def _write(self, data: bytes | memoryview) -> None:
        try:
            sent = self.sink.send(data)
        except BlockingIOError:
            sent = 0
        self.waiting = bytes(data[sent:])


class Connection:
    """A client's connection and ours to the container, until both directions are over or one of them is broken."""

    def __init__(self, loop: Loop, client: socket.socket, container: socket.socket) -> None:
        self._loop = loop
        self._client, self._container = client, container
        self._there, self._back = Half(client, container), Half(container, client)
        for sock in (client, container):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        loop.watch(client, self._happened, 0)
        loop.watch(container, self._connected, WRITE)

    def _connected(self, _events: int) -> None:
        if self._container.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._break()
            return
        self._loop.watch(self._container, self._happened, self._wanted(self._container))
        self._happened(0)

    def _happened(self, _events: int) -> None:
        try:
            self._there.move()
            self._back.move()
        except OSError:
            self._break()
            return
        if self._there.over and self._back.over:
            self._close()
            return
        for sock in (self._client, self._container):
            self._loop.want(sock, self._wanted(sock))

    def _wanted(self, sock: socket.socket) -> int:
        events = 0
        for half in (self._there, self._back):
            if half.source is sock and not half.at_end and not half.waiting:
                events |= READ
            if half.sink is sock and half.waiting:
                events |= WRITE
        return events

    def _break(self) -> None:
        """Both sides shall know that it did not end well."""
        for sock in (self._client, self._container):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._close()

    def _close(self) -> None:
        self._loop.drop(self._client)
        self._loop.drop(self._container)
