"""The verbs that steer and list containers, with a real engine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import CommandLine

pytestmark = pytest.mark.timeout(120)


def status(cli: CommandLine, name: str) -> str:
    return str(cli.containers()[name]["status"])


def test_a_life_from_create_to_rm(cli: CommandLine) -> None:
    identity = cli.ok("create", "--name", "life", "host", "sleep", "600")
    assert re.fullmatch("[0-9a-f]{12}", identity)
    assert status(cli, "life") == "created"
    assert cli.ok("start", "life") == "life"
    assert status(cli, "life") == "running"
    assert cli.ok("rename", "life", "second_life") == ""
    assert cli.ok("stop", "-t", "0.1", identity[:8]) == identity[:8]
    assert status(cli, "second_life") == "stopped"
    assert cli.ok("start", "second_life") == "second_life"
    assert cli.ok("kill", "-s", "SIGKILL", "second_life") == "second_life"
    assert cli.ok("wait", "second_life") == "137"
    assert cli.ok("rm", "second_life") == "second_life"
    assert "second_life" not in cli.containers()


def test_a_container_can_be_frozen_and_thawed(cli: CommandLine, container: str) -> None:
    found = {finding["name"]: finding for finding in cli.json("doctor", "--format", "json")}
    if found["cgroups"]["status"] == "missing":
        assert "cgroup" in cli.refused("pause", container, status=1)
        pytest.skip(found["cgroups"]["text"])
    assert cli.ok("pause", container) == container
    assert status(cli, container) == "paused"
    assert "(Paused)" in cli.ok("ps")
    assert cli.ok("unpause", container) == container
    assert status(cli, container) == "running"


def test_files_stay_from_one_start_to_the_next(cli: CommandLine) -> None:
    cli.ok("create", "--name", "files", "host", "sh", "-c", "echo again >> /kept; cat /kept")
    assert cli("start", "-a", "files").stdout == "again\n"
    assert cli("start", "-a", "files").stdout == "again\nagain\n"
    cli.ok("rm", "files")


def test_one_failure_among_several_does_not_stop_the_others(cli: CommandLine, container: str) -> None:
    result = cli("stop", "-t", "0", "not_there", container)
    assert result.stdout == f"{container}\n"
    assert result.stderr.startswith("heliostui: ")
    assert "not_there" in result.stderr
    assert result.returncode == 1


@pytest.mark.parametrize(
    "words",
    [
        ["stop"],
        ["kill"],
        ["pause"],
        ["unpause"],
        ["rm"],
        ["wait"],
        ["logs"],
        ["top"],
        ["attach"],
        ["inspect", "--launch"],
    ],
)
def test_an_unknown_container_is_one_sentence(cli: CommandLine, words: list[str]) -> None:
    assert "nobody" in cli.refused(*words, "nobody", status=1)


def test_an_unknown_container_fails_to_start_with_125(cli: CommandLine) -> None:
    assert "nobody" in cli.refused("start", "nobody", status=125)
    assert "nobody" in cli.refused("exec", "nobody", "true", status=125)


def test_a_running_container_is_removed_by_force_only(cli: CommandLine, container: str) -> None:
    assert container in cli.refused("rm", container, status=1)
    assert cli.ok("rm", "-f", container) == container


def test_a_bad_signal_and_a_name_in_use_are_refused(cli: CommandLine, container: str) -> None:
    assert "NONSENSE" in cli.refused("kill", "-s", "NONSENSE", container, status=1)
    cli.ok("create", "--name", "taken", "host", "true")
    assert "taken" in cli.refused("rename", container, "taken", status=1)
    cli.ok("rm", "taken")


def test_ps_lists_what_runs_and_with_a_everything(cli: CommandLine, container: str) -> None:
    cli.ok("create", "--name", "asleep", "-l", "tier=front", "host", "true")
    running, everything = cli.ok("ps"), cli.ok("ps", "-a")
    assert running.splitlines()[0].split()[:2] == ["CONTAINER", "ID"]
    assert container in running
    assert "Up " in running
    assert "asleep" not in running
    assert re.search(r"Created +asleep", everything)
    identity = cli.containers()["asleep"]["id"]
    assert cli.ok("ps", "-aq", "-f", "label=tier=front") == identity
    assert cli.ok("ps", "-a", "-q", "--filter", "status=created", "--filter", "name=slee") == identity
    assert cli.json("ps", "-f", "name=no_such_name", "--format", "json") == []
    assert "colour" in cli.refused("ps", "-f", "colour=red", status=1)
    cli.ok("rm", "asleep")


def test_ps_cuts_long_commands_unless_told_not_to(cli: CommandLine) -> None:
    cli.ok("create", "--name", "long", "host", "echo", "a" * 60)
    assert "a" * 60 not in cli.ok("ps", "-a")
    assert "a" * 60 in cli.ok("ps", "-a", "--no-trunc")
    cli.ok("rm", "long")


def test_inspect_tells_all_as_an_array(cli: CommandLine, container: str) -> None:
    (found,) = cli.json("inspect", container)
    assert found["name"] == container
    assert found["image"] == "host"
    assert found["state"]["status"] == "running"
    assert Path(f"/proc/{found['state']['pid']}").exists()
    assert found["state"]["exit_code"] is None
    assert found["state"]["started_at"]
    assert {"/proc", "/dev"} <= {mount["destination"] for mount in found["mounts"]}
    assert found["spec"]["process"]["args"][-2:] == ["sleep", "600"]
    result = cli("inspect", container, "nobody")
    assert len(json.loads(result.stdout)) == 1
    assert "nobody" in result.stderr
    assert result.returncode == 1


def test_inspect_launch_tells_each_call_with_reason_time_and_result(cli: CommandLine, container: str) -> None:
    told = cli.ok("inspect", "--launch", container)
    assert "pivot_root" in told
    assert "execve" in told
    assert re.search(r"calls in [\d.]+ (µs|ms)", told)
    document = cli.json("inspect", "--launch", "--format", "json", container)
    assert document["name"] == container
    assert all(step["why"] for step in document["steps"])
    assert len(document["steps"]) > 20


def test_logs_come_apart_with_tail_since_and_timestamps(cli: CommandLine) -> None:
    script = "echo one; echo two; echo err >&2; printf three"
    cli.ok("run", "-d", "--name", "writer", "host", "sh", "-c", script)
    assert cli.ok("wait", "writer") == "0"
    result = cli("logs", "writer")
    assert (result.stdout, result.stderr) == ("one\ntwo\nthree", "err\n")
    assert cli("logs", "--tail", "0", "writer").stdout == ""
    assert cli("logs", "--tail", "1", "writer").stdout == "three"
    assert cli("logs", "--since", "1h", "writer").stdout == "one\ntwo\nthree"
    assert cli("logs", "--since", "2999-01-01T00:00:00Z", "writer").stdout == ""
    stamped = cli("logs", "-t", "writer").stdout.splitlines()
    assert [line.split(" ", 1)[1] for line in stamped] == ["one", "two", "three"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ", line) for line in stamped)
    cli.ok("rm", "writer")


def test_followed_logs_end_with_the_container(cli: CommandLine) -> None:
    cli.ok("run", "-d", "-i", "--name", "followed", "host", "sh", "-c", "echo first; read line; echo second")
    with cli.popen("logs", "-f", "followed", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        cli("attach", "followed", stdin="go on\n")
        assert process.stdout.read() == b"second\n"
    assert process.returncode == 0
    assert cli.ok("logs", "-f", "followed") == "first\nsecond"
    cli.ok("rm", "followed")


def test_top_lists_processes_inside_and_outside(cli: CommandLine, container: str) -> None:
    (process,) = cli.json("top", "--format", "json", container)
    assert process["command"] == ["sleep", "600"]
    assert process["inner_pid"] == 1
    assert Path(f"/proc/{process['pid']}/comm").read_text() == "sleep\n"
    assert "sleep 600" in cli.ok("top", container)


def test_events_are_told_as_they_happen(cli: CommandLine) -> None:
    with cli.popen("events", "--format", "json", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        # The stream may begin after the first of these; go on until it tells of one.
        os.set_blocking(process.stdout.fileno(), False)
        while not (line := process.stdout.readline()):
            cli.ok("run", "--rm", "--name", "eventful", "host", "true")
        process.terminate()
        event = json.loads(line)
        assert event["name"] == "eventful"
        assert event["action"] in ("create", "start", "attach", "die", "detach", "remove")


def test_images_and_doctor_list_what_there_is(cli: CommandLine) -> None:
    images = {image["name"]: image for image in cli.json("images", "--format", "json")}
    assert images["host"]["available"]
    assert "busybox" in images
    assert "host" in cli.ok("images")
    findings = cli.json("doctor", "--format", "json")
    assert {finding["status"] for finding in findings} <= {"ok", "limited", "missing"}
    assert findings[0]["name"] in cli.ok("doctor")


def test_the_engine_tells_who_it_is(cli: CommandLine) -> None:
    assert "runs as pid" in cli.ok("engine", "start")
    info = cli.json("engine", "status", "--format", "json")
    assert Path(f"/proc/{info['pid']}").exists()
    assert Path(f"/proc/{info['keeper_pid']}").exists()
    assert info["socket"] == f"{cli.environment['HELIOSTUI_RUNTIME']}/engine.sock"
    assert cli.json("version", "--format", "json")["engine"]["version"] == info["version"]


def test_an_engine_with_running_containers_ends_only_when_told_so(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("run", "-d", "--init", "--name", "runs", "host", "sleep", "600")
    info = line.json("engine", "status", "--format", "json")
    pid = line.containers()["runs"]["pid"]
    try:
        line.refused("engine", "stop", status=1)
        assert line.containers()["runs"]["status"] == "running"
    finally:
        line.ok("engine", "stop", "--all")
    for gone in (info["pid"], info["keeper_pid"], pid):
        assert not runs(gone)
    assert "is not running" in line.refused("engine", "status", status=1)


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is more than an exit status (proc_pid_stat(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_closed_pipe_ends_a_listing_quietly(cli: CommandLine) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with cli.popen("ps", stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.communicate()[1] == b""
    assert process.returncode == 128 + signal.SIGPIPE
