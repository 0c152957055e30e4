"""The image `echo`: its program, run on this machine, and what is said where there is none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.images import Images
from engine.images.busybox import is_static
from engine.images.echo import Echo

PATIENCE = 20.0
needs_program = pytest.mark.skipif(Echo().program() is None, reason=Echo().unavailable())


@pytest.fixture
async def program(tmp_path: Path) -> str:
    """The program as it is in the image."""
    image = await Images(tmp_path).prepare("echo")
    return f"{image.layers[0]}/echo"


@contextmanager
def serving(program: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The service on a port that was free, once it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([program, str(port)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"echo: listening\n"
            yield process, port
        finally:
            process.kill()


def connected(port: int, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((address, port), PATIENCE)


def received(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        assert more
        data += more
    return data


@needs_program
async def test_the_image_is_a_single_program_that_needs_nothing(tmp_path: Path) -> None:
    image = await Images(tmp_path).prepare("echo")
    (layer,) = image.layers
    programs = [path for path in Path(layer).rglob("*") if path.is_file() and os.access(path, os.X_OK)]
    assert [str(path.relative_to(layer)) for path in programs if path.stat().st_mode & 0o111] == ["echo"]
    assert is_static(f"{layer}/echo")
    assert image.command == ("/echo",)


async def test_without_a_compiler_it_is_said_what_is_missing(tmp_path: Path) -> None:
    images = Images(tmp_path, (Echo(str(tmp_path / "none*.so")),))
    with pytest.raises(EngineError, match="install gcc"):
        await images.prepare("echo")
    (row,) = images.list()
    assert (row.available, "install gcc" in row.reason) == (False, True)


@needs_program
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_is_sent_comes_back_on_both_families(program: str, address: str) -> None:
    with serving(program) as (_, port), connected(port, address) as client:
        client.sendall(b"hello\0world\n")
        assert received(client, 12) == b"hello\0world\n"


@needs_program
def test_many_clients_are_served_at_a_time_and_more_wait_their_turn(program: str) -> None:
    with serving(program) as (_, port):
        clients = [connected(port) for _ in range(300)]
        for number, client in enumerate(clients):
            client.sendall(b"%03d" % number)
        assert [received(client, 3) for client in clients[:256]] == [b"%03d" % number for number in range(256)]
        for client in clients[:256]:
            client.close()
        assert [received(client, 3) for client in clients[256:]] == [b"%03d" % number for number in range(256, 300)]
        for client in clients[256:]:
            client.close()


@needs_program
def test_all_of_a_long_message_comes_back_before_the_end(program: str) -> None:
    data = os.urandom(1 << 20)
    with serving(program) as (_, port), connected(port) as client, ThreadPoolExecutor(1) as others:
        sending = others.submit(lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
        assert (received(client, len(data)), client.recv(1)) == (data, b"")
        sending.result()


@needs_program
def test_a_client_that_goes_away_is_not_missed(program: str) -> None:
    with serving(program) as (_, port):
        for _ in range(50):
            rude = connected(port)
            rude.sendall(b"x" * 65536)
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            rude.close()
        with connected(port) as client:
            client.sendall(b"still there?")
            assert received(client, 12) == b"still there?"


@needs_program
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_told_to(program: str, number: signal.Signals) -> None:
    with serving(program) as (process, _):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


@needs_program
def test_the_check_says_whether_somebody_echoes(program: str) -> None:
    def check(port: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, "--check", str(port)], capture_output=True, text=True, timeout=PATIENCE)

    with serving(program) as (_, port):
        assert check(port).returncode == 0
    result = check(port)
    assert (result.returncode, result.stderr) == (1, "echo: nobody answers\n")
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(1) as others:
        asking = others.submit(check, mute.getsockname()[1])
        client, _ = mute.accept()
        received(client, 32)
        client.close()  # without a word
        result = asking.result()
    assert (result.returncode, result.stderr) == (1, "echo: nothing comes back\n")


@needs_program
@pytest.mark.parametrize("port", ["0", "65536", "http", ""])
def test_a_port_that_is_none_is_refused(program: str, port: str) -> None:
    result = subprocess.run([program, port], capture_output=True, text=True, timeout=PATIENCE)
    assert (result.returncode, "1 to 65535" in result.stderr) == (1, True)
