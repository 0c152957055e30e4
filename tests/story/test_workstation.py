"""The workstation in a real terminal, on a small screen and on a large one: what one does all day, by keys."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heliostui.recording.cast import read
from tests.story.conftest import Person, Screen, person

SMALL, LARGE = (80, 24), (200, 60)
BUSY = "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.1; done"
PATIENT = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
F1, F2, F3, F4 = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS"
F5, F6, F7, F8, F9 = (f"\x1b[{number}~" for number in (15, 17, 18, 19, 20))
LEFT, RIGHT, DOWN, PAGE_UP, END, ESCAPE, RELEASE, DELETE = (
    "\x1b[D",
    "\x1b[C",
    "\x1b[B",
    "\x1b[5~",
    "\x1b[F",
    "\x1b",
    "\x1d",
    "\x1b[3~",
)
TO_CONTAINERS = "\x1b0"  # alt+0
PALETTE, CLEAR_LINE = "\x10", "\x15"

sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x60"])


@pytest.fixture(scope="module")
def somebody() -> Iterator[Person]:
    if os.geteuid() != 0:
        pytest.skip("limits need a cgroup of one's own: run as root")
    with contextmanager(person)(pwd.getpwuid(0)) as root:
        yield root


@pytest.fixture(autouse=True)
def nothing_remembered(somebody: Person) -> Iterator[None]:
    """Each begins with the usual layout, and leaves no container."""
    yield
    for container in somebody.containers():
        assert somebody.heliostui("rm", "-f", container["name"]).returncode == 0
    terminals = somebody.heliostui("terminal", "ls", "-q").stdout.split()
    assert not terminals or somebody.heliostui("terminal", "close", *terminals).returncode == 0
    (Path(somebody.environment["HELIOSTUI_STATE"]) / "console.json").unlink(missing_ok=True)


def made(somebody: Person, name: str, script: str) -> None:
    done = somebody.heliostui("run", "-d", "--name", name, "host", "sh", "-c", script)
    assert done.returncode == 0, done.stderr


def leave(screen: Screen) -> None:
    screen.type("q")
    assert screen.end() == 0


@sizes
def test_from_the_first_container_to_two_that_are_stopped_at_once(somebody: Person, size: tuple[int, int]) -> None:
    with somebody.console(*size) as screen:
        screen.until("No containers yet")
        screen.type("n")
        screen.until("New container")
        screen.type("\r")
        screen.until(":/#", "has the keys")
        screen.type("echo $((6 * 7)) is the answer\r")
        screen.until("42 is the answer")
        screen.type(RELEASE)
        screen.until("has the keys", gone=True)
        for name in ("front-1", "front-2"):
            made(somebody, name, PATIENT)
            screen.until(name)
        screen.type(TO_CONTAINERS)
        screen.until("⏎ Attach")
        screen.type("/")
        screen.until("words, /regex/")
        screen.type("front\r")
        screen.until("⟦front⟧", "front-1", "front-2")
        screen.type("*")
        screen.until("2 marked")
        screen.type("S")
        screen.until("Stop 2 containers?")
        screen.type("y")
        screen.until("■ front-1", "■ front-2")
        screen.type(ESCAPE)
        screen.until("2 marked", gone=True)
        screen.type(ESCAPE)
        screen.until("⟦front⟧", gone=True)
        leave(screen)
    states = {container["name"]: container["status"] for container in somebody.containers()}
    assert sorted(states.values()) == ["running", "stopped", "stopped"]


@sizes
def test_keys_that_arrive_together_do_what_they_do_one_by_one(somebody: Person, size: tuple[int, int]) -> None:
    made(somebody, "front", PATIENT)
    with somebody.console(*size) as screen:
        screen.until("● front")
        screen.type("/fro\rd")
        screen.until("⟦fro⟧", "Remove front?")
        screen.type(ESCAPE)
        screen.until("Remove front?", gone=True)
        screen.type("n\r")
        screen.until("has the keys")
        screen.type(RELEASE + TO_CONTAINERS + "?")
        screen.until("Escape closes")
        screen.type(ESCAPE)
        screen.until("Escape closes", gone=True)
        leave(screen)


@sizes
def test_what_is_typed_while_a_terminal_opens_is_typed_into_it(somebody: Person, size: tuple[int, int]) -> None:
    assert somebody.heliostui("run", "--rm", "host", "true").returncode == 0  # the image is there
    with somebody.console(*size) as screen:
        screen.until("No containers yet")
        for number, opens in enumerate(("n\r", "t", "e", "\r"), 1):
            screen.type(f"{opens}echo S$(({number} * 111))S\r")
            screen.until(f"S{number * 111}S")
            screen.type(RELEASE)
            screen.until("has the keys", gone=True)
            screen.type(TO_CONTAINERS)
            screen.until("⏎ Attach")
        leave(screen)


@sizes
def test_from_layout_to_layout_and_wherever_one_wants(somebody: Person, size: tuple[int, int]) -> None:
    made(somebody, "busy", BUSY)
    with somebody.console(*size) as screen:
        screen.until("● busy")
        for key, shown in ((F6, "Graphs · busy"), (F7, "Terminals"), (F8, "Heap"), (F9, "CPU"), (F5, "● engine")):
            screen.type(key)
            screen.until(shown if size == LARGE else "busy")  # a small one stays in its region
        screen.type("?")
        screen.until("Escape closes", "Here: ")
        screen.type(ESCAPE)
        screen.until("Escape closes", gone=True)
        screen.type(PALETTE)
        screen.until("Search for commands")
        screen.type("launch")
        screen.until("How it was launched, call by call")
        screen.type("\r")
        screen.until("calls in")
        screen.type("i")
        screen.until('"restarts": 0')
        leave(screen)


@sizes
def test_a_limit_is_changed_and_the_write_and_its_effect_are_seen(somebody: Person, size: tuple[int, int]) -> None:
    made(somebody, "busy", BUSY)
    with somebody.console(*size) as screen:
        screen.until("● busy")
        screen.type("M")
        screen.until("IN FORCE")
        screen.type("\t\r")
        screen.until("Enter lets go")
        screen.type("64M\r")
        screen.until("64 MiB", "67108864")
        screen.type(F6)
        screen.until("busy", "64 MiB")
        leave(screen)


@sizes
def test_a_terminal_of_ones_own_fills_the_screen(somebody: Person, size: tuple[int, int]) -> None:
    with somebody.console(*size) as screen:
        screen.until("No containers yet")
        screen.type("t")
        screen.until("~ #", "has the keys")
        screen.type("echo $((6 * 7)) is the answer\r")
        screen.until("42 is the answer")
        screen.type(RELEASE)
        screen.until("has the keys", gone=True)
        screen.type("z")
        screen.until("● engine", gone=True)
        screen.type(RELEASE + "z")
        screen.until("● engine")
        screen.type(RELEASE)
        screen.until("has the keys", gone=True)
        screen.type("w")
        screen.until("No containers yet")
        leave(screen)


def test_what_was_done_is_a_script_that_does_it_again(somebody: Person, tmp_path: Path) -> None:
    made(somebody, "web", "sleep 600")
    script = tmp_path / "again.sh"
    with somebody.console(*LARGE) as screen:
        screen.until("● web")
        screen.type("p")
        screen.until("paused")
        screen.type(F2)
        screen.until("heliostui pause web")
        screen.type("\r")
        screen.until("cgroup.freeze")
        screen.type(ESCAPE)
        screen.until("COMMAND LINE")
        screen.type("s")
        screen.until("Save as a shell script", ".sh")
        screen.type(CLEAR_LINE)
        screen.until(".sh ", gone=True)
        screen.type(str(script))
        screen.until(script.name)
        screen.type("\r")
        screen.until("Save as a shell script", gone=True)
        screen.type(ESCAPE)
        screen.until("COMMAND LINE", gone=True)
        leave(screen)
    assert "heliostui pause web" in script.read_text()
    program = tmp_path / "heliostui"
    program.write_text(f'#!/bin/sh\nexec {somebody.python} -m heliostui "$@"\n')
    program.chmod(0o755)
    fresh = Person(somebody.account, somebody.directory, somebody.python, {**somebody.environment})
    fresh.environment |= {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HELIOSTUI_RUNTIME": str(tmp_path / "run"),
        "HELIOSTUI_STATE": str(tmp_path / "state"),
    }
    done = subprocess.run(["sh", script], env=fresh.environment, cwd=tmp_path, capture_output=True, text=True)
    try:
        assert done.returncode == 0, f"{done.stderr}{script.read_text()}"
        (web,) = fresh.containers()
        assert (web["name"], web["status"]) == ("web", "paused")
    finally:
        fresh.heliostui("rm", "-f", "web")
        fresh.heliostui("engine", "stop", "--all")


def test_what_was_recorded_is_played(somebody: Person, tmp_path: Path) -> None:
    made(somebody, "talker", "sleep 600")
    cast = tmp_path / "session.cast"
    with somebody.console(*SMALL) as screen:
        screen.until("● talker")
        screen.type(F4)
        screen.until("F4 ends it", ".cast")
        screen.type(CLEAR_LINE)
        screen.until(".cast", gone=True)
        screen.type(str(cast))
        screen.until(cast.name)
        screen.type("\r")
        screen.until("● REC")
        screen.type("i")
        screen.until('"restarts": 0')
        screen.type(F4)
        screen.until("● REC", gone=True)
        leave(screen)
    with Screen([somebody.python, "-m", "heliostui", "play", str(cast)], somebody, *SMALL) as screen:
        screen.until("● talker")
        screen.type("." * len(read(cast).events))  # steps to the end, and stays there
        screen.until('"restarts": 0')
        screen.type("q")
        assert screen.end() == 0


def test_a_small_console_follows_a_large_one(somebody: Person) -> None:
    made(somebody, "first", "sleep 600")
    made(somebody, "second", "sleep 600")
    with somebody.console(*LARGE) as lecturer, somebody.console(*SMALL) as student:
        lecturer.until("● first")
        student.until("● first")
        lecturer.type(F3)
        lecturer.until("Follow me", "Present")
        lecturer.type("\r")
        lecturer.until("presenting to 0")
        student.until("presents · F3")
        student.type(F3)
        student.until("following")
        lecturer.until("presenting to 1")
        lecturer.type("i")
        lecturer.until('"restarts": 0')
        student.until('"restarts": 0')
        student.until('"name": "second"')
        lecturer.type(DOWN)
        lecturer.until('"name": "first"')
        student.until('"name": "first"')
        lecturer.type(F3)
        lecturer.until("Stop presenting")
        lecturer.type(DOWN * 5 + "\r")
        student.until("following", gone=True)
        leave(student)
        leave(lecturer)
