"""The keeper's loop: one poll(2) over the engine's socket, launches under way, and pidfds. Standard library only."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.keeper import wire
from engine.keeper.held import Held, Launcher, Launching
from engine.keeper.terminals import Terminals
from engine.sandbox import program

FIRST_PAUSE = 0.1  # seconds before an engine is tried again that died before it was ready; doubled each time
LONGEST_PAUSE = 10.0
LAUNCH_PATIENCE = 5.0  # seconds that a new engine is kept waiting for launches the old one began


class Keeper:
    """Everything held, by key, and the engine that is told about it."""

    def __init__(
        self, engine_command: list[str], ready_fd: int | None, outside: tuple[socket.socket, int] | None = None
    ) -> None:
        self.engine_command = engine_command
        self.ready_fd = ready_fd
        self.launcher = Launcher()
        self.held: dict[str, Held] = {}
        self.launching: dict[str, Launching] = {}
        self.poll = select.poll()
        self.handlers: dict[int, Callable[[], object]] = {}
        self.stopping = False
        self.ready = False
        self.ever_ready = False
        self.pause = FIRST_PAUSE
        self.restart_at: float | None = None
        self.engine: socket.socket | None = None
        self.engine_pidfd = -1
        self.terminals = Terminals(self, outside)

    def run(self) -> None:
        """Until the engine says shutdown, or ends by itself with nothing held."""
        signals = self._watch_signals()
        self.start_engine()
        while not self.stopping or self.engine_pidfd >= 0:
            for fd, _ in self.poll.poll(self._until_restart()):
                if (handler := self.handlers.get(fd)) is not None:  # an earlier handler may have closed it
                    handler()
            if self.restart_at is not None and time.monotonic() >= self.restart_at and not self.launching:
                self.restart_at = None
                self.start_engine()
        signals.close()

    def _until_restart(self) -> float | None:
        """Milliseconds to wait at most. An engine is restarted once the launches that its forerunner began are over."""
        if self.restart_at is None:
            return None
        now = time.monotonic()
        if self.launching and now > self.restart_at + LAUNCH_PATIENCE:
            for launching in self.launching.values():
                signal.pidfd_send_signal(launching.held.pidfd, signal.SIGKILL)
        at = self.restart_at + LAUNCH_PATIENCE if self.launching and now >= self.restart_at else self.restart_at
        return max(0.0, at - now) * 1000

    def watch(self, fd: int, handler: Callable[[], object], events: int = select.POLLIN) -> None:
        self.handlers[fd] = handler
        self.poll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        if self.handlers.pop(fd, None) is not None:
            self.poll.unregister(fd)

    def _watch_signals(self) -> socket.socket:
        hear, tell = socket.socketpair()
        hear.setblocking(False)
        tell.setblocking(False)
        signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)

        def heard() -> None:
            if {signal.SIGTERM, signal.SIGINT} & set(hear.recv(64)):
                self.say({"is": "terminate"})

        # Handled rather than ignored: CLONE_CLEAR_SIGHAND passes ignored signals on to containers.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, lambda *_: None)
        self.watch(hear.fileno(), heard)
        self._tell = tell
        return hear

    # --- the engine ---

    def start_engine(self) -> None:
        """Start an engine and hand it all that is held."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        os.set_inheritable(theirs.fileno(), True)
        command = [*self.engine_command, "--keeper-fd", str(theirs.fileno())]
        if self.ready_fd is not None:
            os.set_inheritable(self.ready_fd, True)
            command += ["--ready-fd", str(self.ready_fd)]
        pid = os.posix_spawn(command[0], command, os.environ)
        theirs.close()
        if self.ready_fd is not None:
            os.close(self.ready_fd)
            self.ready_fd = None
        self.ready = False
        self.engine, self.outbox, self.frames = ours, wire.Outbox(ours), wire.Assembler()
        self.engine_pidfd = os.pidfd_open(pid)
        self.watch(self.engine_pidfd, self.engine_ended)
        self.watch(ours.fileno(), self.hear_engine)
        self.say({"is": "hello", "pid": os.getpid(), "executor": self.launcher.executor})
        for held in self.held.values():
            self.say({"is": "held", **held.header()}, fds=held.fds())
        self.say({"is": "all"})

    def say(self, header: dict[str, Any], blob: bytes = b"", fds: list[int] | None = None) -> None:
        """Tell the engine, if there is one; what it misses it learns from the next hand-over."""
        if self.engine is None:
            return
        try:
            self.outbox.send(header, blob, fds)
            self._flush()
        except OSError:
            self.drop_engine()

    def _flush(self) -> None:
        assert self.engine is not None
        out = self.outbox.flush()
        self.poll.modify(self.engine.fileno(), select.POLLIN if out else select.POLLIN | select.POLLOUT)

    def hear_engine(self) -> bool:
        """Obey what has arrived; whether anything had."""
        assert self.engine is not None
        with suppress(OSError):  # it may have ended; what it said before still counts
            self._flush()
        try:
            received = wire.receive(self.engine)
        except BlockingIOError:
            return False
        except OSError:
            received = None
        if received is None:
            self.drop_engine()
            return False
        for header, blob, fds in self.frames.feed(*received):
            self.obey(header, blob, fds)
        return True

    def drop_engine(self) -> None:
        """The socket is closed; `engine_ended` decides what follows."""
        if self.engine is not None:
            self.unwatch(self.engine.fileno())
            self.engine.close()
            self.engine = None

    def engine_ended(self) -> None:
        while self.engine is not None and self.hear_engine():
            pass
        info = os.waitid(os.P_PIDFD, self.engine_pidfd, os.WEXITED)
        self.unwatch(self.engine_pidfd)
        os.close(self.engine_pidfd)
        self.engine_pidfd = -1
        self.drop_engine()
        for launching in self.launching.values():
            if launching.paused is not None:  # nobody is left who knows what it waits for
                signal.pidfd_send_signal(launching.held.pidfd, signal.SIGKILL)
        clean = info is not None and info.si_code == os.CLD_EXITED and info.si_status == 0
        idle = all(key.startswith(wire.FOR_NETWORKS) for key in (*self.held, *self.launching))
        if idle and (clean or not self.ever_ready):
            self.stopping = True
        if self.stopping:
            return
        self.restart_at = time.monotonic() + (0.0 if self.ready else self.pause)
        self.pause = FIRST_PAUSE if self.ready else min(self.pause * 2, LONGEST_PAUSE)

    # --- what the engine asks ---

    def obey(self, header: dict[str, Any], blob: bytes, fds: list[int]) -> None:
        match header["do"]:
            case "launch":
                self.launch(header, blob, fds)
            case "spawn":
                self.terminals.open(header)
            case "resume":
                if (launching := self.launching.get(header["key"])) is not None:
                    launching.resume()
            case "forget":
                if (held := self.held.pop(header["key"], None)) is not None:
                    self.unwatch(held.pidfd)
                    held.close()
            case "close_stdin":
                held = self.held.get(header["key"])
                if held is not None and (stdin := held.descriptors.pop("stdin", None)) is not None:
                    os.close(stdin)
            case "ready":
                self.ready = self.ever_ready = True
            case "shutdown":
                self.stopping = True
        for fd in fds:
            os.close(fd)

    def launch(self, header: dict[str, Any], image: bytes, fds: list[int]) -> None:
        if header["key"] in self.held or header["key"] in self.launching:
            self.refuse(header, "there is such a process already")
            return
        try:
            launching = self.launcher.launch(header, image, fds)
        except OSError as error:
            self.refuse(header, error.strerror or str(error))
            return
        except program.Stopped as stopped:
            self.say(self._stopped(header), program.receipt(memoryview(stopped.block)))
            return
        self.launching[launching.held.key] = launching
        self.watch(launching.channel.fileno(), lambda: self.hear_launch(launching))

    def refuse(self, header: dict[str, Any], why: str) -> None:
        self.say({"is": "launched", "n": header["n"], "key": header["key"], "failed": True, "error": why})

    def hear_launch(self, launching: Launching) -> None:
        fd = launching.channel.fileno()
        held = launching.held
        if not launching.hear():
            if launching.paused is not None and self.engine is None:
                signal.pidfd_send_signal(held.pidfd, signal.SIGKILL)  # as in engine_ended
            elif launching.paused is not None:
                about = {"n": launching.number, "key": held.key, "pid": held.pid, "at": launching.paused}
                self.say({"is": "paused", **about}, fds=[held.pidfd])
            return
        self.unwatch(fd)
        if launching.failed():
            # Answer when nothing of it is left: then its cgroup and directories can be removed.
            self.watch(held.pidfd, lambda: self.launch_failed(launching))
            return
        self.hold(self.launching.pop(held.key).held)
        answer = {**self._answer(launching), "failed": False, **held.header()}
        self.say(answer, launching.receipt(), held.fds())

    def hold(self, held: Held) -> None:
        """Keep it, until the engine forgets it."""
        self.held[held.key] = held
        if held.child:
            self.watch_end(held)

    def watch_end(self, held: Held) -> None:
        self.watch(held.pidfd, lambda: self.process_ended(held))

    def launch_failed(self, launching: Launching) -> None:
        held = launching.held
        held.reap()
        self.unwatch(held.pidfd)
        held.close()
        del self.launching[held.key]
        self.say({**self._answer(launching), "failed": True, "key": held.key}, launching.receipt())

    def _answer(self, launching: Launching) -> dict[str, Any]:
        return {
            "is": "launched",
            "n": launching.number,
            "executor": launching.executor,
            "finished": launching.finished,
            "error": None,
        }

    def _stopped(self, header: dict[str, Any]) -> dict[str, Any]:
        """The go-between failed: there is no process, but a receipt."""
        return {
            "is": "launched",
            "n": header["n"],
            "key": header["key"],
            "failed": True,
            "executor": self.launcher.executor_of(header),
            "finished": time.monotonic_ns(),
            "error": None,
        }

    def process_ended(self, held: Held) -> None:
        if held.reap():
            self.unwatch(held.pidfd)
            self.say({"is": "ended", "key": held.key, "status": held.status})


def complain(sentence: str) -> None:
    """Into the log that standard error is."""
    print(f"keeper: {sentence}", file=sys.stderr, flush=True)
