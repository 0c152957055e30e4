"""Starts the engine on demand, once however many front ends ask at the same time. Imports no asyncio.

Whoever holds the lock (flock(2) on `places.lock`) is the keeper. A front end that finds nobody listening takes the
lock and hands the locked descriptor to the keeper it starts, so there is no moment in which two could think it free.
Those that find it taken wait for the engine to move its listening socket into the runtime directory.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from engine.client.dial import dial
from engine.client.directories import make_directories
from engine.client.errors import EngineNotRunning, EngineUnreachable
from engine.client.watch import Watch
from engine.places import Places

TIMEOUT = 20.0  # seconds from asking to a listening engine
# The kernel tells of the keeper's closing the lock file just before it drops the lock (__fput): look once more.
UNLOCKING = 0.05


def ensure_engine(places: Places) -> None:
    """Return once an engine listens: at once if one does, else after it was started or restarted by its keeper.

    Raises EngineUnreachable with the reason, after at most TIMEOUT seconds.
    """
    if _listening(places):
        return
    make_directories(places)
    deadline = time.monotonic() + TIMEOUT
    try:
        lock = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EngineUnreachable(f"The lock {places.lock} can't be opened: {error.strerror}.") from None
    try:
        _start_or_wait(places, lock, deadline)
    finally:
        os.close(lock)


def _start_or_wait(places: Places, lock: int, deadline: float) -> None:
    try:
        watch = Watch(places.runtime)
    except OSError as error:
        raise EngineUnreachable(f"The directory {places.runtime} can't be watched: {error.strerror}.") from None
    with watch:
        told = False
        while not _listening(places):
            if _take(lock):
                _start(places, lock, deadline)
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise _too_slow(places)
            told = watch.wait(min(left, UNLOCKING) if told else left)


def _listening(places: Places) -> bool:
    try:
        dial(places).close()
    except EngineNotRunning:
        return False
    return True


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(places: Places, lock: int, deadline: float) -> None:
    """Start the keeper, which starts the engine; wait for `ok` or a sentence through the pipe that both inherit."""
    hear, tell = os.pipe2(os.O_CLOEXEC)
    with open(hear, "rb", buffering=0) as pipe:
        try:
            log_start = _spawn_keeper(places, lock, tell)
        finally:
            os.close(tell)
        answer = _hear(pipe.fileno(), deadline)
    if answer is None:
        raise _too_slow(places)
    if answer == "ok":
        return
    if answer:
        raise EngineUnreachable(answer)
    raise EngineUnreachable(f"The engine ended while it started: {_last_line(places.keeper_log, log_start)}")


def _spawn_keeper(places: Places, lock: int, ready: int) -> int:
    """Run the keeper as a daemon. Returns the length of the log before.

    A first process makes the session and starts the keeper as an orphan, so that it neither belongs to this terminal
    nor stays behind as a zombie of a long-lived console. Forking here would not do: a console has threads.
    """
    from engine import keeper

    engine = [
        sys.executable,
        "-P",
        "-m",
        "engine.daemon",
        "--runtime",
        str(places.runtime),
        "--state",
        str(places.state),
    ]
    command = [sys.executable, "-S", "-E", str(Path(keeper.__path__[0]) / "__main__.py")]
    command += ["--runtime", str(places.runtime), "--state", str(places.state)]
    command += ["--lock-fd", str(lock), "--ready-fd", str(ready), "--engine-command", json.dumps(engine)]
    orphan = "import os, sys; os.fork() and os._exit(0); os.execv(sys.argv[1], sys.argv[1:])"
    try:
        with places.keeper_log.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            length = log.tell()
            subprocess.run(
                [sys.executable, "-S", "-E", "-c", orphan, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock, ready),
                start_new_session=True,
                cwd="/",
                env={name: value for name, value in os.environ.items() if name != "HELIOSTUI_HOST"},  # not the engine's
                umask=0o022,
                check=False,
            )
        return length
    except OSError as error:
        raise EngineUnreachable(f"The engine can't be started: {error}.") from None


def _hear(pipe: int, deadline: float) -> str | None:
    """What came through the pipe until everybody closed it, stripped; None when that takes too long."""
    heard = b""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        data = os.read(pipe, 65536)
        heard += data
        if not data or heard.endswith(b"\n"):
            return heard.decode(errors="replace").strip()
    return None


def _last_line(log: Path, since: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(since)
            lines = file.read().decode(errors="replace").split("\n")
    except OSError as error:
        return f"its log {log} can't be read ({error.strerror})."
    return next((line.strip() for line in reversed(lines) if line.strip()), f"it left no word in {log}.")


def _too_slow(places: Places) -> EngineUnreachable:
    return EngineUnreachable(
        f"The engine was not ready within {TIMEOUT:.0f} seconds; {places.keeper_log} may say what keeps it."
    )
