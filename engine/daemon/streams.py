"""The table from a stream request's type to what it says, in order. Those that speak with a program, `Attach` and its
like, are not here: they have a session, see `session`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

from engine.daemon.service import Engine
from engine.protocol import messages as m


async def _events(engine: Engine, request: m.StreamEvents) -> AsyncGenerator[m.AnyReply, None]:
    with engine.containers.events() as events:
        yield m.Ready()
        async for event in events:
            yield event


STREAMS: dict[type[m.StreamRequest], Callable[[Engine, Any], AsyncGenerator[m.AnyReply, None]]] = {
    m.StreamEvents: _events,
    m.StreamLogs: lambda engine, request: engine.containers.logs(request),
    m.StreamJobs: lambda engine, request: engine.terminals.jobs(request),
    m.StreamStats: lambda engine, request: engine.metrics.stream(request),
    m.StreamNetworkMap: lambda engine, request: engine.network_view.stream_map(request),
    m.StreamDns: lambda engine, request: engine.network_view.dns(request),
    m.StreamCapture: lambda engine, request: engine.network_view.capture(request),
}
