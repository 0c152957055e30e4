"""Outside of the user namespace: the small process that starts a rootless keeper's programs of the host.

Such a keeper lives in a user and a mount namespace, where its user looks like root and mounts are its own. A shell on
the host must not: so before the keeper goes in it forks this process, which stays where the user is. It starts what
it is told to, reaps, and ends with the keeper, whose other end of the socket closes then. Standard library only.

The frames are those of `wire`; the keeper says in `"do"`, and is answered in `"is"`:

    spawn    n, terminal (a path), and what `spawn.spawn` takes    spawned   n, pid; or n, pid null, code, error
    watch    pid: tell its end                                     ended     pid, status (wait status)
    kill     pid: it is not wanted after all
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

from engine.keeper import wire
from engine.keeper.spawn import Refused, spawn


def start() -> tuple[socket.socket, int]:
    """Fork it off: the keeper's end of the socket, and its pid. Before the keeper has threads, or anything to hold."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _run(theirs)
    theirs.close()
    ours.setblocking(False)
    return ours, pid


def _run(sock: socket.socket) -> NoReturn:
    """All of the process's life. It ends by the keeper's end alone, so signals to both are no concern of it."""
    status = 1
    try:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # what is spawned handles all signals by default
        os.closerange(3, sock.fileno())
        os.closerange(sock.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        Outside(sock).serve()
        status = 0
    except ConnectionError:  # the keeper is gone, with an answer under way
        pass
    except Exception:  # noqa: BLE001 - a defect: say it, as an interpreter does that is not left by _exit
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


class Outside:
    """Its children by their pidfds, and the keeper."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._frames = wire.Assembler()
        self._children: dict[int, int] = {}  # pid by pidfd
        self._poll = select.poll()

    def serve(self) -> None:
        """Until the keeper is gone."""
        self._poll.register(self._sock, select.POLLIN)
        while True:
            for fd, _ in self._poll.poll():
                if fd in self._children:
                    self._ended(fd)
                elif (received := wire.receive(self._sock)) is not None:
                    for header, _, _ in self._frames.feed(*received):
                        self._obey(header)
                else:
                    return

    def _obey(self, header: dict[str, Any]) -> None:
        match header["do"]:
            case "spawn":
                self._spawn(header)
            case "watch":
                pidfd = os.pidfd_open(header["pid"])
                self._children[pidfd] = header["pid"]
                self._poll.register(pidfd, select.POLLIN)
            case "kill":
                os.kill(header["pid"], signal.SIGKILL)
                os.waitpid(header["pid"], 0)

    def _spawn(self, header: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"is": "spawned", "n": header["n"], "pid": None}
        try:
            answer["pid"] = spawn(header, header["terminal"])
        except Refused as refusal:
            answer |= {"code": refusal.code, "error": refusal.why}
        self._say(answer)

    def _ended(self, pidfd: int) -> None:
        pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        self._say({"is": "ended", "pid": pid, "status": os.waitpid(pid, 0)[1]})

    def _say(self, answer: dict[str, Any]) -> None:
        self._sock.sendall(wire.encode(answer))
