"""Taking part in a running program: in a container's own, or in one started by exec. Imports asyncio and the parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from engine.containers.container import Container, Run
from engine.containers.events import Bus
from engine.containers.executed import Executed
from engine.containers.keeper import Keeper
from engine.containers.launch import Launcher
from engine.containers.output.clients import Client
from engine.containers.output.stdio import Stdio
from engine.containers.running import Running
from engine.errors import EngineError
from engine.protocol.messages import (
    AnyStreamInput,
    Attach,
    Attached,
    CloseInput,
    ErrorCode,
    Exec,
    Exited,
    Input,
    Output,
    Resize,
    Resized,
    StreamEnd,
)
from engine.receipts.steps import apart
from engine.spec.process import check_size


@dataclass(eq=False)
class Program:
    """What a session is about: a running program, until `over`."""

    stdio: Stdio
    over: asyncio.Event
    exit_code: Callable[[], int]


class Session:
    """One client's part in a program: iterate over what there is to see, `send` what the client does, then `close`."""

    def __init__(
        self, attached: Attached, program: Program, client: Client | None, *, input: bool, left: Callable[[], None]
    ) -> None:
        self.attached = attached
        self._program = program
        self._client = client
        self._input = input
        self._left = left
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[Output | Resized | Exited | StreamEnd]:
        if self._client is None:
            yield StreamEnd()
            return
        async for message in self._client:
            yield message
        if not self._closed:
            await self._program.over.wait()
            yield Exited(exit_code=self._program.exit_code())

    async def send(self, message: AnyStreamInput) -> None:
        """Do what the client asks; waits while the program does not read. EngineError(FORBIDDEN) for an onlooker."""
        if not self._input:
            raise EngineError(ErrorCode.FORBIDDEN, "You are attached to look on only: attach with input to take part.")
        match message:
            case Input(data=data):
                await self._program.stdio.write(data)
            case CloseInput():
                await self._program.stdio.close_input()
            case Resize(columns=columns, lines=lines):
                check_size(columns, lines)
                self._program.stdio.resize(columns, lines)

    async def close(self) -> None:
        """Leave. May be called again."""
        if not self._closed:
            self._closed = True
            if self._client is not None:
                self._client.close()
            self._left()


def resize(container: Container, stdio: Stdio, columns: int, lines: int) -> None:
    """Resize a container's terminal. EngineError(WRONG_STATE) when it has none, INVALID."""
    if stdio.screen is None:
        raise EngineError(
            ErrorCode.WRONG_STATE, f"Container {container.name!r} has no terminal: it was made without --tty."
        )
    check_size(columns, lines)
    stdio.resize(columns, lines)


def to_container(container: Container, run: Run, request: Attach, bus: Bus) -> Session:
    """A part in the container's own program."""
    if request.input and request.columns is not None and request.lines is not None:
        check_size(request.columns, request.lines)
        run.stdio.resize(request.columns, request.lines)
    client = run.stdio.attach()
    bus.publish("attach", container.id, container.name)
    return Session(
        _attached(container, run.stdio),
        Program(run.stdio, run.over, lambda: run.exit_code),
        client,
        input=request.input,
        left=lambda: bus.publish("detach", container.id, container.name),
    )


async def to_new_program(
    container: Container, request: Exec, launcher: Launcher, keeper: Keeper, running: Running, bus: Bus
) -> Session:
    """Start another program in the container, and take part in it. Without `detach` it ends when the session does."""
    held, stdio = await launcher.exec(container, request)
    client = None if request.detach else stdio.attach()
    program = Executed(held, stdio)
    with apart():
        running.spawn(program.watch(keeper, running.spawn), f"program {held.key}")
    bus.publish("exec", container.id, container.name, command=" ".join(request.command))
    return Session(
        _attached(container, stdio),
        Program(stdio, program.over, lambda: program.exit_code),
        client,
        input=not request.detach,
        left=program.kill if client is not None else lambda: None,
    )


def _attached(container: Container, stdio: Stdio) -> Attached:
    columns, lines = stdio.size
    return Attached(id=container.id, name=container.name, tty=stdio.screen is not None, columns=columns, lines=lines)
