"""Sets the keeper up: its arguments, its user namespace where it needs one, its own safety. Standard library only."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socket
import sys
from typing import NoReturn

from engine.keeper import executable, namespace, outside
from engine.keeper.keeper import Keeper, complain
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS

PR_SET_DUMPABLE = 4


def main() -> int:
    """0 after a shutdown. The lock's descriptor, when given, is held open until the end."""
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    ready = int(arguments["--ready-fd"]) if "--ready-fd" in arguments else None
    _default_signals()
    stays_outside = _started_outside(arguments)
    if os.geteuid() != 0:
        stays_outside = outside.start()
        try:
            namespace.enter()
        except namespace.Refused as error:
            refuse(ready, f"The engine can't run without root here: {error}.")
    if executable.MARK[0] not in arguments:
        executable.protect(_for_the_second_start(stays_outside))
    if "--lock-fd" in arguments:
        os.set_inheritable(int(arguments["--lock-fd"]), False)
    # Nothing that enters a container from here may be looked into from there, nor lead to our executable (ptrace(2)).
    system_call(NUMBERS["prctl"], PR_SET_DUMPABLE, 0, 0, 0, 0)
    keeper = Keeper(json.loads(arguments["--engine-command"]), ready, stays_outside)
    gc.collect()
    gc.freeze()
    keeper.run()
    return 0


def _for_the_second_start(stays_outside: tuple[socket.socket, int] | None) -> list[str]:
    if stays_outside is None:
        return []
    sock, pid = stays_outside
    sock.set_inheritable(True)
    return ["--outside-fd", str(sock.fileno()), "--outside-pid", str(pid)]


def _started_outside(arguments: dict[str, str]) -> tuple[socket.socket, int] | None:
    """The process outside, if there is one since the first start."""
    if "--outside-fd" not in arguments:
        return None
    sock = socket.socket(fileno=int(arguments["--outside-fd"]))
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock, int(arguments["--outside-pid"])


def _default_signals() -> None:
    """Ignore no signal that whoever started us ignores (nohup, a shell's &): containers would inherit it.

    By the system call, because the C library keeps some numbers from us (nptl(7)).
    """
    with open("/proc/self/status", encoding="ascii") as status:
        ignored = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))
    action = ctypes.create_string_buffer(32)  # struct sigaction of the kernel, all zero: SIG_DFL
    for number in range(1, 65):
        if ignored >> (number - 1) & 1:
            system_call(NUMBERS["rt_sigaction"], number, ctypes.addressof(action), 0, 8)


def refuse(ready: int | None, sentence: str) -> NoReturn:
    """Say why there will be no engine, to whoever waits for it."""
    complain(sentence)
    if ready is not None:
        os.write(ready, sentence.encode() + b"\n")
    sys.exit(1)
