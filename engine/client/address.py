"""The address of another machine's engine: `ssh://[user@]host[:port][/program]`. Imports the standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.client.errors import EngineUnreachable

SCHEME = "ssh://"
PROGRAM = "heliostui"
# ssh(1) puts both into commands of the user's configuration (ProxyCommand), so nothing that a shell reads is let in.
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?")
_PROGRAM = re.compile(r"/[A-Za-z0-9_./+~-]*[A-Za-z0-9_+~-]")


class BadAddress(EngineUnreachable):
    """It is no address of a machine."""


@dataclass(frozen=True)
class Address:
    """Where to go by ssh, and what heliostui is called there."""

    host: str
    user: str | None = None
    port: int | None = None
    program: str = PROGRAM

    @property
    def label(self) -> str:
        """As people name it: `user@host`, with the port where it is said."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user + '@' if self.user else ''}{host}{f':{self.port}' if self.port else ''}"

    @property
    def url(self) -> str:
        """As it is typed."""
        return f"{SCHEME}{self.label}{self.program if self.program != PROGRAM else ''}"


def parse(text: str) -> Address:
    """Raises BadAddress."""
    if not text.startswith(SCHEME):
        raise _bad(text, "say ssh://[user@]host[:port], or local for this machine")
    where, slash, path = text.removeprefix(SCHEME).partition("/")
    user, at, place = where.rpartition("@")
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?", place)
    if match is None:
        raise _bad(text, "its host and port are not to be told apart; an IPv6 address stands in brackets")
    host, port = match[1] or match[2] or "", match[3]
    if ":" in user:
        raise _bad(text, "it has a password in it, and ssh takes none from there: use a key")
    if at and not _USER.fullmatch(user):
        raise _bad(text, f"'{user}' is no name of a user")
    if not _HOST.fullmatch(host):
        raise _bad(text, f"'{host}' is no name of a host" if host else "it names no host")
    if port is not None and (len(port) > 5 or not 0 < int(port) < 65536):
        raise _bad(text, f"{port[:20]} is no port: those go from 1 to 65535")
    if path and not _PROGRAM.fullmatch(slash + path):
        raise _bad(text, f"'/{path}' is no path of a program")
    return Address(host, user or None, int(port) if port else None, slash + path if path else PROGRAM)


def _bad(text: str, why: str) -> BadAddress:
    return BadAddress(f"The host '{text}' can't be used: {why}.")
