"""What can go wrong between a front end and the engine; each error's text is one sentence for a person."""

from __future__ import annotations

from engine.protocol.messages import ErrorCode


class ClientError(Exception):
    """Anything below. `str()` is the sentence."""


class EngineUnreachable(ClientError):
    """No connection: the engine could not be started, its socket is not ours to use, it speaks another protocol."""


class EngineNotRunning(EngineUnreachable):
    """Nobody listens, and nobody was asked to start it."""


class ConnectionLost(ClientError):
    """The engine went away in the middle of a conversation."""


class RequestFailed(ClientError):
    """The engine refused: its `Error` reply."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
