"""`heliostui terminal`: open, list, attach, close and jobs, with a real engine and real terminals."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from .conftest import CommandLine

BASH = ("env", "PS1=> ", "bash", "--norc", "--noprofile")


def opened(cli: CommandLine, *words: str) -> str:
    name = cli.ok("terminal", "open", "-d", *words)
    assert re.fullmatch(r"t\d+", name)
    return name


def test_a_terminal_goes_on_when_it_is_left_and_is_joined_again(cli: CommandLine) -> None:
    with cli.terminal("terminal", "open", *BASH) as user:
        user.until(b"> ")
        user.type(b"cd /usr; x=42; echo $HELIOSTUI_TERMINAL is $((x + 1))\r")
        name = re.findall(rb"(t\d+) is 43", user.until(b"is 43"))[-1].decode()
        user.type(b"\x10\x11")
        user.until(f"[detached from {name}]".encode())
        assert user.end() == 0
    with cli.terminal("terminal", "attach", name) as user:
        user.until(b"is 43")
        user.type(b"echo $PWD $((x + 2)); exit 7\r")
        user.until(b"/usr 44")
        assert user.end() == 7
    assert "no terminal" in cli.refused("terminal", "attach", name, status=1)


def test_it_begins_where_its_opener_is_with_the_same_environment(cli: CommandLine, tmp_path: Path) -> None:
    script = 'echo "$PWD|$GIVEN|$LANG"; read line'
    name = opened(cli, "-w", str(tmp_path), "-e", "GIVEN=a b", "sh", "-c", script)
    with cli.terminal("terminal", "attach", "--no-stdin", name, columns=200) as user:
        user.until(f"{tmp_path}|a b|C.UTF-8".encode())
    name = opened(cli, "sh", "-c", script)
    with cli.terminal("terminal", "attach", name, columns=200) as user:
        user.until(f"{os.getcwd()}|".encode())


def test_they_are_listed_and_closed(cli: CommandLine) -> None:
    names = [opened(cli, "sh", "-c", r"printf '\033]2;a title\033\\'; sleep 1000") for _ in range(2)]
    assert set(names) <= set(cli.ok("terminal", "ls", "-q").split())
    listed = {one["id"]: one for one in cli.json("terminal", "ls", "--format", "json")}
    assert listed[names[0]]["command"][:2] == ["sh", "-c"]
    table = cli.ok("terminal", "ls").splitlines()
    assert table[0].split()[:3] == ["TERMINAL", "COMMAND", "OPENED"]
    assert any(line.startswith(names[1]) and "80x24" in line for line in table)
    assert cli.ok("terminal", "close", *names) == "\n".join(names)
    assert not set(names) & set(cli.ok("terminal", "ls", "-q").split())
    assert "no terminal 't999'" in cli.refused("terminal", "close", "t999", status=1)


def test_what_can_not_be_opened_tells_why_by_its_status(cli: CommandLine) -> None:
    assert "not found" in cli.refused("terminal", "open", "-d", "no-such-command", status=127)
    assert "Permission denied" in cli.refused("terminal", "open", "-d", "/etc/passwd", status=126)
    assert "no such" in cli.refused("terminal", "open", "-d", "-w", "/no such", "true", status=125)
    assert "nobody" in cli.refused("terminal", "open", "-d", "--in", "nobody", status=125)
    assert "TTY" in cli.refused("terminal", "open", "true", status=1)
    for words in (["dance"], [], ["close"], ["attach"], ["open", "--frobnicate"], ["open", "-e", "=x", "-d"]):
        cli.refused("terminal", *words, status=2)


def test_an_attached_terminal_outlives_the_engine(cli: CommandLine) -> None:
    with cli.terminal("terminal", "open", *BASH) as user:
        user.until(b"> ")
        user.type(b"x=42; echo $x$x\r")
        user.until(b"4242")
        os.kill(cli.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
        user.until(b"4242")  # drawn anew
        user.type(b"echo $((x + 1)) is next\r")
        user.until(b"43 is next")
        user.type(b"exit\r")
        assert user.end() == 0


def test_its_jobs_are_told_and_followed(cli: CommandLine) -> None:
    name = opened(cli, *BASH)
    with cli.terminal("terminal", "attach", name) as user:
        user.until(b"> ")
        user.type(b"sleep 1000 | cat & echo $((1 + 1)) up\r")
        user.until(b"2 up")
        while True:  # between fork(2) and execve(2) the two are bash
            heading, *jobs = cli.ok("terminal", "jobs", name).splitlines()
            assert heading.split()[:3] == ["JOB", "GROUP", "STATE"]
            if [line.split()[-2:] for line in jobs] == [["sleep", "1000"], ["running", "cat"]]:
                break
        table = cli.json("terminal", "jobs", "--format", "json", name)
        assert (table["source"], len(table["jobs"])) == ("proc", 1)
        with cli.terminal("terminal", "jobs", "--follow", name, columns=200) as watcher:
            watcher.until(b"sleep 1000")
            user.type(b"kill -STOP %1\r")
            watcher.until(b" stop ")
            user.type(b"kill -KILL %1\r")
            watcher.until(b" exit ")
            user.type(b"exit\rexit\r")  # the first is not enough where bash still takes one of the two for stopped
            assert watcher.end() == 0


def test_one_in_a_container_stays_there(cli: CommandLine, container: str) -> None:
    name = opened(cli, "--in", container, "-e", "GIVEN=a b")
    with cli.terminal("terminal", "attach", name) as user:
        user.type(b"echo $((6 * 7)) $GIVEN $TERM; tty\r")
        user.until(b"42 a b xterm-256color")
        user.until(b"/dev/pts/")
        user.type(b"\x10\x11")
        assert user.end() == 0
    listed = {one["id"]: one for one in cli.json("terminal", "ls", "--format", "json")}
    assert listed[name]["container"] == cli.containers()[container]["id"]
    os.kill(cli.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
    with cli.terminal("terminal", "attach", name) as user:
        user.until(b"42 a b")
        cli.ok("rm", "-f", container)
        assert user.end() == 128 + signal.SIGKILL
    assert name not in cli.ok("terminal", "ls", "-q").split()


def test_the_engine_stays_while_terminals_are_open(cli: CommandLine) -> None:
    name = opened(cli, "sleep", "1000")
    assert name in cli.refused("engine", "stop", status=1)
    cli.ok("terminal", "close", name)
