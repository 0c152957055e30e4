"""`port`, `publish` and `unpublish`, and `run -p`, with a real engine and real connections."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from .conftest import PATIENCE, CommandLine

SERVER = ("busybox", "sh", "-c", "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w")


@pytest.fixture
def server(cli: CommandLine) -> Iterator[str]:
    """A running container with a web server that listens; nothing is published."""
    cli.ok("run", "-d", "--name", "server", *SERVER)
    cli.ok("exec", "server", "sh", "-c", "until wget -q -O /dev/null http://127.0.0.1/; do sleep 0.05; done")
    yield "server"
    if cli.containers():
        cli.ok("rm", "--force", *cli.containers())


def fetched(address: str, port: int) -> bytes:
    """What the server says."""
    with socket.create_connection((address, port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while more := client.recv(4096):
            answer += more
    return answer


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("0.0.0.0", 0))
        return int(any_socket.getsockname()[1])


def test_ports_are_published_told_and_taken_back_while_it_runs(cli: CommandLine, server: str) -> None:
    port = free_port()
    assert cli.ok("port", server) == ""
    told = cli.ok("publish", server, f"{port}:80").splitlines()
    assert told == [f"80/tcp -> 0.0.0.0:{port}", f"80/tcp -> [::]:{port}"]
    assert cli.ok("port", server).splitlines() == told
    assert cli.ok("port", server, "80").splitlines() == [f"0.0.0.0:{port}", f"[::]:{port}"]
    assert f"0.0.0.0:{port}->80/tcp, [::]:{port}->80/tcp" in cli.ok("ps")
    for address in ("127.0.0.1", "::1"):
        assert fetched(address, port).endswith(b"hello\n")
    assert cli.ok("unpublish", server, "80").splitlines() == told
    assert cli.ok("port", server) == ""
    with pytest.raises(OSError, match="refused"):
        fetched("127.0.0.1", port)


def test_any_port_of_one_address_and_ranges(cli: CommandLine, server: str) -> None:
    first = free_port()
    (only,) = cli.ok("publish", server, "127.0.0.1::80").splitlines()
    match = re.fullmatch(r"80/tcp -> 127\.0\.0\.1:(\d+)", only)
    assert match is not None
    assert fetched("127.0.0.1", int(match[1])).endswith(b"hello\n")
    cli.ok("publish", server, f"127.0.0.1:{first}-{first + 1}:90-91/udp")
    assert cli.ok("port", server, "91/udp") == f"127.0.0.1:{first + 1}"
    assert [each["port"] for each in cli.json("port", server, "--format", "json") if each["protocol"] == "udp"] == [
        first, first + 1
    ]  # fmt: skip


def test_what_was_published_is_published_at_the_next_start_too(cli: CommandLine, server: str) -> None:
    port = free_port()
    cli.ok("publish", server, f"{port}:80")
    cli.ok("stop", "-t", "0", server)
    assert cli.ok("port", server) == ""
    assert "as it does not run" in cli.refused("port", server, "80", status=1)
    cli.ok("start", server)
    assert cli.ok("port", server, "80/tcp").splitlines()[0] == f"0.0.0.0:{port}"


def test_all_that_is_exposed_is_published_at_free_ports(cli: CommandLine, server: str) -> None:
    cli.ok("run", "-d", "--name", "other", "-P", "--expose", "80", "--expose", "90-91/udp", *SERVER)
    ports = cli.json("port", "other", "--format", "json")
    assert {(each["container_port"], each["protocol"]) for each in ports} == {(80, "tcp"), (90, "udp"), (91, "udp")}


def test_a_port_that_somebody_has_is_refused_before_the_start(cli: CommandLine, server: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in cli.refused("run", "--rm", "-p", f"{port}:80", "--name", "late", *SERVER, status=125)
        assert str(port) in cli.refused("publish", server, f"{port}:80", status=1)
    assert "late" not in cli.containers()


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        ("port", 2, "CONTAINER"),
        ("port server http", 2, "'http' is no port"),
        ("port server 80", 1, "is not published"),
        ("publish server", 2, "required"),
        ("publish server localhost:80:80", 2, "no address of the host"),
        ("unpublish server 8080:80", 2, "no port"),
        ("unpublish server 80", 1, "80"),
        ("publish nobody 80:80", 1, "nobody"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(
    cli: CommandLine, server: str, words: str, status: int, why: str
) -> None:
    assert why in cli.refused(*words.split(), status=status)
