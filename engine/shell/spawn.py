"""Starting programs: posix_spawn(3), with the terminal handed over before the program can read from it.

glibc's posix_spawn shares the shell's memory until execve, so it costs the same however large the shell has become; and
it returns after execve: process group and terminal are set then, and nothing is left to race with. os.posix_spawn knows
no tcsetpgrp action, so for foreground jobs the same call is made through ctypes (glibc 2.35 and later).
Imports the standard library only; ctypes when the first job gets the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from engine.shell.typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

Move = tuple[int, int]  # descriptor (-1: none, close it), and what it becomes in the program


class Group(NamedTuple):
    """Where a new process belongs. `pgid`: None the shell's group, 0 its own, else that one. `terminal`: the
    descriptor of the terminal that the group gets, if it does."""

    pgid: int | None = None
    terminal: int | None = None


def spawn(
    path: str, words: list[str], environment: Mapping[str, str], moves: Sequence[Move], group: Group,
    defaults: Sequence[int],
) -> int:  # fmt: skip
    """Start a program; its pid. `moves` are done one after the other; `defaults` are signals. Raises OSError."""
    if group.terminal is not None:
        library = _library()
        if library is not None:
            return library.spawn(path, words, environment, moves, group, defaults)
    actions: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_DUP2, *move) if move[0] >= 0 else (os.POSIX_SPAWN_CLOSE, move[1]) for move in moves
    ]
    if group.pgid is None:
        return os.posix_spawn(path, words, environment, file_actions=actions, setsigdef=defaults, setsigmask=())
    return os.posix_spawn(
        path, words, environment, file_actions=actions, setsigdef=defaults, setsigmask=(), setpgroup=group.pgid
    )


def can_hand_over() -> bool:
    """Whether `spawn` can give the terminal away before the program runs. If not, fork."""
    return _library() is not None


class _Library:
    """posix_spawn of the C library, with posix_spawn_file_actions_addtcsetpgrp_np(3). Linux' glibc."""

    _SETPGROUP, _SETSIGDEF, _SETSIGMASK = 2, 4, 8  # spawn.h

    def __init__(self) -> None:
        """Raises AttributeError when the function is missing."""
        import ctypes

        self._c = ctypes
        self._libc = ctypes.CDLL(None)
        self._hand_over = self._libc.posix_spawn_file_actions_addtcsetpgrp_np
        # Larger than glibc's structures on every architecture (336 and 80 bytes on x86-64).
        self._attributes, self._actions = ctypes.create_string_buffer(1024), ctypes.create_string_buffer(512)
        self._signals = ctypes.create_string_buffer(256)

    def spawn(
        self, path: str, words: list[str], environment: Mapping[str, str], moves: Sequence[Move], group: Group,
        defaults: Sequence[int],
    ) -> int:  # fmt: skip
        """As the function of that name."""
        c, libc = self._c, self._libc
        attributes, actions, pid = self._attributes, self._actions, c.c_int()
        libc.posix_spawnattr_init(attributes)
        libc.posix_spawn_file_actions_init(actions)
        try:
            self._set_attributes(group, defaults)
            self._hand_over(actions, group.terminal)
            for source, target in moves:
                if source >= 0:
                    libc.posix_spawn_file_actions_adddup2(actions, source, target)
                else:
                    libc.posix_spawn_file_actions_addclose(actions, target)
            argv = self._strings([os.fsencode(word) for word in words])
            envp = self._strings([os.fsencode(f"{name}={value}") for name, value in environment.items()])
            code = libc.posix_spawn(c.byref(pid), os.fsencode(path), actions, attributes, argv, envp)
        finally:
            libc.posix_spawn_file_actions_destroy(actions)
            libc.posix_spawnattr_destroy(attributes)
        if code:
            raise OSError(code, os.strerror(code), path)
        return int(pid.value)

    def _set_attributes(self, group: Group, defaults: Sequence[int]) -> None:
        libc, attributes, signals = self._libc, self._attributes, self._signals
        libc.posix_spawnattr_setflags(attributes, self._SETPGROUP | self._SETSIGDEF | self._SETSIGMASK)
        libc.posix_spawnattr_setpgroup(attributes, group.pgid)
        libc.sigemptyset(signals)
        libc.posix_spawnattr_setsigmask(attributes, signals)
        for number in defaults:
            libc.sigaddset(signals, int(number))
        libc.posix_spawnattr_setsigdefault(attributes, signals)

    def _strings(self, values: list[bytes]) -> Any:
        return (self._c.c_char_p * (len(values) + 1))(*values, None)


_loaded: list[_Library | None] = []


def _library() -> _Library | None:
    if not _loaded:
        try:
            _loaded.append(_Library())
        except (AttributeError, ImportError, OSError):  # another C library, or an old one
            _loaded.append(None)
    return _loaded[0]
