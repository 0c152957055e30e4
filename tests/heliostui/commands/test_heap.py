"""`heliostui heap …` and `run --heap`, through the real command line and a real engine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.heap import library
from engine.heap.playground.trace import parse
from tests.heliostui.conftest import PATIENCE, CommandLine

if library.path() is None:
    pytest.skip(library.why_missing(), allow_module_level=True)

PYTHON = "/usr/bin/python3"
BUSY = """
blocks = [bytearray(n) for n in range(2000, 200_000, 1000)]
del blocks[::3]
print("ready", flush=True)
import time
n = 0
while n := n + 1:
    time.sleep(0.01)
    blocks[5] = bytearray(6000)
    if n % 30 == 0:
        blocks[6] = bytearray(900_000 if n % 60 else 10)
"""
FIRST = """
#include <stdlib.h>
int main(void) {
    for (int i = 0; i < 3; i++)
        free(malloc(5000));
    void *kept = malloc(70000);
    return kept ? 7 : 1;
}
"""

needs_python = pytest.mark.skipif(not os.path.exists(PYTHON), reason="there is no python3 to allocate something")


@pytest.fixture(scope="module")
def busy(cli: CommandLine) -> Iterator[str]:
    """A container with a program that allocates now and then."""
    if not os.path.exists(PYTHON):
        pytest.skip("there is no python3 to allocate something")
    cli.ok("run", "-d", "--name", "busy", "--heap=first", "host", PYTHON, "-c", BUSY)
    with cli.popen("logs", "-f", "busy", stdout=subprocess.PIPE) as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == b"ready\n"
        logs.terminate()
    yield "busy"
    cli.ok("rm", "-f", "busy")


@pytest.fixture
def program(tmp_path: Path) -> str:
    """A program that allocates what is known, and ends with 7."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to build a program")
    (tmp_path / "first.c").write_text(FIRST)
    subprocess.run(["gcc", "-O0", "-o", tmp_path / "first", tmp_path / "first.c"], check=True)
    return str(tmp_path / "first")


# --- run --heap ---


@pytest.mark.parametrize("word", ["frist", "slabs", "slabs=maybe", "first,best", "check=off", "policy=", "trace=/x"])
def test_a_bad_word_is_refused_before_anything_is_made(cli: CommandLine, word: str) -> None:
    assert "--heap" in cli.refused("run", f"--heap={word}", "host", "true", status=2)
    assert cli.containers() == {} or "busy" in cli.containers()


def test_the_option_takes_no_word_behind_it(cli: CommandLine) -> None:
    shown = cli.ok("run", "--rm", "--heap", "host", "sh", "-c", "echo $HELIOS_HEAP $0 $1", "--heap", "--heap=x")
    assert shown == "policy=best --heap --heap=x"


def test_inspect_and_spec_tell_of_it(cli: CommandLine) -> None:
    cli.ok("create", "--name", "told", "--heap=worst,check", "host", "true")
    (told,) = cli.json("inspect", "told")
    assert told["options"]["heap"] == {"policy": "worst", "slabs": True, "cache": True, "check": True}
    spec = cli.json("spec", "--heap=next", "host", "true")
    assert "HELIOS_HEAP=policy=next" in spec["process"]["env"]
    assert library.PLACE in [mount["destination"] for mount in spec["mounts"]]
    cli.ok("rm", "told")


