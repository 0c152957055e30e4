"""Makes the engine's two directories before anything is put into them. Imports the standard library only."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from engine.client.errors import EngineUnreachable
from engine.places import OPERATORS, Places


def make_directories(places: Places) -> None:
    """Runtime directory 0750, state directory 0700, both ours. Raises EngineUnreachable when that can't be had."""
    make_runtime(places.runtime)
    _make(places.state, 0o700)


def make_runtime(runtime: Path) -> None:
    """The runtime directory alone; root's is for the operators too. Raises EngineUnreachable."""
    if _make(runtime, 0o750) and os.geteuid() == 0:
        _give_to_operators(runtime)


def _make(directory: Path, mode: int) -> bool:
    """Whether it had to be made."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        _check_parent(directory.parent)
        directory.mkdir(mode=0o700)
    except FileExistsError as error:
        if error.filename != str(directory):  # its parent is a file
            raise EngineUnreachable(
                f"The directory {directory} can't be made: {error.filename} is not a directory."
            ) from None
        _check(directory)
        return False
    except OSError as error:
        raise EngineUnreachable(f"The directory {directory} can't be made: {error.strerror}.") from None
    directory.chmod(mode)  # mkdir's own mode is cut by the umask
    return True


def _check_parent(parent: Path) -> None:
    """Whoever owns it could put another directory in the place of ours."""
    owner = parent.stat().st_uid
    if owner not in (0, os.geteuid()):
        raise EngineUnreachable(
            f"The directory {parent} belongs to user {owner} and not to you (user {os.geteuid()}); "
            "choose another with HELIOSTUI_RUNTIME or HELIOSTUI_STATE."
        )


def _check(directory: Path) -> None:
    """Nobody else may be able to put a socket or a container's files there."""
    found = directory.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise EngineUnreachable(
            f"{directory} is a link and not a directory: name the directory itself, {os.path.realpath(directory)}, "
            "with HELIOSTUI_RUNTIME or HELIOSTUI_STATE."
        )
    if not stat.S_ISDIR(found.st_mode):
        raise EngineUnreachable(f"{directory} is not a directory, and the engine needs one there; move it away.")
    if found.st_uid != os.geteuid():
        raise EngineUnreachable(
            f"The directory {directory} belongs to user {found.st_uid} and not to you (user {os.geteuid()}); "
            "choose another with HELIOSTUI_RUNTIME or HELIOSTUI_STATE."
        )
    if found.st_mode & 0o022:
        raise EngineUnreachable(
            f"Others may write into the directory {directory} (mode {stat.S_IMODE(found.st_mode):04o}); "
            f"take that away with `chmod go-w {directory}`."
        )


def _give_to_operators(directory: Path) -> None:
    try:
        group = grp.getgrnam(OPERATORS).gr_gid
    except KeyError:
        return  # no such group: the engine is root's alone
    os.chown(directory, -1, group)
