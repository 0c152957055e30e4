"""What keeper and engine say to each other over a stream socket. Standard library only.

A frame is `[u32 header length][u32 blob length][JSON header][blob]` in host order, with descriptors attached to its
first byte (unix(7), SCM_RIGHTS); the header's `"fds"` says how many. The engine's frames have a `"do"`:

    launch        key, n, clone_flags, inputs, steps, cgroup, before, own_memory, tty, stdin; blob: the program's image;
                  fds: the program's own inputs
    spawn         key, n, command, env ("NAME=value"), workdir, columns, lines: a program of the host on a terminal
    resume        key: let a launch that is paused go on; one that shall not is killed by its pidfd
    forget        key: drop what is held of an ended process
    close_stdin   key
    ready         the engine listens
    shutdown      end the keeper; the engine ends itself

The keeper's have an `"is"`:

    hello         pid, executor: first of all
    held          key, pid, tty, status (wait status or null), names of the descriptors; fds: pidfd, then those
    all           that was all that is held
    paused        n, key, pid, at (see engine.sandbox.pause); fds: its pidfd. The launch waits for `resume`
    launched      n, key, pid, failed, executor, finished (CLOCK_MONOTONIC, ns), error; blob: the receipt; fds as `held`
    spawned       n, key, error (null, or half a sentence), code; else as `held`
    ended         key, status
    terminate     somebody asked the keeper to end: stop all containers, then say shutdown
"""

from __future__ import annotations

import array
import errno
import json
import os
import socket
import struct
from collections import deque
from typing import Any

SIZES = struct.Struct("=II")
FOR_NETWORKS = "network/"  # how the keys of programs begin that serve containers: no keeper stays for them alone
MOST_DESCRIPTORS = 253  # in one frame: SCM_MAX_FD of the kernel (unix(7))
CHUNK = 256 * 1024

Frame = tuple[dict[str, Any], bytes, list[int]]


def encode(header: dict[str, Any], blob: bytes = b"", fds: int = 0) -> bytes:
    """A frame but for its descriptors, of which there are `fds`."""
    text = json.dumps({**header, "fds": fds}, separators=(",", ":")).encode()
    return SIZES.pack(len(text), len(blob)) + text + blob


class Assembler:
    """Puts frames together from what a stream socket gives, whatever the pieces."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._fds: deque[int] = deque()

    def feed(self, data: bytes, fds: list[int]) -> list[Frame]:
        """The frames that are complete now."""
        self._data += data
        self._fds.extend(fds)
        frames = []
        while len(self._data) >= SIZES.size:
            head, body = SIZES.unpack_from(self._data)
            end = SIZES.size + head + body
            if len(self._data) < end:
                break
            header = json.loads(self._data[SIZES.size : SIZES.size + head])
            blob = bytes(self._data[SIZES.size + head : end])
            frames.append((header, blob, [self._fds.popleft() for _ in range(header["fds"])]))
            del self._data[:end]
        return frames


def receive(sock: socket.socket) -> tuple[bytes, list[int]] | None:
    """What has arrived, with its descriptors (close-on-exec); None at the end. Raises BlockingIOError, and OSError
    (EMFILE) when some of the descriptors got lost because we have no room for more: then nothing is left in order."""
    space = socket.CMSG_SPACE(4 * MOST_DESCRIPTORS)
    data, ancillary, flags, _ = sock.recvmsg(CHUNK, space, socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    if flags & socket.MSG_CTRUNC:
        for fd in fds:
            os.close(fd)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return (data, list(fds)) if data else None


class Outbox:
    """Frames on their way out of a non-blocking socket; descriptors go with their frame's first byte."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._waiting: deque[tuple[bytes, list[int]]] = deque()

    def send(self, header: dict[str, Any], blob: bytes = b"", fds: list[int] | None = None) -> None:
        """Queue a frame and send what can be sent. The descriptors must stay open until `flush` returns True."""
        fds = fds or []
        self._waiting.append((encode(header, blob, len(fds)), fds))
        self.flush()

    def flush(self) -> bool:
        """Whether everything is out. Raises OSError (BrokenPipeError, …) when the peer is gone."""
        while self._waiting:
            data, fds = self._waiting[0]
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            try:
                sent = self._sock.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return False
            if sent < len(data):
                self._waiting[0] = (data[sent:], [])
            else:
                self._waiting.popleft()
        return True
