"""What both kinds of connection make of the engine's messages. Imports no asyncio."""

from __future__ import annotations

from engine.client.errors import ClientError, ConnectionLost, EngineUnreachable, RequestFailed
from engine.protocol import framing
from engine.protocol.messages import VERSION, AnyReply, EngineInfo, Error, Exited, Message, Reply, Role, StreamEnd

GREETING = 20.0  # seconds that the engine has to answer the first request

ATTEMPTS = 2  # an engine that is just ending hangs up, and is not there any more when it is asked again


def outgoing(message: Message) -> bytes:
    """A frame to send. Raises ClientError for a message that can't be one."""
    try:
        return framing.encode(message)
    except framing.BadMessage as error:
        raise ClientError(f"This can't be sent to the engine. {error.sentence}") from None


def incoming(payload: bytes) -> AnyReply:
    """A reply other than Error. Raises RequestFailed for an Error, ConnectionLost for what is none."""
    try:
        reply = framing.decode_reply(payload)
    except framing.BadMessage as error:
        raise ConnectionLost(f"The engine's answer can't be understood. {error.sentence}") from None
    if isinstance(reply, Error):
        raise RequestFailed(reply.code, reply.message)
    return reply


def expected(reply: AnyReply, kind: type[Reply]) -> None:
    """Raises ConnectionLost when the reply is of another kind than the request's."""
    if not isinstance(reply, kind):
        raise ConnectionLost(f"The engine answered with {type(reply).__name__} where {kind.__name__} was due.")


def greeted(payload: bytes, any_version: bool, host: str | None = None) -> EngineInfo:
    """The engine's answer to the first request. Raises EngineUnreachable when it speaks another protocol."""
    try:
        reply = incoming(payload)
    except ConnectionLost:
        raise EngineUnreachable(_other_version("another protocol", host)) from None
    if not isinstance(reply, EngineInfo):
        raise EngineUnreachable(_other_version("another protocol", host))
    if reply.protocol != VERSION and not any_version:
        raise EngineUnreachable(_other_version(f"version {reply.protocol} of the protocol", host))
    return reply


def held_to_looking(engine: EngineInfo, viewer: bool) -> None:
    """Raises EngineUnreachable where we asked to be a viewer and an older engine did not hear it."""
    if viewer and engine.role is not Role.VIEWER:
        raise EngineUnreachable(
            "The running engine is older than this program and would let a viewer act; end it first."
        )


def last(reply: AnyReply) -> bool:
    """Whether a stream ends with it."""
    return isinstance(reply, Exited | StreamEnd)


def lost() -> ConnectionLost:
    return ConnectionLost("The connection to the engine was lost; it is started anew when you ask again.")


def no_greeting() -> EngineUnreachable:
    return EngineUnreachable(f"The engine is there but did not answer within {GREETING:.0f} seconds.")


def hangs_up(host: str | None = None) -> EngineUnreachable:
    if host is not None:
        return EngineUnreachable(
            f"The engine at {host} runs, but its socket can't be reached through ssh: sshd there has to let you "
            "forward sockets (AllowStreamLocalForwarding), and the engine has to be yours to use."
        )
    return EngineUnreachable("The engine is there but hangs up at once; its log says why.")


def _other_version(what: str, host: str | None) -> str:
    if host is not None:
        return (
            f"The engine at {host} speaks {what} and this program version {VERSION}; both need the same release of "
            "heliostui."
        )
    return (
        f"The running engine speaks {what} and this program version {VERSION}; "
        "end it with `heliostui engine stop` and it will be started anew."
    )
