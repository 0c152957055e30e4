"""A directory for each connection to another machine: its sockets live there. Imports the standard library only.

They are in `hosts/` of the runtime directory, 0700, each locked (flock(2)) by the process that uses it. Whoever
takes one removes those that nobody locks any more: what a killed process left behind.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from engine.client.directories import make_runtime
from engine.client.errors import EngineUnreachable

LOCK = "lock"
LONGEST = 107  # bytes of a socket's path: sun_path of unix(7), without its final zero
SOCKET = "/123456/c.1234567890123456"  # ssh's own in a room, under the name that it has at first


class Room:
    """A directory that is ours until `leave`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    def leave(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def take(runtime: Path) -> Room:
    """A new directory below `runtime`, which is made when there is none. Raises EngineUnreachable."""
    rooms = runtime / "hosts"
    if (length := len(os.fsencode(rooms)) + len(SOCKET)) > LONGEST:
        raise EngineUnreachable(
            f"The sockets of ssh would have paths of {length} bytes below {rooms}, and the kernel allows {LONGEST}; "
            "choose a shorter directory with HELIOSTUI_RUNTIME."
        )
    make_runtime(runtime)
    try:
        rooms.mkdir(mode=0o700, exist_ok=True)
        door = os.open(rooms, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(door, fcntl.LOCK_EX)  # between making a room and locking it nobody looks
            _clear(rooms)
            path = rooms / secrets.token_hex(3)
            path.mkdir(mode=0o700)
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            os.close(door)
    except OSError as error:
        raise EngineUnreachable(f"The directory {rooms} can't be used: {error.strerror}.") from None
    return Room(path, lock)


def _clear(rooms: Path) -> None:
    for room in rooms.iterdir():
        with suppress(FileNotFoundError):
            try:
                lock = os.open(room / LOCK, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:  # whoever made it was killed before it was locked
                shutil.rmtree(room, ignore_errors=True)
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(room, ignore_errors=True)
            except BlockingIOError:
                pass  # it is used
            finally:
                os.close(lock)
