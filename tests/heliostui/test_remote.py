"""`-H ssh://…`: the command line and another machine's engine, by a real sshd."""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.heliostui.conftest import HELIOSTUI, PATIENCE, CommandLine
from tests.sshd import Sshd, sshd


class Remote(CommandLine):
    """`heliostui` here, and `there` as somebody on the other machine has it."""

    def __init__(self, directory: Path, server: Sshd, there: CommandLine) -> None:
        super().__init__(directory)
        self.environment["PATH"] = server.path
        self.server, self.there = server, there

    @property
    def hosts(self) -> Path:
        """Where the connections have their sockets."""
        return Path(self.environment["HELIOSTUI_RUNTIME"], "hosts")


def variables(line: CommandLine) -> dict[str, str]:
    return {name: line.environment[name] for name in ("HELIOSTUI_RUNTIME", "HELIOSTUI_STATE")}


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    there = CommandLine(tmp_path_factory.mktemp("there"))
    with sshd(variables(there)) as server:
        yield Remote(tmp_path_factory.mktemp("here"), server, there)
        there("rm", "-f", "sleeper")
        there.ok("engine", "stop", "--all")


def wait_for_end(pids: list[int]) -> None:
    for pid in pids:
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([pidfd], [], [], PATIENCE)[0], f"process {pid} does not end"
        finally:
            os.close(pidfd)


def test_the_engine_there_is_started_and_used(remote: Remote) -> None:
    assert "not running; `heliostui -H ssh://there engine start`" in remote.refused(
        "-H", "ssh://there", "engine", "status", status=1
    )
    remote.ok("-H", "ssh://there", "run", "-d", "--name", "sleeper", "host", "sh", "-c", "echo ready; sleep 600")
    assert "sleeper" in remote.there.containers()
    assert remote.ok("-H", "ssh://there", "exec", "sleeper", "echo", "here I am") == "here I am"
    assert remote("-H", "ssh://there", "exec", "sleeper", "sh", "-c", "exit 7").returncode == 7
    assert not Path(remote.environment["HELIOSTUI_RUNTIME"], "engine.sock").exists()


def test_the_variable_says_it_too_and_the_option_wins(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(remote.environment, "HELIOSTUI_HOST", "ssh://there")
    assert "sleeper" in remote.containers()
    assert "not running" in remote.refused("-H", "local", "engine", "status", status=1)


def test_nothing_is_left_when_a_verb_has_ended(remote: Remote) -> None:
    remote.ok("-H", "ssh://there", "ps")
    assert list(remote.hosts.iterdir()) == []
    wait_for_end(remote.server.sessions())


def test_a_killed_front_end_leaves_no_connection_and_the_next_clears_its_sockets(remote: Remote) -> None:
    events = remote.popen("-H", "ssh://there", "events", stdout=subprocess.PIPE)
    try:
        assert events.stdout is not None
        remote.ok("-H", "ssh://there", "exec", "sleeper", "true")  # until it follows, this may be missed
        while not select.select([events.stdout], [], [], 0.1)[0]:
            remote.ok("-H", "ssh://there", "exec", "sleeper", "true")
        (room,) = remote.hosts.iterdir()
        assert stat.S_IMODE(remote.hosts.stat().st_mode) == 0o700
        assert stat.S_IMODE((room / "engine.sock").stat().st_mode) == 0o600
        assert stat.S_IMODE((room / "c").stat().st_mode) == 0o600
        (ssh,) = (int(pid) for pid in Path(f"/proc/{events.pid}/task/{events.pid}/children").read_text().split())
    finally:
        events.kill()
        events.wait()
    wait_for_end([ssh, *remote.server.sessions()])
    assert room.exists()
    remote.ok("-H", "ssh://there", "ps")
    assert not room.exists()


def test_an_interrupt_ends_what_follows_and_its_connection(remote: Remote) -> None:
    logs = remote.popen("-H", "ssh://there", "logs", "-f", "sleeper", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert logs.stdout is not None
    assert logs.stdout.readline() == b"ready\n"
    logs.send_signal(signal.SIGINT)
    assert logs.wait(PATIENCE) == 130
    wait_for_end(remote.server.sessions())


def test_a_terminal_there_is_typed_into_from_here(remote: Remote) -> None:
    with remote.terminal("-H", "ssh://there", "run", "-it", "--rm", "host", "sh") as user:
        user.until(b"# " if os.geteuid() == 0 else b"$ ")
        user.type(b"echo $((6 * 7)); exit 3\r")
        user.until(b"42")
        assert user.end() == 3


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("ssh://nobody-is-called-so@there", "did not let you in (it takes publickey)"),
        ("ssh://there:1", "can't be reached"),
        ("ssh://there/nowhere/heliostui", "There is no '/nowhere/heliostui' on there: install it"),
        ("ssh://there/bin/true", "heliostui on there ended with 0"),
        ("ssh://there/bin/false", "heliostui on there ended with 1"),
        ("there", "say ssh://[user@]host[:port]"),
    ],
)
def test_what_goes_wrong_is_a_sentence(remote: Remote, host: str, sentence: str) -> None:
    assert sentence in remote.refused("-H", host, "ps", status=1)


