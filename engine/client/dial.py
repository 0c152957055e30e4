"""Reaching the engine's socket, with the kernel's errors turned into sentences. Imports no asyncio."""

from __future__ import annotations

import socket

from engine.client.errors import EngineNotRunning, EngineUnreachable
from engine.places import Places

LONGEST_PATH = 107  # bytes of sun_path (unix(7)), without its final zero


def reach(places: Places, start: bool = True, again: bool = False) -> socket.socket:
    """A connected blocking socket; starts the engine when nobody listens and `start`, but not for who only looks.
    Raises EngineUnreachable.

    `again`: it hung up on us just now. The way to another machine's engine does so when nobody listens there.
    """
    if places.host is not None:
        from engine.client.tunnels import through

        return dial(through(places, start and not places.viewer, again))
    try:
        return dial(places)
    except EngineNotRunning:
        if places.viewer:
            raise EngineNotRunning("The engine is not running, and a viewer starts none.") from None
        if not start:
            raise
    from engine.client.start import ensure_engine  # what starting takes, most commands never need to load

    ensure_engine(places)
    return dial(places)


def dial(places: Places) -> socket.socket:
    """A connected blocking socket. Raises EngineNotRunning or EngineUnreachable."""
    path = str(places.socket)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise _unreachable(path, error) from None
    return connection


def _unreachable(path: str, error: OSError) -> EngineUnreachable:
    match error:
        case FileNotFoundError() | ConnectionRefusedError() | NotADirectoryError():
            return EngineNotRunning("The engine is not running; `heliostui engine start` starts it.")
        case PermissionError():
            return EngineUnreachable(
                f"You have no permission to use the engine's socket {path}: "
                "become a member of the group that owns it, or ask as the user whose engine it is."
            )
        case OSError(errno=None):  # "AF_UNIX path too long" comes from Python, not from the kernel
            return EngineUnreachable(
                f"The path of the engine's socket, {path}, is longer than the {LONGEST_PATH} bytes that the kernel "
                "allows; choose a shorter directory with HELIOSTUI_RUNTIME."
            )
        case _:
            return EngineUnreachable(f"The engine's socket {path} can't be used: {error.strerror}.")
