"""A real keeper for tests that play the engine themselves."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.containers.keeper import Keeper
from engine.keeper import __path__ as keeper_path

# Stands in the engine's place in the keeper's eyes: hands its socket to the test, and dies when the test says so.
ENGINE = """
import os, socket, sys
test = socket.socket(socket.AF_UNIX)
test.connect(sys.argv[1])
fd = int(sys.argv[sys.argv.index("--keeper-fd") + 1])
socket.send_fds(test, [str(os.getpid()).encode()], [fd])
os.close(fd)
test.recv(1)
"""


class KeeperProcess:
    """A keeper, and the connections of one engine after the other to it."""

    def __init__(self, directory: Path, environment: dict[str, str] | None = None, become: int | None = None) -> None:
        """`become`: the uid of the ordinary user that it shall be of."""
        self.uid = os.geteuid() if become is None else become
        self.listener = socket.socket(socket.AF_UNIX)
        if become is not None:  # who could not reach pytest's directories
            self._directory = tempfile.TemporaryDirectory(prefix="heliostui-test-")
            directory = Path(self._directory.name)
            directory.chmod(0o755)
        path = directory / "test.sock"
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.setblocking(False)
        python, keeper = sys.executable, str(Path(keeper_path[0]) / "__main__.py")
        if become is not None:
            path.chmod(0o777)
            python = reachable_python(Path(keeper))
        command = [python, "-S", "-E", keeper]
        engine = [python, "-S", "-E", "-c", ENGINE, str(path)]
        command += ["--runtime", str(directory), "--state", str(directory), "--engine-command", json.dumps(engine)]
        ordinary = {} if become is None else {"user": become, "group": become, "extra_groups": []}
        self.process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, **ordinary)  # type: ignore[call-overload]
        self.engine_pid = 0
        self.engine: socket.socket | None = None

    async def connect(self) -> Keeper:
        """Be the engine that the keeper has started."""
        loop = asyncio.get_running_loop()
        self.engine, _ = await asyncio.wait_for(loop.sock_accept(self.listener), 20)
        await loop.run_in_executor(None, self.engine.setblocking, True)
        data, fds, _, _ = await loop.run_in_executor(None, socket.recv_fds, self.engine, 64, 1)
        self.engine_pid = int(data)
        keeper = await Keeper.connect(fds[0])
        keeper.ready()
        return keeper

    def kill_engine(self, keeper: Keeper) -> None:
        """What SIGKILL does to an engine: its process and its end of the socket are gone."""
        keeper.close()
        os.kill(self.engine_pid, signal.SIGKILL)

    def children(self) -> set[int]:
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def close(self) -> None:
        if self.engine is not None:
            self.engine.close()
        self.listener.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def reachable_python(program: Path) -> str:
    """An interpreter like ours that an ordinary user may run, with a program that such a user may read."""
    if not _reachable(program):
        pytest.skip(f"an ordinary user can't reach {program}")
    if _reachable(Path(sys.executable).resolve()):
        return sys.executable
    system = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path="/usr/bin")
    if system is None:
        pytest.skip("no Python like ours that an ordinary user could run")
    return system


def _reachable(path: Path) -> bool:
    return all(p.stat().st_mode & 0o5 == 0o5 or not p.is_dir() for p in [path, *path.parents])


@pytest.fixture
def keeper_process(tmp_path: Path) -> AsyncIterator[KeeperProcess]:
    process = KeeperProcess(tmp_path)
    yield process
    process.close()


@pytest_asyncio.fixture
async def keeper(keeper_process: KeeperProcess) -> AsyncIterator[Keeper]:
    """The engine's end of a fresh keeper; all that it holds is ended afterwards."""
    connected = await keeper_process.connect()
    yield connected
    for held in list(connected.held.values()):
        held.signal(signal.SIGKILL)
        await connected.ended(held.key)
        await connected.forget(held.key)
    await connected.shutdown()
    connected.close()
