"""Terminals on the host belong to the person who opened them: as root, and as an ordinary user."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path
from typing import Any

from .conftest import Person, Screen

SHELL = ("env", "PS1=> ", "bash", "--norc", "--noprofile")


def opened(person: Person, *words: str) -> Screen:
    return Screen([person.python, "-m", "heliostui", "terminal", "open", *words], person, 120, 30)


def asked(person: Person, *words: str) -> Any:
    answer = person.heliostui(*words)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_a_shell_is_the_persons_own_outside_of_any_namespace(anybody: Person) -> None:
    with opened(anybody, *SHELL) as screen:
        screen.until(">")
        screen.type("id -u; id -un; readlink /proc/self/ns/user /proc/self/ns/mnt; echo $HOME; echo that $((40 + 2))\r")
        shown = screen.until("that 42").splitlines()
        assert str(anybody.account.pw_uid) in shown
        assert anybody.account.pw_name in shown
        for name in ("user", "mnt"):
            assert os.readlink(f"/proc/self/ns/{name}") in shown
        assert str(anybody.directory) in shown


def test_a_shell_outlives_the_engine_and_still_finds_it(anybody: Person) -> None:
    with opened(anybody, *SHELL) as screen:
        screen.until(">")
        screen.type("x=42; echo up $x\r")
        screen.until("up 42")
        os.kill(asked(anybody, "engine", "status", "--format", "json")["pid"], signal.SIGKILL)
        (terminal,) = asked(anybody, "terminal", "ls", "--format", "json")
        screen.type("\x10\x11")
    with Screen([anybody.python, "-m", "heliostui", "terminal", "attach", terminal["id"]], anybody, 120, 30) as screen:
        screen.until("up 42")
        screen.type(f"{anybody.python} -m heliostui terminal ls -q; echo listed $x; sleep 1000\r")
        assert terminal["id"] in screen.until("listed 42").splitlines()
        (job,) = asked(anybody, "terminal", "jobs", "--format", "json", terminal["id"])["jobs"]
        assert (job["command"], job["foreground"]) == ("sleep 1000", True)
        screen.type("\x03exit 9\r")
        assert screen.end() == 9


def test_when_the_keeper_is_asked_to_end_terminals_end_with_it(anybody: Person) -> None:
    name = anybody.heliostui("terminal", "open", "-d", "sleep", "1000").stdout.strip()
    (terminal,) = asked(anybody, "terminal", "ls", "--format", "json")
    assert terminal["id"] == name
    keeper = asked(anybody, "engine", "status", "--format", "json")["keeper_pid"]
    family = [os.pidfd_open(pid) for pid in (*children(keeper), terminal["pid"], keeper)]
    os.kill(keeper, signal.SIGTERM)
    for process in family:
        assert select.select([process], [], [], 20)[0]
        os.close(process)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
