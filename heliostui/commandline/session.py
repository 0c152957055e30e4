"""A program on the user's own terminal or pipes: what `run`, `start -a`, `attach`, `exec` and `terminal attach` do.

One thread and one select(2): the engine's messages, what is typed, and signals.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress

from engine.client.blocking import Connection
from engine.client.errors import ClientError, ConnectionLost, RequestFailed
from engine.places import Places
from engine.protocol.messages import (
    AnyReply,
    Attach,
    Attached,
    CloseInput,
    ErrorCode,
    Exec,
    Exited,
    ExitStatus,
    Input,
    JoinTerminal,
    KillContainer,
    Output,
    Resize,
    StreamEnd,
    WaitContainer,
)
from heliostui.commandline import signals, terminal
from heliostui.commandline.failures import Failure, complain
from heliostui.commandline.modes import Modes
from heliostui.commandline.terminal import STDERR, STDIN, STDOUT
from heliostui.terminals.detach import PATIENCE, DetachKeys

PIECE = 16384  # bytes of input read at a time
CLEAR = b"\x1b[m\x1b[H\x1b[2J"


class Detached(Exception):
    """The user typed the way out; the container goes on."""


class Session:
    """One attached program. Opening it raises RequestFailed when the engine refuses; `attached` is its answer."""

    def __init__(self, engine: Connection, request: Attach | JoinTerminal | Exec, *, takes_input: bool) -> None:
        self._engine = engine
        first = next(engine.stream(request))
        if not isinstance(first, Attached):
            raise ConnectionLost("The engine did not say what it attached to.")
        self.attached = first
        if first.tty and takes_input and not os.isatty(STDIN):
            raise not_a_terminal()
        self._raw = first.tty and takes_input
        self._input_open = takes_input
        self._typed = False  # standard input has something, and waits until the engine has taken what came before
        self._keys = None if isinstance(request, Exec) else DetachKeys()  # what exec runs ends with its session
        self._modes = Modes()

    def run(self, forward: Callable[[int], None] | None = None) -> int:
        """Pass everything both ways until the program ends; returns its exit status.

        A signal goes to `forward`, where a raw terminal does not make a key of it anyway. Raises Detached,
        Interrupted, ConnectionLost, RequestFailed and BrokenPipeError; the terminal is as before in any case.
        """
        with ExitStack() as cleanup:
            wakeups = cleanup.enter_context(signals.steered(None if self._raw else forward))
            if self._raw:
                cleanup.enter_context(terminal.raw())
            if self.attached.tty and os.isatty(STDOUT):
                cleanup.callback(self._undo_modes)
            return self._pass_on(wakeups)

    def _pass_on(self, wakeups: int) -> int:
        while True:
            for reply in self._engine.arrived():
                if (status := self._show(reply)) is not None:
                    return status
            reading = [self._engine.fileno(), wakeups]
            if self._input_open and not self._typed:
                reading.append(STDIN)
            writing = [self._engine.fileno()] if self._typed or self._engine.unsent else []
            patience = PATIENCE if self._keys and self._keys.waiting else None
            readable, writable, _ = select.select(reading, writing, [], patience)
            if wakeups in readable:
                self._heed(os.read(wakeups, 4096))
            self._typed |= STDIN in readable
            if writable:
                self._engine.flush()
                self._read_input()
            if self._keys and not readable and not writable:
                self._send(self._keys.release())

    def _show(self, reply: AnyReply) -> int | None:
        match reply:
            case Output():
                if reply.redraw and os.isatty(STDOUT):
                    _write(STDOUT, CLEAR)
                if self.attached.tty:
                    self._modes.feed(reply.data)
                _write(STDOUT if reply.stream == "stdout" else STDERR, reply.data)
            case Exited():
                return reply.exit_code
            case StreamEnd():
                return 0
        return None

    def _read_input(self) -> None:
        """Read only when the engine takes more: what is typed ahead waits in the terminal or the pipe."""
        if not self._typed or self._engine.unsent:
            return
        self._typed = False
        try:
            data = os.read(STDIN, PIECE)
        except OSError:  # EIO: the terminal hung up
            data = b""
        if not data:
            self._input_open = False
            if not self.attached.tty:
                self._engine.send(CloseInput(), wait=False)
            return
        if not self._raw or self._keys is None:
            self._send(data)
            return
        passed, detach = self._keys.feed(data)
        self._send(passed)
        if detach:
            self._engine.flush(wait=True)
            raise Detached

    def _send(self, data: bytes) -> None:
        if data:
            self._engine.send(Input(data=data), wait=False)

    def _heed(self, numbers: bytes) -> None:
        if signal.SIGWINCH in numbers and self.attached.tty and (now := terminal.size()):
            self._engine.send(Resize(columns=now[0], lines=now[1]), wait=False)

    def _undo_modes(self) -> None:
        with suppress(OSError):  # the terminal is gone
            _write(STDOUT, self._modes.undo())


def attend(places: Places, session: Session, *, takes_input: bool, proxy: bool) -> int:
    """See a container's own program through to its end; returns its exit status, 0 after Ctrl-P Ctrl-Q.

    When the engine dies, its keeper starts it anew; the session then goes on where it was. Raises ClientError, Failure.
    """
    name, container = session.attached.name, session.attached.id
    forward = (lambda number: _forward(places, container, number)) if proxy else None
    while True:
        try:
            return session.run(forward)
        except Detached:
            tell(f"[detached from {name}]")
            return 0
        except signals.Interrupted as interrupted:
            return interrupted.status
        except ConnectionLost:
            if not session.attached.tty:
                complain(f"the engine was lost for a moment; what {name} wrote meanwhile is in `heliostui logs {name}`")
        engine = Connection.connect(places)
        try:
            session = Session(engine, attach_request(container, takes_input=takes_input), takes_input=takes_input)
        except RequestFailed as error:
            if error.code != ErrorCode.WRONG_STATE:
                raise
            return engine.request(WaitContainer(container=container), ExitStatus).exit_code


def attach_request(container: str, *, takes_input: bool, start: bool = False) -> Attach:
    """`Attach` with the size of the user's terminal."""
    columns, lines = terminal.size() or (None, None)
    return Attach(container=container, input=takes_input, start=start, columns=columns, lines=lines)


def check_terminal(*, tty: bool, takes_input: bool) -> None:
    """`-i` and `-t` together take the keys of a terminal, so there must be one. Raises Failure."""
    if tty and takes_input and not os.isatty(STDIN):
        raise not_a_terminal()


def not_a_terminal() -> Failure:
    return Failure("the input device is not a TTY; leave -t out when standard input is a file or a pipe")


def _forward(places: Places, container: str, number: int) -> None:
    with suppress(ClientError), Connection.connect(places, start=False) as engine:
        engine.request(KillContainer(container=container, signal=signal.Signals(number).name))


def tell(line: str) -> None:
    """A line on standard error, whatever the program has left on the terminal."""
    with suppress(OSError):  # the terminal is gone, or nobody reads
        _write(STDERR, f"\r\n{line}\n".encode())


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # whoever gave us the descriptor made it O_NONBLOCK
            select.select([], [descriptor], [])
