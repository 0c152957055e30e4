"""Listens on the engine's unix socket and gives each client a session of its own in one task group."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.daemon.admission import admit, viewers_gid
from engine.daemon.peer import credentials, group_name, role_of
from engine.daemon.service import Engine
from engine.daemon.session import Session
from engine.daemon.wire import DEFAULT_LIMITS, Limits, Wire
from engine.protocol.messages import Error, ErrorCode, Role
from engine.receipts.callers import Caller

log = logging.getLogger(__name__)

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, 0660 and of its directory's group; the group of viewers may use it as well.

    It is moved there once it listens, so that whoever sees it can connect. That replaces a socket left by an engine
    before: the keeper sees to it that we are the only one.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(str(new))
        os.chown(new, -1, path.parent.stat().st_gid)
        new.chmod(0o660)
        if (viewers := viewers_gid()) is not None:
            admit(path.parent, new, viewers)
        listener.listen(DEFAULT_LIMITS.connections)
        new.rename(path)
    except BaseException:
        listener.close()
        raise
    return listener


class Server:
    """Serves an engine's clients from `serve` until `engine.stopping` is set."""

    def __init__(self, engine: Engine, listener: socket.socket, limits: Limits = DEFAULT_LIMITS) -> None:
        self._engine = engine
        self._listener = listener
        self._limits = limits
        self._room = asyncio.Semaphore(limits.connections)
        self._viewers = 0
        self._sessions: dict[asyncio.Task[None], Session | None] = {}
        self._gid = engine.places.socket.stat().st_gid
        self._group = group_name(self._gid)

    async def serve(self) -> None:
        """Returns once everybody has been served or sent away."""
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(self._accept(group))
            try:
                await self._engine.stopping.wait()
            finally:
                accepting.cancel()
                await asyncio.wait({accepting})
                # Before anybody is sent away: who comes again then finds no engine, and starts another.
                self._engine.places.socket.unlink(missing_ok=True)
                self._listener.close()
            await self._finish()

    async def _accept(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self._room.acquire()
            connection = await self._next_client()
            task = group.create_task(self._attend(connection))
            self._sessions[task] = None
            task.add_done_callback(self._gone)

    async def _next_client(self) -> socket.socket:
        while True:
            try:
                connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            except OSError as error:
                if error.errno not in _SHORTAGES:
                    continue  # that client has gone already (accept(2) reports its errors)
                log.warning("no client can be let in: %s", error.strerror)
                await asyncio.sleep(1)  # nothing tells when the machine has descriptors or memory again
            else:
                return connection

    def _gone(self, task: asyncio.Task[None]) -> None:
        del self._sessions[task]
        self._room.release()

    async def _attend(self, connection: socket.socket) -> None:
        """One client from its first byte to its last; whatever happens here ends here."""
        try:
            peer = credentials(connection)
            role = role_of(peer, os.geteuid(), self._gid, self._group)
            caller = Caller(peer.uid, peer.pid)
            with self._counted(role):
                wire = Wire(connection, self._limits)
                if self._viewers > self._limits.viewers:
                    await _send_away(wire)
                    return
                session = Session(wire, role, self._engine, caller)
                task = asyncio.current_task()
                assert task is not None
                self._sessions[task] = session
                await session.run()
        except Exception:
            log.exception("a session failed")
            connection.close()

    @contextmanager
    def _counted(self, role: Role) -> Iterator[None]:
        """However many viewers come, there is room for who operates."""
        viewer = role is Role.VIEWER
        self._viewers += viewer
        try:
            yield
        finally:
            self._viewers -= viewer

    async def _finish(self) -> None:
        """Let what is under way come to its end, for a moment; then cut it off."""
        for session in tuple(self._sessions.values()):
            if session is not None:
                session.finish()
        if self._sessions:
            await asyncio.wait(tuple(self._sessions), timeout=self._limits.farewell)
        for task in tuple(self._sessions):
            task.cancel()


async def _send_away(wire: Wire) -> None:
    sentence = "Too many watch this engine already; come again later."
    with suppress(ConnectionError):
        await wire.send(Error(code=ErrorCode.FORBIDDEN, message=sentence))
    wire.close()
