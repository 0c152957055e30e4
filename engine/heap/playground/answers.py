"""What the engine and a playground's process say to each other: the protocol's own requests and replies.

Imports msgspec and the protocol.
"""

from __future__ import annotations

import msgspec

from engine.protocol.messages import (
    Error,
    GetPlayground,
    ListPlay,
    Operations,
    Peeked,
    PeekPlayground,
    Play,
    PlaygroundShown,
    SeekPlayground,
)

Asked = GetPlayground | Play | SeekPlayground | PeekPlayground | ListPlay


class Answer(msgspec.Struct, frozen=True):
    """`pid`: of the process that has the heap now."""

    reply: PlaygroundShown | Peeked | Operations | Error
    pid: int
