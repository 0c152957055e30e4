"""The file of the lines that were typed, shared by all shells of a user. Imports the standard library only.

It is bash's format with times, so that a command may have several lines: `#1700000000`, then the command. Each shell
appends under a lock (flock(2)) on the file itself; when the file has grown too long, the one who appends puts a
shorter one in its place, and whoever waited for the old one's lock sees that it is no longer there.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Mapping, Sequence

MAX_ENTRIES = 10_000
MAX_BYTES = 4 << 20  # when the file is longer it is cut to the newest entries

_TIME = re.compile(r"#[0-9]+")


def place(environ: Mapping[str, str]) -> str:
    """Where the file is: `heliostui/heliosh_history` in XDG's directory for state, or for data where none is named."""
    home = environ.get("HOME") or os.path.expanduser("~")
    base = environ.get("XDG_STATE_HOME") or environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(base, "heliostui", "heliosh_history")


def load(path: str) -> list[str]:
    """The newest entries, the oldest first; none when there is no file. Raises OSError for one that can't be read."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * MAX_BYTES))
            data = file.read()
    except FileNotFoundError:
        return []
    return _entries(data.decode("utf-8", "surrogateescape"))[-MAX_ENTRIES:]


def append(path: str, entry: str) -> None:
    """Add an entry; the file is made, for its owner only, when there is none. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fd = _locked(path)
    try:
        os.write(fd, _written(entry, int(time.time())))
        if os.fstat(fd).st_size > MAX_BYTES:
            _shorten(path)
    finally:
        os.close(fd)


def _locked(path: str) -> int:
    """The file that has that name once its lock is held."""
    while True:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return fd
        except FileNotFoundError:
            pass  # put away while we waited
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _shorten(path: str) -> None:
    """Leave the newest entries, in half of the room. The lock of the present file is held."""
    kept: list[bytes] = []
    room = MAX_BYTES // 2
    for entry in reversed(load(path)):
        kept.append(_written(entry, 0))
        room -= len(kept[-1])
        if room < 0:
            break
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.writelines(reversed(kept))
    os.replace(temporary, path)


def _written(entry: str, when: int) -> bytes:
    first, *rest = entry.split("\n")
    lines = [first, *(line + " " if _TIME.fullmatch(line) else line for line in rest)]
    return f"#{when}\n{chr(10).join(lines)}\n".encode("utf-8", "surrogateescape")


def _entries(text: str) -> list[str]:
    """With times an entry goes on up to the next one; without any, each line is one."""
    lines = text.removesuffix("\n").split("\n") if text else []
    if not any(_TIME.fullmatch(line) for line in lines):
        return lines
    entries: list[list[str]] = []
    for line in _after_first_time(lines):
        if _TIME.fullmatch(line) and (not entries or entries[-1]):
            entries.append([])
        else:
            entries[-1].append(line)
    return ["\n".join(entry) for entry in entries if entry]


def _after_first_time(lines: Sequence[str]) -> Sequence[str]:
    """Without the rest of an entry whose beginning was too far back to be read."""
    first = next(index for index, line in enumerate(lines) if _TIME.fullmatch(line))
    return lines[first:]
