"""A real keeper whose engine is the test: a stand-in hands the keeper's socket over and waits to be killed."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

import engine
from engine.cgroups import Hierarchy, discover
from engine.containers.keeper import Keeper
from engine.containers.lifecycle import Containers
from engine.images import Images
from engine.network.networks import Networks
from engine.places import Places
from engine.protocol.messages import Event, StreamEnd

KEEPER = Path(engine.__file__).parent / "keeper" / "__main__.py"
PATIENCE = 60.0  # seconds: some of these tests run in a virtual machine, ten times slower
STAND_IN = """
import array, os, select, signal, socket, sys
keeper = int(sys.argv[sys.argv.index("--keeper-fd") + 1])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with socket.socket(socket.AF_UNIX) as test:
    test.connect(sys.argv[1])
    test.sendmsg([b"%d" % os.getpid()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [keeper]))])
gone = select.poll()
gone.register(keeper, 0)  # the end of the keeper is all it waits for
gone.poll()
"""


@dataclass
class Machine:
    """Directories, a keeper, and the engine in this process, which can be killed and comes back."""

    places: Places
    images: Images
    cgroups: Hierarchy
    keeper_process: asyncio.subprocess.Process | None = None
    engine_pid: int = 0
    containers: Containers = field(init=False)
    networks: Networks = field(init=False)
    keeper: Keeper = field(init=False)
    _server: socket.socket | None = None

    async def start_keeper(self) -> None:
        """Start a keeper, and be its engine."""
        path = str(self.places.runtime / "test.sock")
        Path(path).unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(path)
        self._server.listen()
        self._server.setblocking(False)
        command = json.dumps([sys.executable, "-S", "-c", STAND_IN, path])
        self.keeper_process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-E", str(KEEPER), "--engine-command", command
        )
        await self.connect()

    async def connect(self) -> None:
        assert self._server is not None
        loop = asyncio.get_running_loop()
        connection, _ = await asyncio.wait_for(loop.sock_accept(self._server), PATIENCE)
        with connection:
            connection.setblocking(True)
            pid, fds, _, _ = socket.recv_fds(connection, 64, 1)
        self.engine_pid = int(pid)
        self.keeper = await Keeper.connect(fds[0])
        self.networks = Networks(self.places)
        self.containers = Containers(self.places, self.keeper, self.images, self.cgroups, self.networks)
        await self.containers.recover()
        self.keeper.ready()

    async def end_engine(self, by: signal.Signals) -> None:
        """The engine ends; killed, what it was about to do is not done."""
        if self.engine_pid:
            with suppress(ProcessLookupError):
                os.kill(self.engine_pid, by)
        await self.containers.close()
        await self.networks.close()
        self.keeper.close()
        self.engine_pid = 0

    async def restart_engine(self) -> None:
        """The engine is killed, and the keeper starts another."""
        await self.end_engine(signal.SIGKILL)
        await self.connect()

    async def kill_keeper(self) -> None:
        """The keeper is killed, and with it its engine."""
        assert self.keeper_process is not None
        self.keeper_process.kill()
        await self.keeper_process.wait()
        await self.end_engine(signal.SIGKILL)

    def end_keeper(self) -> None:
        """Whatever happened: no process of ours stays behind."""
        if self.keeper_process is not None and self.keeper_process.returncode is None:
            self.keeper_process.kill()
        if self.engine_pid:
            with suppress(ProcessLookupError):
                os.kill(self.engine_pid, signal.SIGKILL)

    async def close(self) -> None:
        """End everything."""
        for container in await self.containers.list(all=True):
            await self.containers.remove(container.id, force=True)
        await self.networks.remove_all()
        await self.end_engine(signal.SIGTERM)
        assert self.keeper_process is not None
        await asyncio.wait_for(self.keeper_process.wait(), PATIENCE)
        if self._server is not None:
            self._server.close()


async def until(events: AsyncIterator[Event | StreamEnd], action: str) -> Event:
    """The next event of that kind."""
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if isinstance(event, Event) and event.action == action:
                return event
    raise AssertionError(f"no {action} came")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    """The built-in images, made once for all tests."""
    return Images(tmp_path_factory.mktemp("images"))


@pytest.fixture
async def machine(tmp_path: Path, images: Images) -> AsyncIterator[Machine]:
    """A machine with nothing on it; afterwards nothing of it must remain."""
    if os.geteuid() != 0:
        pytest.skip("containers without a user namespace need root")
    places = Places(tmp_path / "run", tmp_path / "state")
    places.runtime.mkdir()
    places.state.mkdir()
    cgroups = discover()
    machine = Machine(places, images, dataclasses.replace(cgroups, base=f"{cgroups.base}-{os.getpid()}"))
    mounts, links, others = Path("/proc/self/mountinfo").read_text(), set(socket.if_nameindex()), children()
    async with AsyncExitStack() as stack:
        stack.callback(machine.end_keeper)
        await machine.start_keeper()
        stack.push_async_callback(machine.close)
        yield machine
    assert Path("/proc/self/mountinfo").read_text() == mounts
    last = time.monotonic() + PATIENCE  # the kernel takes namespaces apart, with their links, when it finds the time
    while set(socket.if_nameindex()) - links and time.monotonic() < last:  # noqa: ASYNC110  (nothing is told)
        await asyncio.sleep(0.01)
    assert (set(socket.if_nameindex()) - links, children() - others) == (set(), set())  # an earlier test's may go
    assert not list((places.runtime / "networks").glob("*.json"))
    assert not os.path.exists(machine.cgroups.base)
    assert not list((places.state / "containers").glob("*"))
    assert not list((places.runtime / "spool").glob("*"))


async def end_of(pidfd: int) -> None:
    """Wait for the end of a process, and close its pidfd."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    assert await asyncio.to_thread(poller.poll, PATIENCE * 1000)
    os.close(pidfd)


def alive(pid: int | None) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children() -> set[int]:
    """This process's descendants."""
    return {process.pid for process in psutil.Process().children(recursive=True)}
