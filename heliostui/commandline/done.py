"""One request that has nothing to tell but that it was done."""

from __future__ import annotations

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Done, Request


def have_done(request: Request) -> int:
    """Have the engine do it; returns 0. Raises ClientError."""
    with Connection.connect(places()) as engine:
        engine.request(request, Done)
    return 0
