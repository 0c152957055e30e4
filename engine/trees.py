"""Deleting trees that a container's programs have made, however deep. Blocks. Standard library only.

Python's shutil.rmtree goes down by recursion, with an open descriptor for each level, and gives up at a thousand of
them; a program makes more in a moment. Here directories are brought up to the top one by one, and emptied there.
"""

from __future__ import annotations

import itertools
import os
import secrets
from contextlib import AbstractContextManager, nullcontext, suppress

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: str | os.PathLike[str], *, ignore_errors: bool = False) -> None:
    """Delete a directory that nobody uses any more, with all that is in it. Raises OSError; with `ignore_errors` what
    resists is left instead."""
    with _errors(ignore_errors):
        top = os.open(path, _DIRECTORY)
        try:
            _empty(top, ignore_errors)
        finally:
            os.close(top)
        os.rmdir(path)


def _errors(ignore: bool) -> AbstractContextManager[None]:
    return suppress(OSError) if ignore else nullcontext()


def _empty(top: int, ignore_errors: bool) -> None:
    names = (f".{secrets.token_hex(8)}-{number}" for number in itertools.count())  # that nobody inside could foresee
    waiting = ["."]
    while waiting:
        name = waiting.pop()
        with _errors(ignore_errors):
            directory = os.open(name, _DIRECTORY, dir_fd=top)
            try:
                for entry in list(os.scandir(directory)):
                    with _errors(ignore_errors):
                        if not entry.is_dir(follow_symlinks=False):
                            os.unlink(entry.name, dir_fd=directory)
                        elif name == ".":
                            waiting.append(entry.name)
                        else:
                            new = next(names)
                            os.rename(entry.name, new, src_dir_fd=directory, dst_dir_fd=top)
                            waiting.append(new)
            finally:
                os.close(directory)
            if name != ".":
                os.rmdir(name, dir_fd=top)
