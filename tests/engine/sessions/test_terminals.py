"""Terminals on the host: opened, joined, left alone, and gone when their program ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.client.errors import RequestFailed
from engine.protocol.messages import (
    CloseTerminal,
    ErrorCode,
    Event,
    Ready,
    StopEngine,
    StreamEvents,
)
from engine.sessions import host

from .conftest import BASH, ENVIRONMENT, Engine, Stream, looks


def test_a_shell_goes_on_when_its_client_leaves(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as client:
        client.type("x=42\r")
        client.type("echo $((x + 1)) is next\r")
        client.until("43 is next")
    with engine.join(terminal) as client:
        client.until("43 is next")  # drawn
        client.type("echo $((x + 2)) is last\r")
        client.until("44 is last")


def test_terminals_that_are_opened_at_once_are_different_ones(engine: Engine) -> None:
    with ThreadPoolExecutor(12) as people:
        opened = list(people.map(lambda _: engine.open("sleep", "600"), range(12)))
    assert sorted(opened) == sorted(engine.terminals())
    assert len(set(opened)) == 12


def test_it_ends_with_its_program_and_tells_how(engine: Engine) -> None:
    terminal = engine.open("sh", "-c", "read line; exit 7")
    with engine.join(terminal) as client, engine.join(terminal, input=False) as onlooker:
        client.type("\r")
        assert client.end() == 7
        assert onlooker.end() == 7
    assert terminal not in engine.terminals()
    terminal = engine.open("sh", "-c", "read line; kill -SEGV $$")
    with engine.join(terminal) as client:
        client.type("\r")
        assert client.end() == 128 + signal.SIGSEGV


def test_all_clients_see_and_type_the_same(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as one, engine.join(terminal) as two:
        one.type("echo a$((1 + 1))b\r")
        two.until("a2b")
        two.type("echo c$((2 + 2))d\r")
        one.until("c4d")
        two.until("c4d")
        one.until_like(two)
        assert engine.terminals()[terminal].clients == 2
    with engine.join(terminal) as three:
        three.until("c4d")


def test_who_resizes_last_has_the_size(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal, size=(100, 30)) as one, engine.join(terminal, size=(70, 20)) as two:
        two.type("stty size\r")
        two.until("20 70")
        one.resize(90, 25)
        two.wait(lambda: two.screen.columns == 90, two.screen.text)
        one.type("stty size\r")
        one.until("25 90")
        summary = engine.terminals()[terminal]
        assert (summary.columns, summary.lines) == (90, 25)


def test_an_onlooker_can_not_type(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal, input=False, size=(20, 10)) as onlooker:
        onlooker.type("exit\r")
        with pytest.raises(RequestFailed, match="look on only"):
            onlooker.wait(lambda: onlooker.ended, onlooker.screen.text)
    assert engine.terminals()[terminal].columns == 80


def test_the_program_finds_what_it_needs(engine: Engine) -> None:
    environment = ["PATH=/usr/bin:/bin", "A=1 2=3", "TERM=vt52", "HOME=/usr"]
    terminal = engine.open("sh", "-c", "env; pwd; echo all of it; read line", env=environment)
    with engine.join(terminal, size=(200, 50)) as client:
        shown = client.until("all of it").splitlines()
        lines = [line.rstrip() for line in shown]
        assert f"HELIOSTUI_TERMINAL={terminal}" in lines
        for wanted in ("A=1 2=3", "TERM=xterm-256color", "COLORTERM=truecolor", "HELIOSTUI_JOBS=1", "HOME=/usr"):
            assert wanted in lines
        assert f"HELIOSTUI_RUNTIME={engine.places.runtime}" in lines
        path = next(line for line in lines if line.startswith("PATH=")).removeprefix("PATH=").split(":")
        assert path[:2] == ["/usr/bin", "/bin"]
        assert "/usr" in lines
    assert shutil.which("heliostui", path=":".join(path)) or not shutil.which("heliostui")


def test_it_stands_where_it_was_asked_to(engine: Engine, tmp_path: Path) -> None:
    terminal = engine.open("sh", "-c", "pwd; read line", workdir=str(tmp_path), columns=300)
    with engine.join(terminal) as client:
        client.until(str(tmp_path))


def test_without_a_command_it_is_our_shell() -> None:
    ended = subprocess.run([*host.shell(), "-c", "echo $0 $((6 * 7))"], capture_output=True, text=True, check=True)
    assert ended.stdout == "heliosh 42\n"


@pytest.mark.parametrize(
    ("command", "changes", "code", "sentence"),
    [
        (["no-such"], {}, ErrorCode.COMMAND_NOT_FOUND, 'command "no-such" was not found on its PATH.'),
        (["/etc/passwd"], {}, ErrorCode.COMMAND_NOT_EXECUTABLE, "can't be executed: Permission denied."),
        (["true"], {"workdir": "/no/such"}, ErrorCode.LAUNCH_FAILED, "name a directory that exists."),
        (["true"], {"workdir": "relative"}, ErrorCode.INVALID, "absolute path"),
        (["true"], {"env": ["nonsense"]}, ErrorCode.INVALID, "NAME=value"),
        (["tr\0ue"], {}, ErrorCode.INVALID, "NUL"),
        (["true"], {"columns": 0}, ErrorCode.INVALID, "0 columns"),
        (["true"], {"container": "nobody"}, ErrorCode.NO_SUCH_CONTAINER, "nobody"),
    ],
)
def test_what_can_not_be_opened_is_refused_in_a_sentence(
    engine: Engine, command: list[str], changes: dict[str, object], code: ErrorCode, sentence: str
) -> None:
    with pytest.raises(RequestFailed, match=re.escape(sentence)) as refusal:
        engine.open(*command, **changes)  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert engine.terminals() == {}


def test_an_unknown_terminal_is_said_to_be_unknown(engine: Engine) -> None:
    for act in (
        lambda: engine.join("t999"),
        lambda: engine.watch("t999"),
        lambda: engine.ask(CloseTerminal(terminal="t999")),
    ):
        with pytest.raises(RequestFailed, match="There is no terminal 't999'") as refusal:
            act()
        assert refusal.value.code == ErrorCode.NO_SUCH_TERMINAL


def test_closing_ends_all_of_the_session_also_who_does_not_want_to(engine: Engine) -> None:
    script = (
        "trap '' HUP TERM; sleep 1000 & (setsid sleep 1000 & echo $! >&3) 3>&1; echo $! up; while :; do sleep 1; done"
    )
    terminal = engine.open("sh", "-c", script)
    leader = engine.terminals()[terminal].pid
    with engine.join(terminal) as client:
        other, child = map(int, re.findall(r"^(\d+)", client.until("up"), re.MULTILINE))
        started = time.monotonic()
        engine.ask(CloseTerminal(terminal=terminal))
        assert time.monotonic() - started > 1.5  # they had their chance
        assert client.end() == 128 + signal.SIGKILL
    assert engine.terminals() == {}
    assert not any(alive(pid) for pid in (leader, child))
    assert alive(other)  # it had left the session
    os.kill(other, signal.SIGKILL)


def test_nothing_is_killed_where_hanging_up_is_enough(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as client, engine.watch(terminal) as watcher:
        client.type("sleep 1000 &\r")
        client.type("sleep 2000\r")
        job = watcher.job("sleep 2000")
        watcher.until(lambda table: table.foreground == job.pgid)
        client.type("\x1a")  # a stopped one must be let go on to hear of it
        watcher.job("sleep 2000", "stopped")
        engine.ask(CloseTerminal(terminal=terminal))
        assert client.end() == 128 + signal.SIGHUP


def test_what_happens_is_told(engine: Engine) -> None:
    class Events(Stream):
        def __init__(self) -> None:
            super().__init__(engine.places, StreamEvents())
            assert isinstance(self.first, Ready)
            self.seen: list[Event] = []

        def take(self, message: object) -> None:
            if isinstance(message, Event):
                self.seen.append(message)

        def until(self, action: str) -> Event:
            self.wait(lambda: any(event.action == action for event in self.seen), lambda: f"{action} in {self.seen}")
            return next(event for event in self.seen if event.action == action)

    events = Events()
    terminal = engine.open(*BASH)
    opened = events.until("terminal_open")
    assert (opened.name, opened.container) == (terminal, "")
    with engine.join(terminal) as client:
        client.type(r"printf '\033]2;%s\033\\' 'a title'; cd /usr; printf '\033]7;file://%s\033\\' /usr" + "\r")
        client.wait(lambda: client.screen.title == "a title", client.screen.text)
        assert events.until("terminal_change").name == terminal
        client.wait(lambda: engine.terminals()[terminal].directory == "/usr", client.screen.text)
        assert engine.terminals()[terminal].title == "a title"
        client.type("exit 3\r")
        closed = events.until("terminal_close")
        assert (closed.name, closed.attributes) == (terminal, {"exit_code": "3"})
    events.connection.close()


def test_the_engine_is_not_stopped_while_terminals_are_open(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with pytest.raises(RequestFailed, match=rf"Terminals are open \({terminal}\)") as refusal:
        engine.ask(StopEngine())
    assert refusal.value.code == ErrorCode.WRONG_STATE


def test_a_flood_is_drawn_to_its_end_and_stops_nobody(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    with engine.join(terminal) as client, engine.join(terminal):  # the second reads nothing
        client.type("seq 300000; echo $((1 + 1)) done\r")
        client.until("2 done")
        assert "300000" in client.screen.text()


# --- the engine is killed ---


def test_a_shell_survives_the_engine_and_ids_are_never_used_twice(engine: Engine) -> None:
    terminal = engine.open(*BASH)
    gone = engine.open("true")
    with engine.join(terminal) as client:
        client.type("x=42; echo $x$x\r")
        client.until("4242")
    before = engine.terminals()[terminal]
    engine.kill()
    assert engine.terminals()[terminal] == before
    with engine.join(terminal) as client:
        client.until("4242")
        client.type("echo $((x + 1)) is next; exit 5\r")
        client.until("43 is next")
        assert client.end() == 5
    assert int(engine.open("true")[1:]) > int(gone[1:])


@pytest.mark.parametrize(
    ("command", "text", "keys", "then"),
    [
        (
            ["vim", "-n", "-u", "NONE", "-i", "NONE", "+set number nocompatible", "/etc/services"],
            "  1 ",
            ":2,9d\r",
            "8 fewer",
        ),
        (["htop", "-d", "100"], "Load average", "", "Load average"),
    ],
    ids=["vim", "htop"],
)
def test_the_same_screen_for_a_second_client_and_after_the_engine_was_killed(
    engine: Engine, command: list[str], text: str, keys: str, then: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    terminal = engine.open(*command, columns=120, lines=40, env=[*ENVIRONMENT, "TERM=xterm-256color"])
    with engine.join(terminal) as first:
        first.until(text)
        first.type(keys)
        first.until(then)
        os.kill(engine.terminals()[terminal].pid, signal.SIGSTOP)  # from here on it draws nothing
        with engine.join(terminal) as second:
            second.until_like(first)
            assert second.screen.alternate
            seen = looks(second.screen)
            engine.kill()
            with engine.join(terminal) as third:
                third.until_looks(seen)
    os.kill(engine.terminals()[terminal].pid, signal.SIGCONT)


def test_a_screen_that_was_drawn_long_ago_is_the_same_after_the_engine_was_killed(engine: Engine) -> None:
    """The log has been rotated since: the screen comes from its checkpoint."""
    draw = r"printf '\033[?1049h\033[?25l\033[?2004h\033[1;1Hdrawn first\033[3;20r'; i=0; "
    overwrite = (
        r"while ((i < 60000)); do printf '\033[20;1H\033[3%dmline %d of many\033[m\n' $((i % 8)) $((i++)); done; "
    )
    terminal = engine.open("bash", "-c", draw + overwrite + "printf 'the end'; read line; exit 0")
    with engine.join(terminal) as first:
        first.until("the end")
        assert "drawn first" in first.screen.text()
        seen = looks(first.screen)
        engine.kill()
        with engine.join(terminal) as second:
            second.until_looks(seen)
            assert 2004 in second.screen.modes


def test_a_screen_that_was_resized_is_the_same_after_the_engine_was_killed(engine: Engine) -> None:
    terminal = engine.open("sh", "-c", "i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf '%s ' $i; done; read line")
    with engine.join(terminal) as first:
        first.until("300")
        first.resize(37, 20)
        first.wait(lambda: first.screen.columns == 37, first.screen.text)
        first.resize(61, 15)
        first.wait(lambda: first.screen.columns == 61, first.screen.text)
        with engine.join(terminal) as second:
            second.until_like(first)
        seen = looks(first.screen)
        engine.kill()
        with engine.join(terminal) as third:
            third.until_looks(seen)
            assert (third.screen.columns, third.screen.lines) == (61, 15)


def test_what_is_printed_while_the_engine_is_killed_again_and_again_is_all_there(engine: Engine) -> None:
    terminal = engine.open("bash", "-c", "i=0; while ((i < 3000)); do echo $((i++)); read -t 0.001; done; read; exit 9")
    over = threading.Event()

    def shown() -> bool:
        with engine.join(terminal, input=False) as client:
            client.wait(lambda: client.screen.text().strip() != "", client.screen.text)
            return "2999" in client.screen.text()

    engine.kill()
    while not shown():
        over.wait(0.2)
        engine.kill()
    with engine.join(terminal) as client:
        client.until("2999")
        rows = [client.screen.row(y).text.strip() for y in range(-client.screen.scrollback, client.screen.lines)]
        numbers = [int(row) for row in rows if row]
        assert numbers == list(range(numbers[0], 3000))
        assert len(numbers) > 900
        client.type("\r")
        assert client.end() == 9


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
