"""File systems that are made before a launch, attached nowhere: the launch is handed them. Blocks.

Standard library; the calls go through the portable executor's way to the kernel.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

from engine.sandbox.kernel import FSCONFIG, FSMOUNT, FSOPEN
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS


def tmpfs(options: Iterable[tuple[str, str | None]]) -> int:
    """The descriptor of a mount of a new tmpfs, which the caller closes. Raises OSError, naming the option."""
    context = _call("fsopen", b"tmpfs", FSOPEN.CLOEXEC)
    try:
        for key, value in options:
            command = FSCONFIG.SET_FLAG if value is None else FSCONFIG.SET_STRING
            _call("fsconfig", context, command, key.encode(), value.encode() if value is not None else None, 0)
        _call("fsconfig", context, FSCONFIG.CMD_CREATE, None, None, 0)
        return _call("fsmount", context, FSMOUNT.CLOEXEC, 0)
    finally:
        os.close(context)


def _call(name: str, *arguments: int | bytes | None) -> int:
    """Raises OSError with the arguments in it."""
    kept = [ctypes.create_string_buffer(a) if isinstance(a, bytes) else a for a in arguments]
    values = [0 if a is None else a if isinstance(a, int) else ctypes.addressof(a) for a in kept]
    result = system_call(NUMBERS[name], *values)
    if result < 0:
        text = " ".join(a.decode() for a in arguments if isinstance(a, bytes))
        raise OSError(-result, f"{name} {text}".strip() + f": {os.strerror(-result)}")
    return result
