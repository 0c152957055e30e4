"""What the engine asks for, in frames of `engine.keeper.wire` over a unix socket. Standard library only.

The engine's have a `"do"`, each is answered with its `"n"`:

    listen    n, id, protocol (tcp, udp), target [address, port], as_caller (see `transparent`);
              fds: the bound socket, of TCP a listening one; it takes the place of the one that has the id
    close     n, id
    list      n; the answer has `ports`: targets by ids
"""

from __future__ import annotations

import os
import resource
import socket
from typing import Any

from engine.keeper import wire
from engine.network.rootless.forwarding.loop import Loop
from engine.network.rootless.forwarding.tcp import Listener
from engine.network.rootless.forwarding.transparent import Target
from engine.network.rootless.forwarding.udp import Datagrams


def main(control: int) -> None:
    """For ever."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.set_inheritable(control, False)
    loop = Loop()
    Control(loop, socket.socket(fileno=control))
    loop.run()


class Control:
    """All published ports by their ids, and the engines that ask: one, and perhaps a dead one."""

    def __init__(self, loop: Loop, listening: socket.socket) -> None:
        self._loop = loop
        self._listening = listening
        self._ports: dict[str, Listener | Datagrams] = {}
        listening.setblocking(False)
        loop.watch(listening, self._accept)
        loop.sweep = self._sweep

    def _sweep(self) -> float | None:
        pauses = [port.sweep() for port in self._ports.values() if isinstance(port, Datagrams)]
        return min((pause for pause in pauses if pause is not None), default=None)

    def _accept(self, _events: int) -> None:
        try:
            engine, _ = self._listening.accept()
        except OSError:
            return
        engine.setblocking(False)
        frames = wire.Assembler()
        outbox = wire.Outbox(engine)
        self._loop.watch(engine, lambda _: self._hear(engine, frames, outbox))

    def _hear(self, engine: socket.socket, frames: wire.Assembler, outbox: wire.Outbox) -> None:
        try:
            received = wire.receive(engine)
            if received is None:
                self._loop.drop(engine)
                return
            for header, _, fds in frames.feed(*received):
                outbox.send({"n": header["n"], **self._obey(header, fds)})
        except BlockingIOError:
            return
        except OSError:
            self._loop.drop(engine)

    def _obey(self, header: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        match header["do"]:
            case "listen":
                self._listen(header, fds[0])
            case "close":
                if (port := self._ports.pop(header["id"], None)) is not None:
                    port.close()
            case "list":
                return {"ports": {id: [port.target.address, port.target.port] for id, port in self._ports.items()}}
        return {}

    def _listen(self, header: dict[str, Any], fd: int) -> None:
        bound = socket.socket(fileno=fd)
        bound.setblocking(False)
        if (before := self._ports.pop(header["id"], None)) is not None:
            before.close()
        address, port = header["target"]
        target = Target(address, port, header["as_caller"])
        kind = Listener if header["protocol"] == "tcp" else Datagrams
        self._ports[header["id"]] = kind(self._loop, bound, target)
