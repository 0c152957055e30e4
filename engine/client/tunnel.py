"""A way to the engine of another machine: one ssh connection, and a socket here that leads to the engine's there.

The connection runs `heliostui engine reach --hold` there, which starts the engine, tells where its socket is, and
stays until its standard input ends. The connection ends with us, however we end. Imports the standard library only,
and no asyncio: what waits here waits in a thread where there is a loop.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from engine.client import ssh
from engine.client.address import Address
from engine.client.errors import EngineNotRunning, EngineUnreachable
from engine.client.rooms import Room, take

PATIENCE = 40.0  # seconds from asking to an answer, where no person is asked
MOST = 65536  # bytes of an answer
# Becomes ssh. It ends with us even if we are killed: ssh itself would wait for streams that nobody reads any more.
# A ^C for the program in a container is not for it.
BOUND = """\
import ctypes, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG of prctl(2)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class Tunnel:
    """To one machine. It must be closed, also when opening it has failed. Making it raises EngineUnreachable."""

    def __init__(self, address: Address, runtime: Path) -> None:
        self.address = address
        self._room: Room = take(runtime)
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process: subprocess.Popen[bytes] | None = None
        self._there = ""
        self.running = False
        """Whether the engine ran when the tunnel was made."""

    @property
    def socket(self) -> Path:
        """Here; it leads to the engine's own."""
        return self._room.path / "engine.sock"

    @property
    def _control(self) -> Path:
        return self._room.path / "c"

    @property
    def stands(self) -> bool:
        """Whether the connection still stands."""
        return self._process is not None and self._process.poll() is None

    def open(self, *, start: bool, ask: bool) -> None:
        """Connect. `start`: start the engine there when it does not run; `ask`: ssh may ask for a password on the
        terminal. Raises EngineUnreachable."""
        words = ["engine", "reach", "--hold", *([] if start else ["--no-start"])]
        command = ssh.master(self.address, self._control, words, ask=ask)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", BOUND, str(os.getpid()), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=ssh.environment(),
            start_new_session=not ask,  # one that asks must stay in the terminal's foreground
        )
        answer = self._hear(None if ask else time.monotonic() + PATIENCE)
        self._there, self.running = _text(answer, "socket"), answer.get("running") is True
        self._forward()

    def _hear(self, deadline: float | None) -> dict[str, Any]:
        """The line that `engine reach` writes; what the login shell there writes before is passed over."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        heard = b""
        while len(heard) < MOST:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([process.stdout], [], [], left)[0]:
                raise ssh.failure(self.address, None, "")
            data = process.stdout.read1(MOST)  # type: ignore[attr-defined]
            if not data:
                raise ssh.failure(self.address, process.wait(), self._told())
            heard += data
            *lines, _ = heard.split(b"\n")
            for line in lines:
                if (answer := _answer(line)) is not None:
                    return answer
        raise EngineUnreachable(f"What {self.address.label} answers is not heliostui's.")

    def _forward(self) -> None:
        done = _run(ssh.forward(self.address, self._control, self.socket, self._there))
        if done.returncode:
            raise EngineUnreachable(
                f"ssh can't make the socket {self.socket}: {_last(done.stderr) or 'it says nothing more'}."
            )

    # --- when the engine there does not answer ---

    def ensure(self, *, start: bool) -> None:
        """The engine there did not answer: start it when `start`. Raises EngineNotRunning and EngineUnreachable."""
        done = self.run(["engine", "reach", *([] if start else ["--no-start"])])
        answers = [answer for line in done.stdout.splitlines() if (answer := _answer(line)) is not None]
        if done.returncode or not answers:
            raise ssh.failure(self.address, done.returncode, done.stderr.decode(errors="replace"))
        if _text(answers[-1], "socket") != self._there:
            self.close()
            raise EngineUnreachable(f"The engine on {self.address.label} has moved; ask again.")
        if not answers[-1].get("running"):
            raise self.not_running()

    def run(self, words: list[str]) -> subprocess.CompletedProcess[bytes]:
        """Run `heliostui WORDS` there, with what it writes caught."""
        return _run(ssh.beside(self.address, self._control, words))

    def not_running(self) -> EngineNotRunning:
        return EngineNotRunning(
            f"The engine on {self.address.label} is not running; "
            f"`heliostui -H {self.address.url} engine start` starts it."
        )

    def _told(self) -> str:
        """What ssh and the other side wrote to standard error."""
        return os.pread(self._said.fileno(), MOST, 0).decode(errors="replace")  # the place to write at is ssh's

    # --- the end ---

    def abort(self) -> None:
        """End ssh, whoever waits for it; `close` is still due."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def close(self) -> None:
        """End ssh and remove the sockets."""
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        self._said.close()
        self._room.leave()


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            env=ssh.environment(),
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, ssh.SSH_FAILED, b"", b"it took too long")


def _answer(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b'{"socket"'):
        return None
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value.startswith("/"):
        raise EngineUnreachable("What the other machine answers is not heliostui's.")
    return value


def _last(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].rstrip(".") if lines else ""
