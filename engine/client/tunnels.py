"""The ways to other machines that this process has: one for each, opened when it is first needed, ended with us.

Imports the standard library and this package; loaded only where another machine is asked for.
"""

from __future__ import annotations

import atexit
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.client.address import parse
from engine.client.errors import EngineUnreachable
from engine.client.tunnel import Tunnel
from engine.places import Places


class _Way:
    """To one host; the lock lets one thread open it while others wait."""

    def __init__(self) -> None:
        self.tunnel: Tunnel | None = None
        self.closed = False
        self.lock = threading.Lock()


_ways: dict[str, _Way] = {}
_guard = threading.Lock()
_asking = True


def ask_no_more() -> None:
    """From now on the terminal is the console's: ssh must not ask for a password on it."""
    global _asking
    _asking = False


def through(places: Places, start: bool, again: bool) -> Places:
    """Where a socket here leads to the engine at `places.host`. `again`: it did not answer just now.

    Raises EngineUnreachable, and EngineNotRunning when it is not to be started.
    """
    with _standing(places, start) as (tunnel, new):
        if new and not tunnel.running:
            raise tunnel.not_running()
        if again and not new:
            tunnel.ensure(start=start)
        return Places(tunnel.socket.parent, places.state)


def run(places: Places, words: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run `heliostui WORDS` at `places.host`, with what it writes caught. Raises EngineUnreachable."""
    with _standing(places, start=False) as (tunnel, _):
        return tunnel.run(words)


@contextmanager
def _standing(places: Places, start: bool) -> Iterator[tuple[Tunnel, bool]]:
    """The tunnel to `places.host`, and whether it was made now."""
    assert places.host is not None
    with _guard:
        way = _ways.setdefault(places.host, _Way())
    with way.lock:
        if way.closed:
            raise EngineUnreachable(f"The connection to {places.host} was ended.")
        if way.tunnel is not None and not way.tunnel.stands:
            _drop(way)
        new = way.tunnel is None
        if way.tunnel is None:
            way.tunnel = Tunnel(parse(places.host), places.runtime)
            try:
                way.tunnel.open(start=start, ask=_asking)
            except BaseException:
                _drop(way)
                raise
        yield way.tunnel, new


def _drop(way: _Way) -> None:
    if way.tunnel is not None:
        way.tunnel.close()
        way.tunnel = None


def close(host: str) -> None:
    """End the connection to a host, also while it is being made."""
    with _guard:
        way = _ways.pop(host, None)
    if way is not None:
        way.closed = True
        if way.tunnel is not None:
            way.tunnel.abort()
        with way.lock:
            _drop(way)


def close_all() -> None:
    """End all of them."""
    for host in list(_ways):
        close(host)


atexit.register(close_all)
