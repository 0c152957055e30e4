"""The engine's side of the keeper's wire (`engine.keeper.wire`): launches, exits, and what is handed over at start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from engine.errors import EngineError
from engine.keeper import wire
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import step
from engine.sandbox.program import Program

Executor = Literal["fast", "portable"]
TERMINALS = "terminal/"  # how the keys of the programs on opened terminals begin


@dataclass
class Descriptors:
    """A process's terminal (PTY master, with a pipe to splice through) or its pipes; non-blocking, ours to close."""

    terminal: int | None = None
    relay: tuple[int, int] | None = None  # read, write
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None

    @classmethod
    def named(cls, names: Sequence[str], fds: Sequence[int]) -> Descriptors:
        """From the keeper's names."""
        by = dict(zip(names, fds, strict=True))
        relay = (by["relay_read"], by["relay_write"]) if "relay_read" in by else None
        return cls(by.get("terminal"), relay, by.get("stdin"), by.get("stdout"), by.get("stderr"))

    def close(self) -> None:
        """Close what is open; may be called again."""
        for fd in (self.terminal, *(self.relay or ()), self.stdin, self.stdout, self.stderr):
            if fd is not None:
                os.close(fd)
        self.terminal = self.relay = self.stdin = self.stdout = self.stderr = None


@dataclass
class Held:
    """A process that the keeper holds: running, or ended and not yet forgotten."""

    key: str  # "<container id>", "<container id>/<n>" for an exec'd program, or "terminal/<its id>"
    pid: int
    pidfd: int
    tty: bool
    descriptors: Descriptors
    wait_status: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def signal(self, number: int, what: str = "") -> None:
        """Signal the process, by its pidfd (pidfd_send_signal(2)); nothing happens once it has ended.
        `what` it is, in a receipt's words."""
        if self.pidfd >= 0:
            what = what or f"pid {self.pid}"
            with suppress(ProcessLookupError), step("pidfd_send_signal", f"pidfd of {what}", _name(number)):
                signal.pidfd_send_signal(self.pidfd, number)

    def close(self) -> None:
        """Close the pidfd and the descriptors; may be called again."""
        self.descriptors.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


@dataclass(frozen=True)
class Launched:
    """What came of a launch. `held` is None when it failed; `receipt` is for `engine.sandbox.receipt`."""

    held: Held | None
    receipt: bytes
    executor: Executor
    finished: int  # CLOCK_MONOTONIC, ns


@dataclass(frozen=True)
class Paused:
    """A launch that waits at a point of `engine.sandbox.pause`. `pidfd` is open as long as it is being attended to."""

    pid: int
    pidfd: int
    at: str


@dataclass(frozen=True)
class _Launching:
    """A launch under way: its answer, and the pauses on the way there, with None at the end."""

    answer: asyncio.Future[Launched]
    pauses: asyncio.Queue[Paused | None]


@dataclass(frozen=True)
class HostProgram:
    """A program to run on a terminal of the host, outside of any namespace; its environment is `env` and no more."""

    command: list[str]
    env: list[str]  # "NAME=value"
    workdir: str
    columns: int
    lines: int


