"""Promises of `stats`, `top` and `explain` (N12): what containers use, and where each number comes from."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest

from engine.protocol.metrics import METRICS

from .conftest import CommandLine

BUSY = ["sh", "-c", "while sleep 0.05; do :; done"]  # forks and execs often, and leaves the machine to others


@pytest.fixture(scope="module")
def busy(cli: CommandLine) -> Iterator[str]:
    """A container that does something, and one that sleeps beside it."""
    cli.ok("run", "-d", "--name", "sleeper", "host", "sleep", "600")
    yield cli.ok("run", "-d", "--name", "busy", "host", *BUSY)
    cli.ok("rm", "-f", "busy", "sleeper")


def measured(cli: CommandLine, *words: str) -> dict[str, dict[str, float]]:
    return {sample["name"]: sample["values"] for sample in cli.json("stats", "--no-stream", "--format", "json", *words)}


def test_stats_tell_once_what_each_container_uses(cli: CommandLine, busy: str) -> None:
    values = measured(cli)
    assert set(values) == {"busy", "sleeper"}
    assert values["busy"]["cpu"] > 0
    assert values["sleeper"]["cpu"] == 0
    assert set(values["busy"]) <= set(METRICS)


def test_stats_of_named_containers_know_their_threads_too(cli: CommandLine, busy: str) -> None:
    values = measured(cli, "busy")
    assert set(values) == {"busy"}
    assert values["busy"]["files"] >= 3
    assert values["busy"]["switches"] > 0


def test_the_table_has_a_row_for_each(cli: CommandLine, busy: str) -> None:
    heading, *rows = cli.ok("stats", "--no-stream").splitlines()
    assert heading.startswith("CONTAINER ID   NAME")
    assert len(rows) == 2
    assert busy in cli.ok("stats", "--no-stream", "busy")


def test_stats_in_a_pipe_are_plain_lines_as_they_come(cli: CommandLine, busy: str) -> None:
    with cli.popen("stats", "--format", "json", "busy", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        samples = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.terminate()
    assert [sample["name"] for sample in samples] == ["busy"] * 3
    assert all(sooner["time"] < later["time"] for sooner, later in pairwise(samples))
    assert samples[-1]["values"]["cpu"] > 0


def test_on_a_terminal_the_table_is_written_over(cli: CommandLine, busy: str) -> None:
    with cli.terminal("stats", columns=80, lines=24) as terminal:
        first = terminal.until(b"sleeper")
        assert first.startswith(b"\x1b[2J\x1b[H")
        again = terminal.until(b"\x1b[H")  # the next one begins where the first did
        assert b"\x1b[2J" not in again
        terminal.type(b"\x03")
        assert terminal.end() == 130


def test_the_stream_of_a_container_ends_with_it(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "brief", "host", "sleep", "600")
    with cli.popen("stats", "--format", "json", "brief", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        cli.ok("rm", "-f", "brief")
        process.stdout.read()
        assert process.wait() == 0


@pytest.mark.parametrize("words", [["stats", "--no-stream"], ["stats"], ["explain"]])
def test_what_does_not_run_has_no_numbers(cli: CommandLine, words: list[str]) -> None:
    cli.ok("create", "--name", "created", "host", "true")
    assert "is not running" in cli.refused(*words, "created", status=1)
    cli.ok("rm", "created")


def test_top_tells_what_each_process_uses(cli: CommandLine, busy: str) -> None:
    process = cli.json("top", "--format", "json", "busy")[0]
    assert process["cpu"] >= 0
    assert process["threads"] == 1
    assert process["files"] == 3
    assert process["read"] is None or process["read"] >= 0
    assert "CPU %" in cli.ok("top", "busy")


def test_explain_lists_all_metrics_with_their_values(cli: CommandLine, busy: str) -> None:
    rows = [row.split() for row in cli.ok("explain", "busy").splitlines()[1:]]
    assert [row[0] for row in rows] == list(METRICS)
    assert dict(cli.json("explain", "--format", "json", "busy"))["values"]["files"] >= 3


def test_explain_tells_file_texts_formula_and_arithmetic(cli: CommandLine, busy: str) -> None:
    explanation = cli.json("explain", "--format", "json", "busy", "cpu")
    assert explanation["value"] > 0
    (source,) = explanation["sources"][:1]
    assert os.path.exists(source["path"])
    assert source["before"]["raw"] != source["after"]["raw"]
    text = cli.ok("explain", "busy", "cpu")
    for part in ("formula", "Δ", source["path"]):
        assert part in text


def test_the_machine_is_measured_as_a_container_named_host(cli: CommandLine, busy: str) -> None:
    values = measured(cli, "--host", "busy")
    assert set(values) == {"host", "busy"}
    assert values["host"]["cpu"] > 0
    assert values["host"]["cpu.limit"] == os.cpu_count()
    assert values["host"]["memory"] < values["host"]["memory.limit"]
    assert "host" in cli.ok("stats", "--no-stream", "--host")


def test_all_containers_are_not_the_machine(cli: CommandLine, busy: str) -> None:
    assert "host" not in measured(cli)


def test_only_the_metrics_that_were_asked_for_are_sent(cli: CommandLine, busy: str) -> None:
    assert measured(cli, "--metric", "cpu", "--metric", "pids", "sleeper")["sleeper"].keys() == {"cpu", "pids"}
    assert cli.ok("stats", "--no-stream", "--host", "--metric", "load.1").split()[:3] == ["NAME", "load.1", "host"]
    with cli.popen("stats", "--format", "json", "--metric", "pids", "sleeper", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["values"].keys() == {"pids"}
        process.terminate()


def test_a_metric_that_is_none_is_refused_in_a_sentence(cli: CommandLine, busy: str) -> None:
    for words in (["--no-stream"], []):
        assert "There is no metric 'cpus'" in cli.refused("stats", *words, "--metric", "cpus", "busy", status=1)


def test_numbers_of_the_machine_are_explained_too(cli: CommandLine, busy: str) -> None:
    explanation = cli.json("explain", "--format", "json", "--host", "memory")
    assert explanation["sources"][0]["path"] == "/proc/meminfo"
    assert explanation["formula"] == "1,024 × (MemTotal − MemAvailable)"
    assert "it is a container's" in cli.refused("explain", "--host", "pids.limit", status=1)
    assert "CONTAINER is missing" in cli.refused("explain", status=2)


def test_an_unknown_metric_is_refused_with_those_near_it(cli: CommandLine, busy: str) -> None:
    sentence = cli.refused("explain", "busy", "memory.lost", status=1)
    assert "memory.limit" in sentence
    assert "cpu" not in sentence


def test_a_metric_that_cannot_be_had_says_why(cli: CommandLine, busy: str) -> None:
    missing = set(METRICS) - set(measured(cli, "busy")["busy"])
    for metric in missing:
        result = cli("explain", "busy", metric)
        assert "no limit" in result.stdout or "can't be had" in result.stderr or "no number" in result.stdout
