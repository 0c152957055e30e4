"""Promises of starting the engine on demand: once, whoever asks, and with a sentence when it can't be."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.client.blocking import Connection
from engine.client.errors import EngineNotRunning, EngineUnreachable
from engine.client.start import ensure_engine
from engine.places import Places
from engine.places import places as get_places
from engine.protocol.messages import Done, StopEngine

from .conftest import elsewhere, info, wait_for_end

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")

ASK = """
import sys
from pathlib import Path
from engine.client.blocking import Connection
from engine.places import Places
sys.stdin.readline()
with Connection.connect(Places(Path(sys.argv[1]), Path(sys.argv[2]))) as engine:
    print(engine.engine.keeper_pid, engine.engine.pid)
"""


def test_the_first_who_asks_starts_the_engine_and_the_next_finds_it(places: Places) -> None:
    with Connection.connect(places) as first, Connection.connect(places) as second:
        assert first.engine.pid == second.engine.pid
        assert first.engine.socket == str(places.socket)


def test_the_keeper_is_a_daemon(places: Places) -> None:
    ensure_engine(places)
    fields = Path(f"/proc/{info(places).keeper_pid}/stat").read_text().rpartition(")")[2].split()
    parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
    assert parent != os.getpid()
    assert session != os.getsid(0)
    assert terminal == 0
    assert os.readlink(f"/proc/{info(places).keeper_pid}/cwd") == "/"


def test_ten_who_ask_at_once_start_one_keeper(places: Places) -> None:
    command = [sys.executable, "-c", ASK, str(places.runtime), str(places.state)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60) for racer in racers]
    assert [errors for _, errors in answers] == [""] * 10
    assert len({output for output, _ in answers}) == 1
    running = [_command_line(process) for process in Path("/proc").glob("[0-9]*")]
    keeper = b"engine/keeper/__main__.py\0--runtime\0" + os.fsencode(places.runtime)
    assert sum(keeper in line for line in running) == 1


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_ten_threads_of_one_program_start_one_keeper(places: Places) -> None:
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: ensure_engine(places), range(10)))
    assert info(places).keeper_pid


def test_without_start_an_engine_that_is_not_there_is_an_error_and_nothing_is_made(places: Places) -> None:
    with pytest.raises(EngineNotRunning, match=r"The engine is not running; `heliostui engine start` starts it\."):
        Connection.connect(places, start=False)
    assert not places.runtime.exists()
    assert not places.state.exists()


def test_an_engine_that_was_just_told_to_end_is_started_again(places: Places) -> None:
    with Connection.connect(places) as engine:
        before = engine.engine
        engine.request(StopEngine(), Done)
    with Connection.connect(places) as engine:
        assert engine.engine.keeper_pid != before.keeper_pid


def test_while_the_keeper_restarts_a_killed_engine_who_asks_waits_for_it(places: Places) -> None:
    with Connection.connect(places) as engine:
        before = engine.engine
    os.kill(before.pid, signal.SIGKILL)
    wait_for_end(before.pid)
    with Connection.connect(places) as engine:
        assert engine.engine.pid != before.pid
        assert engine.engine.keeper_pid == before.keeper_pid


def test_after_the_keepers_death_both_are_started_anew(places: Places) -> None:
    with Connection.connect(places) as engine:
        before = engine.engine
    os.kill(before.keeper_pid, signal.SIGKILL)
    wait_for_end(before.pid)
    with Connection.connect(places) as engine:
        assert engine.engine.keeper_pid != before.keeper_pid


# --- directories ---


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_directories_are_private_whatever_the_umask(umask: int) -> None:
    with elsewhere() as places:
        before = os.umask(umask)
        try:
            ensure_engine(places)
        finally:
            os.umask(before)
        assert stat.S_IMODE(places.runtime.stat().st_mode) == 0o750
        assert stat.S_IMODE(places.state.stat().st_mode) == 0o700
        assert stat.S_IMODE(places.socket.stat().st_mode) == 0o660
        assert stat.S_IMODE(places.keeper_log.stat().st_mode) == 0o600


@as_root
@pytest.mark.parametrize("which", ["runtime", "state"])
def test_a_directory_of_somebody_else_is_refused(places: Places, which: str) -> None:
    directory: Path = getattr(places, which)
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    with pytest.raises(EngineUnreachable, match=rf"{directory} belongs to user 65534 and not to you \(user 0\)"):
        ensure_engine(places)


@pytest.mark.parametrize("which", ["runtime", "state"])
def test_a_directory_that_others_may_write_is_refused(places: Places, which: str) -> None:
    directory: Path = getattr(places, which)
    directory.mkdir()
    directory.chmod(0o777)
    with pytest.raises(EngineUnreachable, match=r"Others may write .* \(mode 0777\); .*chmod go-w"):
        ensure_engine(places)


def test_a_symbolic_link_or_a_file_is_no_directory(places: Places) -> None:
    places.runtime.symlink_to("/tmp")
    with pytest.raises(EngineUnreachable, match="is a link and not a directory: name the directory itself, /tmp,"):
        ensure_engine(places)
    places.runtime.unlink()
    places.runtime.touch()
    with pytest.raises(EngineUnreachable, match=r"can't be made: Not a directory|is not a directory"):
        ensure_engine(places)


def test_a_file_in_a_directory_s_place_is_named(places: Places) -> None:
    places.runtime.touch()
    below = Places(places.runtime / "below", places.state)
    with pytest.raises(EngineUnreachable, match=rf"{below.runtime} can't be made: {places.runtime} is not a directory"):
        ensure_engine(below)


def test_relative_directories_are_those_of_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HELIOSTUI_RUNTIME", "run")
    monkeypatch.setenv("HELIOSTUI_STATE", "state")
    assert get_places() == Places(tmp_path / "run", tmp_path / "state")


def test_a_directory_that_can_not_be_made_is_told(places: Places) -> None:
    impossible = Places(Path("/proc/heliostui"), places.state)
    with pytest.raises(EngineUnreachable, match=r"The directory /proc/heliostui can't be made: "):
        ensure_engine(impossible)


def test_a_path_too_long_for_a_socket_is_told(places: Places) -> None:
    long = Places(places.runtime / ("x" * 100), places.state)
    with pytest.raises(EngineUnreachable, match="longer than the 107 bytes"):
        ensure_engine(long)


@as_root
def test_who_may_not_use_the_socket_is_told(places: Places) -> None:
    ensure_engine(places)
    places.runtime.parent.chmod(0o755)

    def ask_as_nobody() -> None:
        system_call = ctypes.CDLL(None).syscall  # the kernel keeps credentials per thread
        system_call(119, NOBODY, NOBODY, NOBODY)  # setresgid
        system_call(117, NOBODY, NOBODY, NOBODY)  # setresuid
        ensure_engine(places)

    with ThreadPoolExecutor(1) as nobody:
        failure = nobody.submit(ask_as_nobody).exception()
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, which the change of user took away from the process
    assert isinstance(failure, EngineUnreachable)
    assert "You have no permission to use the engine's socket" in str(failure)


# --- engines that do not start ---


def test_an_engine_that_can_not_start_says_why_and_leaves_nothing_running(places: Places) -> None:
    places.runtime.mkdir(0o750)
    places.socket.mkdir()
    with pytest.raises(EngineUnreachable, match=rf"^The engine can't go on: {places.socket}: Is a directory\.$"):
        ensure_engine(places)
    places.socket.rmdir()
    ensure_engine(places)  # the next attempt is a new one
    assert info(places).containers == 0


def test_an_engine_that_dies_without_a_word_is_told_with_the_last_line_of_its_log(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # the keeper ignores it, the engine does not
    with pytest.raises(EngineUnreachable, match=r"^The engine ended while it started: .*\w"):
        ensure_engine(places)
    monkeypatch.delenv("PYTHONHOME")
    ensure_engine(places)


@as_root
def test_a_directory_within_somebody_elses_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o777)
    os.chown(theirs, NOBODY, NOBODY)
    with pytest.raises(EngineUnreachable, match=rf"{theirs} belongs to user 65534 and not to you \(user 0\)"):
        ensure_engine(Places(theirs / "run", tmp_path / "state"))
    assert list(theirs.iterdir()) == []


def test_without_a_runtime_directory_of_the_session_there_is_a_quiet_place() -> None:
    code = "import os; os.geteuid = lambda: 4242; from engine.places import places; print(places().runtime)"
    environment = {"HOME": "/home/ada", "PYTHONPATH": str(Path(__file__).parents[3])}
    asked = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert asked.stderr == ""
    assert asked.stdout.endswith("/heliostui\n")
