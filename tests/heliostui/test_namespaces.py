"""Namespaces and attributes of the process on the command line, as root and as an ordinary user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import CommandLine

pytestmark = pytest.mark.timeout(120)


def run(cli: CommandLine, script: str, *options: str) -> list[str]:
    """The words that it prints."""
    return cli.ok("run", "--rm", *options, "host", "sh", "-c", script).split()


def ours(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{kind}")


@contextmanager
def running(cli: CommandLine, name: str, *options: str) -> Iterator[int]:
    """A container that stays meanwhile; its pid."""
    cli.ok("run", "-d", "--name", name, *options, "host", "sleep", "1000")
    try:
        yield cli.json("inspect", name)[0]["state"]["pid"]
    finally:
        cli.ok("rm", "-f", name)


def test_the_network_of_the_host_is_shared_by_name(cli: CommandLine) -> None:
    assert run(cli, "readlink /proc/self/ns/net", "--network", "host") == [ours("net")]


def test_a_user_namespace_has_a_root_of_its_own(cli: CommandLine) -> None:
    script = "id -u; readlink /proc/self/ns/user; stat -c %u /; touch /new && stat -c %u /new"
    uid, namespace, top, new = run(cli, script, "--userns", "private")
    assert (uid, top, new) == ("0", "0", "0")
    assert namespace != ours("user")


def test_clocks_are_a_containers_own(cli: CommandLine) -> None:
    (namespace,) = run(cli, "readlink /proc/self/ns/time", "--time", "private")
    assert namespace != ours("time")


def test_a_container_joins_the_namespaces_of_another(cli: CommandLine) -> None:
    with running(cli, "first"):
        inside = cli.ok("exec", "first", "readlink", "/proc/self/ns/net", "/proc/self/ns/ipc", "/proc/self/ns/pid")
        options = ["--network", "container:first", "--ipc", "container:first", "--pid", "container:first"]
        script = "readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/pid"
        assert run(cli, script, *options) == inside.split()


def test_exec_enters_only_the_namespaces_that_it_names(cli: CommandLine) -> None:
    with running(cli, "first"):
        script = "readlink /proc/self/ns/net /proc/self/ns/pid"
        net, pid = cli.ok("exec", "first", "sh", "-c", script).split()
        only_net, other_pid = cli.ok("exec", "--namespace", "network", "first", "sh", "-c", script).split()
        assert (only_net, other_pid != pid) == (net, True)
        assert "'net' is no namespace" in cli.refused("exec", "--namespace", "net", "first", "true", status=125)


def test_the_attributes_of_the_process_arrive(cli: CommandLine) -> None:
    script = "cat /proc/self/oom_score_adj; ulimit -n; umask; uname -m; cat /proc/sys/net/ipv4/ip_forward; ionice"
    options = ["--oom-score-adj", "500", "--ulimit", "nofile=64:64", "--umask", "077", "--personality", "linux32"]
    options += ["--sysctl", "net.ipv4.ip_forward=1", "--ioprio", "best-effort:7"]
    score, files, umask, machine, forward, *io = run(cli, script, *options)
    assert (score, files, umask, forward) == ("500", "64", "0077", "1")
    assert machine != os.uname().machine or not machine.endswith("64")
    assert io == ["best-effort:", "prio", "7"]


def test_a_map_that_moves_ids_and_has_no_root_is_refused(cli: CommandLine) -> None:
    options = ["--uidmap", "5:0:1", "--gidmap", "5:0:1", "--user", "5:5"]
    sentence = cli.refused("run", "--rm", *options, "host", "true", status=125)
    assert "$.linux.uidMappings" in sentence


def test_ids_are_moved_by_the_maps(cli: CommandLine) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user's ids can't be moved")
    with running(cli, "first", "--uidmap", "0:150000:1000", "--gidmap", "0:160000:1000") as pid:
        status = Path(f"/proc/{pid}/status").read_text()
        assert "Uid:\t150000\t" in status
        assert "Gid:\t160000\t" in status
        assert cli.ok("exec", "first", "stat", "-c", "%u:%g", "/") == "0:0"
