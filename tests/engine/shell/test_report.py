"""The job table as heliosh tells it to whoever draws the terminal."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import msgspec
import pytest

from engine.protocol.messages import Job, JobEvent
from engine.shell.report import LIMIT, Report, _reports
from tests.engine.shell.conftest import PROMPT, ShellTerminal, Terminals


@pytest.fixture
def watched(terminals: Terminals) -> ShellTerminal:
    """An interactive heliosh whose terminal is drawn by somebody who wants to know."""
    shell = terminals(env={"HELIOSTUI_JOBS": "1"})
    shell.expect(PROMPT)
    return shell


def kinds(shell: ShellTerminal) -> list[str]:
    """All events so far, as `kind` or `kind text`."""
    return [event["kind"] for report in shell.reports for event in report["events"]]


def test_nothing_is_told_where_nobody_asks(shell: ShellTerminal) -> None:
    shell.run("true | true; sleep 0 & wait")
    assert shell.reports == []


def test_nothing_is_told_by_a_script_or_a_subshell(terminals: Terminals) -> None:
    shell = terminals("-c", "true; (true | true); sleep 0 & wait", env={"HELIOSTUI_JOBS": "1"})
    shell.end()
    assert shell.reports == []


def test_the_first_report_tells_the_shell(watched: ShellTerminal) -> None:
    first = watched.reports[0]
    assert first["v"] == 1
    assert first["shell"] == first["shell_pgid"] == first["foreground"] == watched.pid
    assert first["jobs"] == []


def test_a_foreground_job_is_told_while_it_runs(watched: ShellTerminal) -> None:
    watched.send("sleep 100 | cat\n")
    report = watched.until_report(lambda report: bool(report["jobs"]) and len(report["jobs"][0]["processes"]) == 2)
    job = report["jobs"][0]
    assert report["foreground"] == job["pgid"] == job["processes"][0]["pid"] == watched.foreground()
    assert (job["number"], job["state"], job["foreground"], job["command"]) == (1, "running", True, "sleep 100 | cat")
    assert [process["command"] for process in job["processes"]] == ["sleep 100", "cat"]


def test_stop_continue_and_end_are_told_as_they_happen(watched: ShellTerminal) -> None:
    watched.send("sleep 100\n")
    watched.until_report(lambda report: bool(report["jobs"]))
    watched.until(lambda: watched.foreground() != watched.pid)
    watched.send("\x1a")
    stopped = watched.until_report(lambda report: any(job["state"] == "stopped" for job in report["jobs"]))
    watched.expect(PROMPT)
    assert stopped["jobs"][0]["processes"][0]["signal"] == "TSTP"
    assert watched.reports[-1]["jobs"][0]["mark"] == "+"
    assert watched.reports[-1]["foreground"] == watched.pid
    watched.send("bg\n")
    watched.until(lambda: "continue" in kinds(watched))
    os.kill(stopped["jobs"][0]["pgid"], signal.SIGTERM)
    done = watched.until_report(lambda report: any(job["state"] == "done" for job in report["jobs"]))
    assert done["jobs"][0]["processes"][0]["status"] == 143
    assert done["jobs"][0]["processes"][0]["signal"] == "TERM"
    watched.send("\n")
    watched.until(lambda: watched.reports[-1]["jobs"] == [])


def test_events_come_in_the_order_in_which_they_happen(watched: ShellTerminal) -> None:
    watched.run("/bin/true | /bin/cat")
    events = [event for report in watched.reports for event in report["events"]]
    times = [event["time"] for event in events]
    assert times == sorted(times)
    leader = events[0]["pid"]
    first = [event["kind"] for event in events if event["pid"] == leader]
    assert first == ["fork", "setpgid", "exec", "exit"]
    foreground = [event["pgid"] for event in events if event["kind"] == "foreground"]
    assert foreground == [leader, watched.pid]


def test_reports_have_the_shapes_of_the_protocol(watched: ShellTerminal) -> None:
    watched.run("sleep 100 | cat &")
    watched.run("(exit 3); (exit 4) | (exit 5)")
    watched.run("kill %1")
    for report in watched.reports:
        msgspec.convert(report["jobs"], list[Job])
        msgspec.convert(report["events"], list[JobEvent])
        assert set(report) == {"v", "shell", "shell_pgid", "foreground", "jobs", "events"}


def test_a_report_stands_whole_in_a_flood_of_output(watched: ShellTerminal) -> None:
    watched.send("{ yes | head -c 300000; } & sleep 0.05 & wait; echo the en''d\n")
    watched.expect("the end\r\n")
    watched.expect(PROMPT)
    states = {job["command"]: job["state"] for report in watched.reports for job in report["jobs"]}
    assert states["sleep 0.05"] == "done"


def test_events_are_shared_out_so_that_the_kernel_keeps_each_report_whole() -> None:
    events: list[dict[str, Any]] = [{"time": 1.0, "kind": "exec", "pid": n, "pgid": n, "text": "x"} for n in range(500)]
    reports = list(_reports({"jobs": []}, events))
    assert all(len(report) <= 2048 for report in reports)
    told = [event for report in reports for event in json.loads(report[15:-2])["events"]]
    assert told == events


def test_a_table_is_never_too_long() -> None:
    jobs = [{"number": n, "command": "y" * 200} for n in range(1000)]
    assert [len(report) <= LIMIT for report in _reports({"jobs": jobs}, [])] == [True]


def test_a_terminal_that_is_gone_is_no_trouble() -> None:
    read, write = os.pipe()
    os.close(read)
    report = Report(write)
    report.event("fork", 1, 1)

    class Nothing:
        def owner(self) -> int:
            return 0

    report.send(Nothing(), [])  # type: ignore[arg-type]
    os.close(write)