def test_a_host_key_that_is_not_known_is_not_taken(remote: Remote) -> None:
    known = remote.server.directory / "known_hosts"
    before = known.read_text()
    other = subprocess.run(
        ["ssh-keygen", "-y", "-f", remote.server.directory / "key"], capture_output=True, text=True, check=True
    )
    try:
        known.write_text("")
        assert "The host key of there is not known yet" in remote.refused("-H", "ssh://there", "ps", status=1)
        known.write_text(f"here {other.stdout}")
        assert "another host key than the one that ssh knows" in remote.refused("-H", "ssh://there", "ps", status=1)
    finally:
        known.write_text(before)


def test_a_server_that_forwards_no_sockets_is_named_as_the_reason(
    remote: Remote, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with sshd(variables(remote.there), more="AllowStreamLocalForwarding no") as strict:
        line = Remote(tmp_path_factory.mktemp("strict"), strict, remote.there)
        assert "forward sockets (AllowStreamLocalForwarding)" in line.refused("-H", "ssh://there", "ps", status=1)


def test_another_version_there_is_named(remote: Remote, tmp_path: Path) -> None:
    older = tmp_path / "heliostui"
    older.write_text("#!/bin/sh\necho \"heliostui: invalid choice: 'reach'\" >&2; exit 2\n")
    older.chmod(0o755)
    sentence = remote.refused("-H", f"ssh://there{older}", "ps", status=1)
    assert "The heliostui on there is of another version" in sentence


def test_the_engine_there_is_stopped_and_starts_again_when_it_is_needed(remote: Remote) -> None:
    refused = remote.refused("-H", "ssh://there", "engine", "stop", status=1)
    assert "run" in refused
    remote.ok("-H", "ssh://there", "kill", "sleeper")
    remote.ok("-H", "ssh://there", "engine", "stop", "--all")
    assert "not running" in remote.there.refused("engine", "status", status=1)
    listed = json.loads(remote.ok("-H", "ssh://there", "ps", "-a", "--format", "json"))
    assert [each["name"] for each in listed] == ["sleeper"]
    assert "not running" not in remote.there.ok("engine", "status")


def test_a_verb_asks_one_host(remote: Remote) -> None:
    assert "name one host" in remote.refused("-H", "ssh://a", "-H", "ssh://b", "ps", status=2)
    assert "'-H' needs a value" in remote.refused("-H", status=2)


def test_the_way_to_this_machine_loads_nothing_of_ssh() -> None:
    code = "import sys, engine.client.blocking, heliostui.__main__; print([m for m in sys.modules if 'tunnel' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert HELIOSTUI