class Keeper:
    """The connection to the keeper; one per engine."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._frames = wire.Assembler()
        self._outbox = wire.Outbox(sock)
        self._loop = asyncio.get_running_loop()
        self._launches: dict[int, _Launching] = {}
        self._spawns: dict[int, asyncio.Future[Held]] = {}
        self._number = 0
        self._sent: list[int] = []  # descriptors that must stay open until the outbox is empty
        self._handed_over: asyncio.Future[None] = self._loop.create_future()
        self.pid = 0
        self.executor: Executor = "portable"
        self.held: dict[str, Held] = {}
        self._flushed = asyncio.Event()
        self.lost = asyncio.Event()  # the keeper is gone: the engine can only end
        self.terminated: Callable[[], None] = lambda: None  # called when the keeper is asked to end

    @classmethod
    async def connect(cls, fd: int) -> Keeper:
        """Take over the inherited socket, and with it everything that is held."""
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)
        keeper = cls(sock)
        keeper._loop.add_reader(sock.fileno(), keeper._hear)
        await keeper._handed_over
        return keeper

    async def launch(
        self,
        key: str,
        program: Program,
        inputs: Sequence[int],
        *,
        tty: bool,
        stdin: bool,
        attend: Callable[[Paused], Awaitable[None]] | None = None,
    ) -> Launched:
        """Run a program; `inputs` are its own descriptors (they are copied, and stay the caller's).

        `attend` is awaited at every pause of the plan; what it raises ends the launch, and is raised here once nothing
        of the process is left. Raises EngineError(LAUNCH_FAILED) when not even a process could be made.
        """
        if len(inputs) > wire.MOST_DESCRIPTORS:
            raise EngineError(
                ErrorCode.UNSUPPORTED,
                f"A launch can be handed {wire.MOST_DESCRIPTORS} descriptors at most, this one takes {len(inputs)}: "
                "give fewer mounts tmpcopyup or maps of their own.",
            )
        self._number += 1
        launching = self._launches[self._number] = _Launching(self._loop.create_future(), asyncio.Queue())
        header = {
            "do": "launch",
            "n": self._number,
            "key": key,
            "clone_flags": int(program.clone_flags),
            "inputs": program.inputs,
            "steps": program.steps,
            "cgroup": program.cgroup,
            "before": program.before,
            "own_memory": program.own_memory,
            "tty": tty,
            "stdin": stdin,
        }
        with step("launch", f"the keeper: clone3 and {program.steps} calls in the child", f"{len(inputs)} descriptors"):
            self._say(header, program.image, [os.dup(fd) for fd in inputs])
            if attend is not None:
                await self._attend(key, launching, attend)
            return await asyncio.shield(launching.answer)

    async def _attend(self, key: str, launching: _Launching, attend: Callable[[Paused], Awaitable[None]]) -> None:
        """See a launch through its pauses."""
        while (paused := await launching.pauses.get()) is not None:
            try:
                await attend(paused)
            except BaseException:
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(paused.pidfd, signal.SIGKILL)
                with suppress(EngineError):
                    await asyncio.shield(launching.answer)
                raise
            finally:
                os.close(paused.pidfd)
            self._say({"do": "resume", "key": key})

    async def spawn(self, key: str, program: HostProgram) -> Held:
        """Run a program of the host on a new terminal. EngineError says in half a sentence why that can't be."""
        self._number += 1
        answer: asyncio.Future[Held] = self._loop.create_future()
        self._spawns[self._number] = answer
        with step("spawn", "the keeper: fork, setsid, execve on a new terminal", *program.command):
            self._say({"do": "spawn", "n": self._number, "key": key, **asdict(program)})
            return await asyncio.shield(answer)

    async def ended(self, key: str) -> int:
        """The wait status of the process (waitpid(2)), when it has one. The keeper keeps it until `forget`."""
        held = self.held[key]
        await held._ended.wait()
        assert held.wait_status is not None
        return held.wait_status

    async def forget(self, key: str) -> None:
        """The status is safe: the keeper may drop all it has of the process. Ours is closed, too."""
        if (held := self.held.pop(key, None)) is not None:
            held.close()
        with step("sendmsg", "to the keeper: forget", key):
            self._say({"do": "forget", "key": key})

    async def close_stdin(self, key: str) -> None:
        """The keeper closes its copy of the pipe to standard input; ours is the caller's to close."""
        with step("sendmsg", "to the keeper: close_stdin", key):
            self._say({"do": "close_stdin", "key": key})

    def ready(self) -> None:
        """The engine listens."""
        self._say({"do": "ready"})

    async def shutdown(self) -> None:
        """The keeper ends as soon as this engine has ended."""
        self._say({"do": "shutdown"})
        await self._flushed.wait()

    def close(self) -> None:
        """Let go of the connection and of our copies of everything held; what runs goes on."""
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for held in self.held.values():
            held.close()

    def _say(self, header: dict[str, Any], blob: bytes = b"", fds: Sequence[int] = ()) -> None:
        self._sent.extend(fds)
        try:
            self._outbox.send(header, blob, list(fds))
        except OSError:
            self._lose()
            return
        self._flush()

    def _flush(self) -> None:
        try:
            out = self._outbox.flush()
        except OSError:
            self._lose()
            return
        if out:
            self._flushed.set()
            self._loop.remove_writer(self._sock.fileno())
            while self._sent:
                os.close(self._sent.pop())
        else:
            self._flushed.clear()
            self._loop.add_writer(self._sock.fileno(), self._flush)

    def _hear(self) -> None:
        try:
            received = wire.receive(self._sock)
        except BlockingIOError:
            return
        except OSError:
            received = None
        if received is None:
            self._lose()
            return
        for frame in self._frames.feed(*received):
            self._take(*frame)

    def _take(self, header: dict[str, Any], blob: bytes, fds: list[int]) -> None:
        match header["is"]:
            case "hello":
                self.pid, self.executor = header["pid"], header["executor"]
            case "held":
                self._hold(header, fds)
            case "all":
                self._handed_over.set_result(None)
            case "paused":
                self._launches[header["n"]].pauses.put_nowait(Paused(header["pid"], fds[0], header["at"]))
            case "launched":
                self._launched(header, blob, fds)
            case "spawned":
                self._spawned(header, fds)
            case "ended":
                if (held := self.held.get(header["key"])) is not None:
                    self._end(held, header["status"])
            case "terminate":
                self.terminated()

    def _launched(self, header: dict[str, Any], receipt: bytes, fds: list[int]) -> None:
        """Held from this moment, so that an `ended` right behind finds it."""
        held = None if header["failed"] else self._hold(header, fds)
        launching = self._launches.pop(header["n"], None)
        if launching is None or launching.answer.done():
            return
        answer = launching.answer
        launching.pauses.put_nowait(None)
        if header.get("error"):
            why = f"the first process can't be made: {header['error']}."
            answer.set_exception(EngineError(ErrorCode.LAUNCH_FAILED, why))
        else:
            answer.set_result(Launched(held, receipt, header["executor"], header["finished"]))

    def _spawned(self, header: dict[str, Any], fds: list[int]) -> None:
        answer = self._spawns.pop(header["n"])
        if header["error"] is None:
            answer.set_result(self._hold(header, fds))
        else:
            answer.set_exception(EngineError(ErrorCode(header["code"]), header["error"]))

    def _hold(self, header: dict[str, Any], fds: list[int]) -> Held:
        descriptors = Descriptors.named(header["names"], fds[1:])
        held = Held(header["key"], header["pid"], fds[0], header["tty"], descriptors)
        self.held[held.key] = held
        if header["status"] is not None:
            self._end(held, header["status"])
        return held

    def _end(self, held: Held, status: int) -> None:
        held.wait_status = status
        held._ended.set()

    def _lose(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self.lost.set()
        self._flushed.set()
        gone = EngineError(ErrorCode.INTERNAL, "the keeper is gone; start the engine again.")
        for launching in self._launches.values():
            launching.pauses.put_nowait(None)
        answers: list[asyncio.Future[Any]] = [launching.answer for launching in self._launches.values()]
        answers += self._spawns.values()
        for answer in answers:
            if not answer.done():
                answer.set_exception(gone)
        self._launches.clear()
        self._spawns.clear()
        if not self._handed_over.done():
            self._handed_over.set_exception(gone)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return f"signal {number}"
