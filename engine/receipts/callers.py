"""Who asks: the user, and the program at the other end of the socket. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property

VALUED = ("-H", "--host", "-m")  # options before the verb that take a word
PROGRAM = "heliostui"


@dataclass(frozen=True)
class Caller:
    """A client. `pid`: 0 where nobody knows."""

    uid: int
    pid: int = 0

    @cached_property
    def program(self) -> str:
        """`console`, `heliostui stop` …, else the name of the program; empty when it can't be told. Read once, at the
        first request: then the client waits for the answer, and so it is still there."""
        try:
            with open(f"/proc/{self.pid}/cmdline", "rb") as file:
                line = os.fsdecode(file.read(4096))
            with open(f"/proc/{self.pid}/comm") as file:
                comm = file.read().strip()
        except OSError:
            return ""
        return program(line.rstrip("\0").split("\0"), comm)


def program(argv: list[str], comm: str) -> str:
    """What a command line is called. Of its words only the verb is told: the others may be secrets."""
    for place, word in enumerate(argv[:4]):
        if os.path.basename(word) == PROGRAM or word in (f"{PROGRAM}.__main__",):
            verb = _verb(argv[place + 1 :])
            return f"{PROGRAM} {verb}" if verb else "console"
    return comm


def _verb(words: list[str]) -> str:
    """The first word that is no option, nor the value of one."""
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in VALUED:
            skip = True
        elif not word.startswith("-"):
            return word
    return ""
