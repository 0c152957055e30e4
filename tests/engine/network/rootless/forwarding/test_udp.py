"""Datagrams through the process that publishes ports: its loop in a thread, real sockets on loopback."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from engine.network.rootless.forwarding import udp
from engine.network.rootless.forwarding.loop import Loop
from engine.network.rootless.forwarding.transparent import Target
from engine.network.rootless.forwarding.udp import Datagrams

PATIENCE = 30.0


class Stop(Exception):
    """Ends the loop."""


class Published:
    """A published port, the server that it leads to, and callers."""

    def __init__(self) -> None:
        self.server = bound()
        self.loop = Loop()
        outer = bound()
        self.address = outer.getsockname()
        outer.setblocking(False)
        address, port = self.server.getsockname()
        self.datagrams = Datagrams(self.loop, outer, Target(address, port, as_caller=False))
        self.loop.sweep = self.datagrams.sweep
        self._stop, self._stopped = socket.socketpair()
        self.loop.watch(self._stopped, self._ends)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _ends(self, _events: int) -> None:
        raise Stop

    def _run(self) -> None:
        with pytest.raises(Stop):
            self.loop.run()

    def close(self) -> None:
        self._stop.send(b"x")
        self._thread.join(PATIENCE)
        self._stop.close()
        self._stopped.close()
        self.datagrams.close()
        self.server.close()

    def call(self, caller: socket.socket) -> int:
        """Be answered; the port from which the server saw the call."""
        caller.sendto(b"hello", self.address)
        data, address = self.server.recvfrom(100)
        assert data == b"hello"
        self.server.sendto(b"answer", address)
        assert caller.recvfrom(100) == (b"answer", self.address)
        port: int = address[1]
        return port


def bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(PATIENCE)
    return made


@pytest.fixture
def published() -> Iterator[Published]:
    made = Published()
    yield made
    made.close()


def test_every_caller_has_a_flow_of_its_own_that_stays(published: Published) -> None:
    with bound() as one, bound() as other:
        first, second = published.call(one), published.call(other)
        assert first != second
        assert (published.call(one), published.call(other)) == (first, second)


def test_of_too_many_flows_the_one_idle_longest_ends(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "FLOWS", 2)
    with bound() as one, bound() as two, bound() as three:
        ports = [published.call(caller) for caller in (one, two, one, three)]
        assert ports[0] == ports[2]
        assert published.call(one) == ports[0]
        assert published.call(two) not in (ports[0], ports[3])


def test_an_idle_flow_is_forgotten(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    with bound() as caller, bound() as other:
        first = published.call(caller)
        with monkeypatch.context() as patch, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            patch.setattr(udp, "IDLE", 0.01)
            other.sendto(b"wakes the loop up, which forgets the first one", published.address)
            while True:  # its port is free once it is forgotten
                try:
                    again.bind(("127.0.0.1", first))
                    break
                except OSError:
                    continue
        assert published.server.recv(100).startswith(b"wakes")
        assert published.call(caller) != 0


def test_nobody_listening_is_no_harm(published: Published) -> None:
    address = published.server.getsockname()
    published.server.close()
    with bound() as caller:
        caller.sendto(b"lost", published.address)
        caller.sendto(b"lost", published.address)
        published.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        published.server.settimeout(PATIENCE)
        published.server.bind(address)
        caller.sendto(b"hello", published.address)
        while (received := published.server.recvfrom(100))[0] != b"hello":
            pass
        published.server.sendto(b"answer", received[1])
        assert caller.recv(100) == b"answer"


def test_what_is_refused_is_no_loss_of_the_next_one() -> None:
    """The kernel tells of a refusal when the next datagram is sent, and does not send that one."""
    with bound() as outer, bound() as caller, bound() as server:
        address, port = server.getsockname()
        datagrams = Datagrams(Loop(), outer, Target(address, port, as_caller=False))
        outer.setblocking(False)
        server.close()
        caller.sendto(b"lost", outer.getsockname())
        while not datagrams._flows:
            datagrams._take(0)
        (flow,) = datagrams._flows.values()
        refused = select.poll()
        refused.register(flow.socket, 0)
        assert refused.poll(PATIENCE * 1000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there_again:
            there_again.settimeout(PATIENCE)
            there_again.bind((address, port))
            caller.sendto(b"hello", outer.getsockname())
            select.select([outer], [], [], PATIENCE)
            datagrams._take(0)
            assert there_again.recv(100) == b"hello"
        datagrams.close()
