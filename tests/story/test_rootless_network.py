"""Networks of an ordinary user's engine: the same promises as root's, kept without any privilege.

Containers are made by the command line; "the world" is a host at the other end of a cable.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from engine.client.errors import ConnectionLost, EngineUnreachable
from engine.network.rootless import pasta, slirp4netns
from engine.protocol.messages import EngineInfo, GetEngine
from tests.engine.network.conftest import Outside, here, new_host, outside  # noqa: F401 - fixtures
from tests.engine.network.hosts import Host
from tests.story.conftest import PATIENCE, Person
from tests.story.test_network import BOTH, PORT, Lab, reached

TOOLS = ("sh", "ip", "sleep", "newuidmap", "newgidmap", "python3")


@pytest.fixture(params=[pasta.NAME, slirp4netns.NAME])
def lab(request: pytest.FixtureRequest, ordinary: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An engine that has just one of the programs."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    only(ordinary, [request.param])
    made = Lab(ordinary)
    yield made
    made.close()


def only(person: Person, programs: Sequence[str]) -> None:
    """Let the person have these, of those that connect to the world."""
    directory = person.directory / "bin"
    directory.mkdir()
    for name in (*TOOLS, *programs):
        if (path := shutil.which(name)) is not None:
            (directory / name).symlink_to(path)
    person.environment["PATH"] = str(directory)


def processes(person: Person) -> set[psutil.Process]:
    """All that the engine's user has running for this engine."""
    found = set()
    for process in psutil.process_iter(["pid"]):
        try:
            if str(person.directory) in " ".join([*process.cmdline(), process.environ().get("HELIOSTUI_RUNTIME", "")]):
                found |= {process, *process.children(recursive=True)}
        except psutil.Error:
            continue
    return found


def engine_pid(lab: Lab) -> int:
    with lab.connect() as connection:
        return connection.request(GetEngine(), EngineInfo).pid


def another_engine(lab: Lab, pid: int) -> None:
    """Wait until the keeper has started one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(ConnectionLost, EngineUnreachable):
            if engine_pid(lab) != pid:
                return
    pytest.fail("the engine does not come back")


def test_containers_reach_the_world_each_other_by_name_and_are_reached(
    lab: Lab,
    outside: Outside,  # noqa: F811
    here: Host,  # noqa: F811
) -> None:
    lab.run("web", "-p", f"8080:{PORT}", "-p", f"8080:{PORT}/udp")
    lab.run("client")
    reached(lab.at("client"), lab.addresses("web"))
    assert lab.addresses("web")[0] in lab.inside("client", "nslookup", "web")
    servers = {protocol: outside.host.echo(protocol=protocol) for protocol in BOTH}
    for protocol in BOTH:
        reached(lab.at("client"), [outside.far, outside.far6], servers[protocol].port, [protocol])
    reached(here, ["127.0.0.1", "::1", outside.here, outside.here6], 8080)
    reached(outside.host, [outside.here, outside.here6], 8080)
    reached(lab.at("client"), [outside.here, "10.88.0.1"], 8080, ["tcp"])


def test_a_container_sees_who_calls(lab: Lab, outside: Outside) -> None:  # noqa: F811
    lab.run("web", "-p", f"8080:{PORT}", echo=False)
    server = lab.echo("web")["tcp"]
    reached(outside.host, [outside.here], 8080, ["tcp"])
    reached(outside.host, [outside.here6], 8080, ["tcp"])
    assert list(dict.fromkeys(server.callers)) == [outside.address, outside.address6]


def test_what_serves_containers_survives_the_engine_and_is_found_again(
    lab: Lab,
    outside: Outside,  # noqa: F811
) -> None:
    lab.run("web", "-p", f"8080:{PORT}")
    with outside.host.connect(outside.here, 8080, timeout=PATIENCE) as connection:
        pid = engine_pid(lab)
        before = {process for process in processes(lab.person) if process.pid != pid}
        os.kill(pid, signal.SIGKILL)
        connection.sendall(b"still")
        assert connection.recv(100) == b"still"
        another_engine(lab, pid)
        lab.run("late", "-p", f"8081:{PORT}")
        assert before <= processes(lab.person)
        reached(outside.host, [outside.here], 8080, ["tcp"])
        reached(outside.host, [outside.here, outside.here6], 8081, ["tcp"])
        reached(lab.at("late"), lab.addresses("web"), protocols=["tcp"])
        connection.sendall(b"again")
        assert connection.recv(100) == b"again"


def test_nothing_is_left_of_it(lab: Lab, outside: Outside) -> None:  # noqa: F811
    lab.run("web", "-p", f"8080:{PORT}")
    running = processes(lab.person)
    lab.ok("kill", "web")
    lab.ok("engine", "stop", "--all")
    _, alive = psutil.wait_procs(running, timeout=PATIENCE)
    assert not alive
    assert not (Path(lab.person.environment["HELIOSTUI_RUNTIME"]) / "ports.sock").exists()
    assert outside.host.misses(outside.here, 8080)


def test_a_port_that_only_root_may_have_is_refused_with_the_way_to_get_it(lab: Lab, outside: Outside) -> None:  # noqa: F811
    said = lab.refused("run", "-d", "-p", "80:80", "busybox", "sleep", "600")
    assert "sysctl net.ipv4.ip_unprivileged_port_start=80" in said


def test_without_a_program_there_is_loopback_and_the_reason(ordinary: Person, outside: Outside) -> None:  # noqa: F811
    only(ordinary, [])
    lab = Lab(ordinary)
    result = ordinary.heliostui("run", "busybox", "ip", "-o", "link")
    assert result.returncode == 0, result.stderr
    assert [line.split(":")[1].strip() for line in result.stdout.splitlines()] == ["lo"]
    assert "install passt" in result.stderr
    assert "install passt" in lab.refused("run", "-p", "8080:80", "busybox", "true")
    assert "install passt" in lab.ok("doctor")
