"""Runs a command the cheapest way there is, so that what is measured is the command."""

from __future__ import annotations

import os
from pathlib import Path


def run(command: list[str], output: Path) -> str:
    """What the command (its program by path) wrote to standard output. RuntimeError when it fails."""
    with output.open("w+") as file, output.with_suffix(".err").open("w+") as errors:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, file.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
        ]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            errors.seek(0)
            raise RuntimeError(f"{command[0]} ended with {status}: {errors.read().strip()}")
        file.seek(0)
        return file.read()