def test_a_configuration_file_may_ask_for_it(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('image = "host"\ncommand = ["sh", "-c", "echo $HELIOS_HEAP"]\nheap = "first"\n')
    assert cli.ok("run", "--rm", "--config", str(tmp_path / "c.toml")) == "policy=first"
    (tmp_path / "c.toml").write_text('image = "host"\ncommand = ["sh", "-c", "echo $HELIOS_HEAP"]\nheap = true\n')
    assert cli.ok("run", "--rm", "--config", str(tmp_path / "c.toml")) == "policy=best"
    (tmp_path / "bad.toml").write_text('image = "host"\nheap = "frist"\n')
    assert "line 2: heap" in cli.refused("run", "--config", str(tmp_path / "bad.toml"), status=125)


# --- looking ---


def test_ls_tells_which_processes_have_a_heap(cli: CommandLine, busy: str) -> None:
    lines = cli.ok("heap", "ls", busy).splitlines()
    assert lines[0].split() == ["PID", "HOST", "PID", "HEAP", "USED", "MAPPED", "COMMAND"]
    assert lines[1].startswith("1 ")
    assert "first fit" in lines[1]
    (process,) = cli.json("heap", "ls", "--format", "json", busy)
    assert (process["pid"], process["options"]["policy"], process["reason"]) == (1, "first", "")


def test_ls_says_why_a_process_has_none(cli: CommandLine, container: str) -> None:
    (line,) = cli.ok("heap", "ls", container).splitlines()[1:]
    assert "no: " in line
    assert "--heap" in cli.refused("heap", "show", container, status=1)


def test_show_is_a_page_of_figures(cli: CommandLine, busy: str) -> None:
    page = cli.ok("heap", "show", busy)
    for words in ("mapped", "internal fragmentation", "external fragmentation", "SEGMENT", "FREE LIST", "SLOT SIZE"):
        assert words in page
    assert len(max(page.splitlines(), key=len)) <= 260
    report = cli.json("heap", "show", "--json", "--exact", busy, "1")
    assert report["consistent"]
    assert report["totals"]["requested"] > 13_000_000


def test_the_map_is_rows_of_cells(cli: CommandLine, busy: str) -> None:
    lines = cli.ok("heap", "map", "--rows", "5", busy).splitlines()
    assert "a cell, rows 1 to 5 of" in lines[0]
    assert "\x1b" not in "".join(lines)
    assert lines[1].startswith("█ in use")
    assert sum(line.startswith("0x") for line in lines) == 5
    address = next(line.split()[0] for line in lines if line.startswith("0x"))
    close = cli.json("heap", "map", "--json", "--cell", "64", "--at", address, busy)
    assert close["cell"] == 64


def test_the_map_tells_what_is_at_an_address(cli: CommandLine, busy: str) -> None:
    (free,) = cli.json("heap", "free-list", "--json", "--limit", "1", busy)["blocks"]
    told = cli.ok("heap", "map", "--at", free["address"], busy).splitlines()[2]
    assert told.startswith(f"{free['address']} is in a ")
    assert cli.ok("heap", "map", "--at", "0x12", busy).splitlines()[2] == "0x12 is in no block of this heap"


def test_the_map_has_colours_on_a_terminal_and_is_drawn_again(cli: CommandLine, busy: str) -> None:
    with cli.terminal("heap", "map", "--watch", busy) as terminal:
        terminal.until(b"in use")
        terminal.until(b"\x1b[0;")
        terminal.until(b"\x1b[H")  # from the top again, because something has changed
        terminal.type(b"\x03")
        assert terminal.end() == 130


def test_events_are_told_as_they_happen_until_the_container_ends(cli: CommandLine) -> None:
    if not os.path.exists(PYTHON):
        pytest.skip("there is no python3 to allocate something")
    cli.ok("run", "-d", "--name", "short", "--heap", "host", PYTHON, "-c", BUSY)
    with cli.popen("heap", "events", "short", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as following:
        assert following.stdout is not None
        kinds: set[str] = set()
        while not {"alloc", "free"} <= kinds:  # while it begins, a program may allocate only
            kinds.add(following.stdout.readline().split()[3].decode())
        cli.ok("rm", "-f", "short")
        _, complaint = following.communicate(timeout=PATIENCE)
    assert following.returncode == 0
    assert complaint.startswith(b"heliostui: ")


def test_events_end_with_ctrl_c(cli: CommandLine, busy: str) -> None:
    with cli.popen("heap", "events", "--json", busy, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["kind"]
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=PATIENCE)
    assert following.returncode == 130


def test_the_free_list_is_in_list_order(cli: CommandLine, busy: str) -> None:
    lines = cli.ok("heap", "free-list", "--limit", "3", busy).splitlines()
    assert lines[0].split()[:3] == ["#", "ADDRESS", "SIZE"]
    assert lines[-1].startswith("… and ")
    found = cli.json("heap", "free-list", "--json", "--limit", "1000", busy)
    bins = [block["bin"] for block in found["blocks"]]
    assert bins == sorted(bins)
    one = cli.json("heap", "free-list", "--json", "--bin", str(bins[-1]), busy)
    assert {block["bin"] for block in one["blocks"]} <= {bins[-1]}


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (["heap"], 2, "ls|show"),
        (["heap", "show"], 2, "CONTAINER"),
        (["heap", "show", "busy", "-1"], 2, "-1"),
        (["heap", "show", "busy", "x"], 2, "'x' is no number"),
        (["heap", "show", "nobody"], 1, "nobody"),
        (["heap", "show", "busy", "77"], 1, "no process 77"),
        (["heap", "map", "--cell", "100", "busy"], 2, "power of two"),
        (["heap", "map", "--at", "here", "busy"], 2, "'here' is no address"),
        (["heap", "map", "--rows", "0", "busy"], 2, "one row at least"),
        (["heap", "map", "--watch", "--json", "busy"], 2, "--json: not allowed with argument --watch"),
        (["heap", "play", "/nosuch"], 1, "/nosuch"),
        (["heap", "play", "--compare", "best,least", "/nosuch"], 2, "least"),
        (["heap", "record"], 2, "required: PROGRAM"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_what_can_not_be_is_told_in_a_sentence(
    cli: CommandLine, busy: str, words: list[str], status: int, what: str
) -> None:
    assert what in cli.refused(*words, status=status)


# --- recording ---


def test_a_program_is_recorded_and_ends_as_it_would(cli: CommandLine, program: str, tmp_path: Path) -> None:
    trace = tmp_path / "it.trace"
    result = cli("heap", "record", "-o", str(trace), "--", program)
    assert result.returncode == 7
    assert str(trace) in result.stderr
    operations = [str(operation) for operation in parse(trace.read_text().splitlines())]
    asked = [line for line in operations if line in ("alloc 5000", "alloc 70000") or line.startswith("free")]
    assert [line for line in asked if line.startswith("alloc")] == ["alloc 5000"] * 3 + ["alloc 70000"]
    assert sum(line.startswith("free") for line in asked) >= 3
    assert sorted(os.listdir(tmp_path)) == ["first", "first.c", "it.trace"]


def test_a_program_that_forks_is_recorded_alone(cli: CommandLine, program: str, tmp_path: Path) -> None:
    trace = tmp_path / "sh.trace"
    result = cli("heap", "record", "-o", str(trace), "sh", "-c", f"{program}; {program} | cat; exit 3")
    assert result.returncode == 3
    assert "alloc 70000" not in trace.read_text()
    assert "helios-heap" not in result.stderr
    assert "alone" in result.stderr


def test_a_program_that_is_killed_leaves_its_trace(cli: CommandLine, tmp_path: Path) -> None:
    trace = tmp_path / "killed.trace"
    assert cli("heap", "record", "-o", str(trace), "--", "bash", "-c", "kill -9 $$").returncode == 137
    assert list(parse(trace.read_text().splitlines()))


@pytest.mark.parametrize(
    ("name", "status"), [("nosuch", 127), ("./nosuch", 127), ("/etc/hostname", 126), ("/etc", 126)]
)
def test_what_is_no_program_is_refused_as_by_a_shell(cli: CommandLine, name: str, status: int, tmp_path: Path) -> None:
    cli.refused("heap", "record", "-o", str(tmp_path / "t"), "--", name, status=status)
    assert not list(tmp_path.iterdir())


def test_a_program_without_our_allocator_runs_and_leaves_no_trace(cli: CommandLine, tmp_path: Path) -> None:
    if shutil.which("busybox") is None:
        pytest.skip("there is no busybox")
    result = cli("heap", "record", "-o", str(tmp_path / "t"), "busybox", "echo", "well")
    assert (result.stdout, result.returncode) == ("well\n", 125)
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_nothing_is_run(cli: CommandLine, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    cli.refused("heap", "record", "-o", "/nosuch/t", "touch", str(mark), status=125)
    assert not mark.exists()


# --- playing ---


@pytest.mark.parametrize("name", ["my state", "my:state", "my$state"])
def test_where_the_loader_would_not_find_it_nothing_is_run(
    cli: CommandLine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cli.environment, "HELIOSTUI_STATE", str(tmp_path / name))
    said = cli.refused("heap", "record", "-o", str(tmp_path / "t"), "--", "touch", str(tmp_path / "ran"), status=125)
    assert "HELIOSTUI_STATE" in said
    assert not (tmp_path / "ran").exists()


def test_a_trace_is_played_with_several_policies_side_by_side(cli: CommandLine, tmp_path: Path) -> None:
    sizes = [2000 + 64 * (number * 7 % 97) for number in range(500)]
    lines = [f"alloc {size}" for size in sizes] + [f"free #{number}" for number in range(1, 501, 2)]
    (tmp_path / "t").write_text("\n".join([*lines, "alloc 3000", "# the end"]))
    shown = cli.ok("heap", "play", str(tmp_path / "t"), "--compare", "best,first,next,worst").splitlines()
    assert shown[0].split("   ")[-1].strip() == "WORST FIT"
    assert shown[1].split() == ["operations", *["751"] * 4]
    played = cli.json("heap", "play", "--json", "--policy", "first", "--heap=slabs=off", str(tmp_path / "t"))
    assert played[0]["options"] == {"policy": "first", "slabs": False, "cache": True, "check": False}
    assert played[0]["totals"]["requested"] == sum(sizes[1::2]) + 3000


def test_a_mistake_in_a_trace_ends_that_heap_alone(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("alloc 200\nfree #1\nfree #1\nalloc 5\n")
    result = cli("heap", "play", str(tmp_path / "t"))
    assert result.returncode == 1
    assert "double free" in result.stdout
    assert cli.ok("engine", "status")


def test_a_bad_line_is_named(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("alloc 200\nalloc many\n")
    assert "Line 2" in cli.refused("heap", "play", str(tmp_path / "t"), status=1)


def test_what_has_no_end_is_not_read(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("alloc " + "9" * 100_000)
    assert "Line 1 has more than" in cli.refused("heap", "play", str(tmp_path / "long"), status=1)
    for place in ("/dev/zero", "/dev/stdin", str(tmp_path)):
        assert "is no file" in cli.refused("heap", "play", place, status=1)


def test_a_recorded_program_is_played(cli: CommandLine, program: str, tmp_path: Path) -> None:
    cli("heap", "record", "-o", str(tmp_path / "t"), "--", program)
    (played,) = cli.json("heap", "play", "--json", str(tmp_path / "t"))
    assert played["ended"] == ""
    assert played["totals"]["requested"] >= 70000
