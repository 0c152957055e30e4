"""The one exception that becomes an `Error` reply. Imports the protocol."""

from __future__ import annotations

from engine.protocol.messages import ErrorCode


class EngineError(Exception):
    """A request can't be done: `code` for programs, `message` one sentence for a person."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
