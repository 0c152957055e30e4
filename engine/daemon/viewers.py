"""What a viewer may ask and is shown. One cuts requests down before they are answered, the other answers after.

A viewer sees what containers and terminals show, but no values of environment variables: those are where secrets are.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.errors import EngineError
from engine.protocol import messages as m

HIDDEN = "…"
"""In place of a value that a viewer is not shown."""


def allowed(request: m.AnyRequest) -> m.AnyRequest:
    """The request as a viewer may make it. Raises EngineError (forbidden)."""
    if not isinstance(request, m.VIEWER_REQUESTS) or (isinstance(request, m.Attach) and request.start):
        raise EngineError(
            m.ErrorCode.FORBIDDEN,
            "You may look at this engine's containers but not act on them: that takes its owner or an operator.",
        )
    if isinstance(request, m.Attach | m.JoinTerminal):
        return msgspec.structs.replace(request, input=False, columns=None, lines=None)
    if isinstance(request, m.GetHeap):
        return msgspec.structs.replace(request, exact=False)
    if isinstance(request, m.GetHeapMap):  # without touching the program: no events, no freezing
        return msgspec.structs.replace(
            request, exact=False, view=msgspec.structs.replace(request.view, events_after=None)
        )
    return request


def shown(reply: m.Reply) -> m.Reply:
    """The answer as a viewer may see it."""
    match reply:
        case m.Inspected(container=detail):
            options = msgspec.structs.replace(
                detail.options, env=[_without_value(entry) for entry in detail.options.env]
            )
            return m.Inspected(
                container=msgspec.structs.replace(detail, options=options, spec=_without_values(detail.spec))
            )
        case _:
            return reply


def _without_value(entry: str) -> str:
    name, equals, value = entry.partition("=")
    return f"{name}={HIDDEN}" if value else name + equals


def _without_values(found: Any) -> Any:
    """The spec with the values gone from each `env` there is in it: the process's, and the hooks'."""
    match found:
        case dict():
            return {
                key: [_without_value(str(entry)) for entry in value]
                if key == "env" and isinstance(value, list)
                else _without_values(value)
                for key, value in found.items()
            }
        case list():
            return [_without_values(each) for each in found]
        case _:
            return found
