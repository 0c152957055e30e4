"""redis: a server, its benchmark, and its forks that write what it holds to disk."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.heap.programs.conftest import Heap, needs

TESTS = "-n 1000 -r 1000 -c 20 -P 8 -d 100 -q".split()


class Server:
    def __init__(self, heap: Heap, socket: Path) -> None:
        self.heap, self.socket = heap, socket

    def cli(self, *words: str) -> str:
        return self.heap.well(needs("redis-cli"), "-s", self.socket, *words).strip()

    def benchmark(self) -> str:
        return self.heap.well(needs("redis-benchmark"), "-s", self.socket, *TESTS)


@contextmanager
def served(heap: Heap, directory: Path) -> Iterator[Server]:
    """A server, ended in the end."""
    socket = directory / "socket"
    words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(directory)]
    with subprocess.Popen(
        [needs("redis-server"), *words], env={**os.environ, **heap.environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "ready to accept connections" in line.lower():
                    break
            yield Server(heap, socket)
        finally:
            process.terminate()
            process.stdout.read()
    assert process.returncode == 0


@pytest.mark.parametrize("heap", ["", "check"], indirect=True)
def test_a_server_keeps_what_it_is_given_and_saves_it_while_it_is_busy(heap: Heap) -> None:
    needs("redis-cli")
    with tempfile.TemporaryDirectory(prefix="heap-") as name:
        with served(heap, Path(name)) as server:
            server.cli("eval", "for i = 1, 3000 do redis.call('set', 'key' .. i, string.rep(i, i % 90 + 1)) end", "0")
            server.cli("eval", "for i = 1, 3000 do redis.call('zadd', 'set', i * 7919 % 3000, 'member' .. i) end", "0")
            assert "Background saving started" in server.cli("bgsave")
            assert "LRANGE_600" in server.benchmark()
            server.cli("save")
            before = held(server)
        with served(heap, Path(name)) as server:
            assert held(server) == before
            assert server.cli("get", "key3000") == "3000" * 31


def held(server: Server) -> list[str]:
    return [server.cli("dbsize"), server.cli("zrange", "set", "0", "-1"), server.cli("mget", "key1", "key777")]
