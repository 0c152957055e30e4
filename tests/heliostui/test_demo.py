"""`demo echo`: a service over TCP, published and healthy, with a real engine."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.client.blocking import Connection
from engine.places import Places
from engine.protocol.messages import Event, Ready, StreamEvents

from .conftest import PATIENCE, CommandLine

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None and shutil.which("cc") is None, reason="without a compiler there is no such image"
)


@pytest.fixture(autouse=True)
def nothing_stays(cli: CommandLine) -> Iterator[None]:
    yield
    if cli.containers():
        cli.ok("rm", "--force", *cli.containers())


def echoed(address: str, port: int, data: bytes) -> bytes:
    with socket.create_connection((address, port), PATIENCE) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        back = b""
        while more := client.recv(65536):
            back += more
    return back


def health(cli: CommandLine, name: str = "echo") -> Any:
    return cli.json("inspect", name)[0]["state"]["health"]


def test_demo_alone_lists_the_demos(cli: CommandLine) -> None:
    heading, row = cli.ok("demo").splitlines()
    assert heading.split() == ["DEMO", "WHAT"]
    assert row.startswith("echo ")


def test_the_echo_is_healthy_and_reached_on_its_port(cli: CommandLine) -> None:
    told = cli.ok("demo", "echo")
    assert "nc 127.0.0.1 12345" in told
    assert "heliostui rm -f echo" in told
    assert health(cli)["status"] == "healthy"
    assert "(healthy)" in cli.ok("ps")
    assert cli.ok("ps", "-q", "--filter", "health=healthy") == cli.containers()["echo"]["id"]
    for address in ("127.0.0.1", "::1"):
        assert echoed(address, 12345, b"hello\n") == b"hello\n"
    if shutil.which("nc"):
        talk = subprocess.run(["nc", "-N", "127.0.0.1", "12345"], input=b"hi\n", capture_output=True, timeout=PATIENCE)
        assert talk.stdout == b"hi\n" or talk.returncode != 0  # not every nc has -N


def test_a_second_time_it_is_the_same_one(cli: CommandLine) -> None:
    cli.ok("demo", "echo", "--port", "12346")
    before = cli.containers()["echo"]["id"]
    assert "nc 127.0.0.1 12346" in cli.ok("demo", "echo")
    cli.ok("stop", "echo")
    assert "is healthy" in cli.ok("demo", "echo")
    assert cli.containers()["echo"]["id"] == before


def test_with_rm_it_is_gone_once_it_has_ended(cli: CommandLine) -> None:
    assert "heliostui stop loud" in cli.ok("demo", "echo", "--rm", "--name", "loud", "--port", "12347")
    cli.ok("stop", "loud")
    assert "loud" not in cli.containers()


def test_an_echo_that_was_stopped_short_is_unhealthy(cli: CommandLine) -> None:
    """STOP leaves it there, but it answers no more: what the check is for."""
    words = ["--health-interval", "100ms", "--health-timeout", "1s", "--health-retries", "2"]
    check = '["/echo", "--check"]'
    cli.ok("run", "-d", "--name", "mute", "--health-cmd", check, *words, "echo")
    assert wait_for(cli, "mute", "healthy")
    cli.ok("kill", "--signal", "STOP", "mute")
    assert wait_for(cli, "mute", "unhealthy")
    assert "(unhealthy)" in cli.ok("ps")
    cli.ok("kill", "--signal", "CONT", "mute")
    assert wait_for(cli, "mute", "healthy")


def wait_for(cli: CommandLine, name: str, status: str) -> bool:
    """Whether it comes to be that, by the events."""
    where = Places(Path(cli.environment["HELIOSTUI_RUNTIME"]), Path(cli.environment["HELIOSTUI_STATE"]))
    with Connection.connect(where, start=False) as engine:
        events = engine.stream(StreamEvents())
        assert isinstance(next(events), Ready)
        if health(cli, name)["status"] == status:
            return True
        return any(
            isinstance(event, Event) and event.name == name and event.attributes.get("status") == status
            for event in events
        )


def test_a_port_that_is_taken_is_said_and_nothing_is_left(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert port in cli.refused("demo", "echo", "--port", port, status=1)
    assert not cli.containers()


@pytest.mark.parametrize("words", ["demo dance", "demo echo --port 70000"])
def test_what_can_not_be_is_a_usage_error(cli: CommandLine, words: str) -> None:
    cli.refused(*words.split(), status=2)
