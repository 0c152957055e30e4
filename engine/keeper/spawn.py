"""A program of the host on a terminal of its own, as a terminal emulator starts one. Standard library only.

The first open of the terminal by the leader of a new session makes it the controlling one (tty_ioctl(4)): so the child
opens it as its descriptor 0. Nothing is forked: posix_spawn(3) costs the same however big the keeper is.
"""

from __future__ import annotations

import errno
import os
import signal
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_IUTF8 = 0o40000  # termios(3): erasing takes whole characters; the module has no name for it
_DEFAULT = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


@dataclass(frozen=True)
class Terminal:
    """A new terminal: our descriptors by name (`Held.descriptors`), and its other side, for the program."""

    descriptors: dict[str, int]
    slave: int

    def close(self) -> None:
        """Drop it, unused."""
        for fd in (self.slave, *self.descriptors.values()):
            os.close(fd)


class Refused(Exception):
    """The program can't be started: an `ErrorCode` by its name, and why in half a sentence."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def open_terminal(columns: int, lines: int) -> Terminal:
    """A terminal of that size (pty(7)). Raises OSError."""
    master, slave = os.openpty()
    try:
        termios.tcsetwinsize(slave, (lines, columns))
        modes = termios.tcgetattr(slave)
        modes[0] |= _IUTF8
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        os.set_blocking(master, False)
        read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        os.close(master)
        os.close(slave)
        raise
    return Terminal({"terminal": master, "relay_read": read, "relay_write": write}, slave)


def spawn(request: dict[str, Any], terminal: str) -> int:
    """Start `command` with the environment `env` ("NAME=value") in the directory `workdir`; its pid. Raises Refused.

    It leads a session whose controlling terminal is the one at the path `terminal`, has it as 0, 1 and 2, and handles
    and blocks no signal.
    """
    command: list[str] = request["command"]
    try:
        environment = dict(entry.split("=", 1) for entry in request["env"])
        os.chdir(request["workdir"])
    except OSError as error:
        why = f'working directory "{request["workdir"]}": {error.strerror}; name a directory that exists'
        raise Refused("launch_failed", why) from None
    except ValueError as error:  # no "=", or a NUL byte
        raise Refused("invalid", f"environment or working directory: {error}") from None
    try:
        return os.posix_spawn(
            _found(command[0], environment.get("PATH", os.defpath)),
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, terminal, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, 0, 1),
                (os.POSIX_SPAWN_DUP2, 0, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT,
        )
    except OSError as error:
        why = f'command "{command[0]}" can\'t be executed: {error.strerror}'
        raise Refused("command_not_executable", why) from None
    except ValueError as error:
        raise Refused("invalid", f"command or environment: {error}") from None
    finally:
        os.chdir("/")


def _found(command: str, path: str) -> str:
    """The program's file, as execvp(3) looks for it: one that may not be executed beats none at all."""
    refused = False
    candidates: Sequence[str] = [command]
    if "/" not in command:
        candidates = [os.path.join(directory or ".", command) for directory in path.split(":")]
    for candidate in candidates:
        if os.path.isfile(candidate):
            if os.access(candidate, os.X_OK):
                return candidate
            refused = True
        elif "/" in command and os.path.exists(candidate):
            refused = True
    if refused:
        raise Refused("command_not_executable", f'command "{command}" can\'t be executed: {os.strerror(errno.EACCES)}')
    where = "" if "/" in command else " on its PATH"
    raise Refused("command_not_found", f'command "{command}" was not found{where}')
