"""All opened terminals, and the verbs that act on them: one method per request of the protocol. Imports the parts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from engine.containers import signals
from engine.containers.attach import Session as Part
from engine.containers.container import Run
from engine.containers.events import Bus
from engine.containers.identity import identify
from engine.containers.keeper import TERMINALS, Held, Keeper
from engine.containers.output.log import Log
from engine.containers.output.stdio import Stdio, drained
from engine.containers.tasks import Tasks
from engine.errors import EngineError
from engine.places import Places
from engine.protocol.messages import (
    ActOnJob,
    ContainerOptions,
    ErrorCode,
    Exec,
    JobTable,
    JoinTerminal,
    OpenTerminal,
    StreamEnd,
    StreamJobs,
    TerminalRef,
    TerminalSummary,
)
from engine.receipts.steps import apart
from engine.sessions import host
from engine.sessions.acting import Jobs
from engine.sessions.board import Board
from engine.sessions.hanging_up import hang_up
from engine.sessions.records import Record, Records
from engine.sessions.session import Session
from engine.spec import process

LOG_SIZE = 1 << 20  # bytes of a terminal's log file
LOG_FILES = 3
Summaries = list[TerminalSummary]
Command = list[str]  # the class below has a verb called `list`
_logger = logging.getLogger(__name__)


class Containers(Protocol):
    """What of `engine.containers.lifecycle.Containers` is needed."""

    bus: Bus

    def program(self, ref: str, /) -> Run: ...
    async def launch_in(self, request: Exec, key: str, /) -> Held: ...


class Terminals:
    """Every opened terminal of this engine. `recover` comes first, `close` last."""

    def __init__(self, places: Places, keeper: Keeper, containers: Containers, *, rootless: bool) -> None:
        self._places = places
        self._keeper = keeper
        self._containers = containers
        self._bus = containers.bus
        self._rootless = rootless
        self._records = Records(places.runtime / "terminals", repr(identify(keeper.pid)))
        self._sessions: dict[str, Session] = {}
        self._of_containers: WeakKeyDictionary[Run, Jobs] = WeakKeyDictionary()  # of their own terminals
        self._numbering = asyncio.Lock()
        self._tasks = Tasks()

    # The engine's own beginning and end

    async def recover(self) -> None:
        """Go on with the terminals that an earlier engine left with the keeper."""
        held = {key.removeprefix(TERMINALS): held for key, held in self._keeper.held.items() if _is_terminal(key)}
        for id in set(self._records.ids()) - set(held):
            await asyncio.to_thread(self._records.remove, id)
        for id in sorted(held, key=lambda id: int(id[1:])):
            record = await asyncio.to_thread(self._records.load, id)
            if record is None:  # its end was on the way to the keeper, or the files are gone
                await asyncio.to_thread(self._records.remove, id)
                self._tasks.spawn(self._drop(held[id]), f"end of {id}")
            else:
                self._adopt(record, held[id])

    def _adopt(self, record: Record, held: Held) -> None:
        log = self._log(record.id)
        try:
            stdio = Stdio(held.descriptors, log, self._spool(record.id))
        except OSError as error:
            _logger.error("terminal %s goes on without what it has shown: %s", record.id, error)
            stdio = Stdio(held.descriptors, None, None)
        self._watch(record, held, stdio, log)

    async def _drop(self, held: Held) -> None:
        await hang_up(held.pid)
        await self._keeper.ended(held.key)
        await self._keeper.forget(held.key)

    async def close_all(self) -> None:
        """Close every terminal, all at once."""
        await asyncio.gather(*(self._close(session) for session in self._sessions.values()))

    async def close(self) -> None:
        """Let go of everything; what runs goes on."""
        await self._tasks.close()
        for session in self._sessions.values():
            session.close()

    # Verbs

    async def open(self, request: OpenTerminal) -> TerminalRef:
        """Start a program on a new terminal."""
        return TerminalRef(terminal=await self._tasks.whole(self._open(request)))

    async def close_terminal(self, id: str) -> None:
        """End it; returns when it has ended."""
        await self._tasks.whole(self._close(self._find(id)))

    def list(self) -> Summaries:
        """All of them, oldest first."""
        return [session.summary() for session in self._sessions.values()]

    def join(self, request: JoinTerminal) -> Part:
        """Take part in one."""
        return self._find(request.terminal).join(request)

    async def act(self, request: ActOnJob) -> None:
        """Do something to a job."""
        await self._tasks.whole(self._jobs(request.terminal, request.container).act(request))

    async def jobs(self, request: StreamJobs) -> AsyncGenerator[JobTable | StreamEnd, None]:
        """The job table, now and whenever it changes, then a `StreamEnd`."""
        board = self._jobs(request.terminal, request.container).board
        async with aclosing(board.watch()) as tables:
            async for table in tables:
                yield table
        yield StreamEnd()

    # How the verbs are done

    def _jobs(self, terminal: str | None, container: str | None) -> Jobs:
        if (terminal is None) == (container is None):
            raise EngineError(ErrorCode.INVALID, "Name either a terminal or a container whose jobs are meant.")
        if terminal is not None:
            return self._find(terminal).jobs
        assert container is not None
        run = self._containers.program(container)
        if run.stdio.screen is None:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Container {container!r} has no terminal: it was made without --tty."
            )
        if run not in self._of_containers:
            jobs = Jobs(f"container {container!r}", run.held.pid, run.stdio, Board(run.held.pid))
            self._of_containers[run] = jobs
        return self._of_containers[run]

    async def _open(self, request: OpenTerminal) -> str:
        process.check(
            ContainerOptions(
                command=request.command,
                workdir=request.workdir,
                env=request.env,
                columns=request.columns,
                lines=request.lines,
            )
        )
        async with self._numbering:
            with _stored():
                id = await asyncio.to_thread(self._records.next_id)
        if request.container is None:
            program = host.program(request, id, self._places, rootless=self._rootless)
            return await self._start(request, id, None, program.command, self._keeper.spawn(TERMINALS + id, program))
        container = self._containers.program(request.container).held.key
        execution = Exec(
            container=container,
            command=request.command or host.SHELL,
            tty=True,
            interactive=True,
            workdir=request.workdir,
            env=[*host.TERMINAL, *request.env],
            columns=request.columns,
            lines=request.lines,
        )
        launch = self._containers.launch_in(execution, TERMINALS + id)
        return await self._start(request, id, container, execution.command, launch)

    async def _start(
        self, request: OpenTerminal, id: str, container: str | None, command: Command, launch: Coroutine[Any, Any, Held]
    ) -> str:
        """The record first: what is held without one is an accident to the next engine."""
        record = Record(id=id, command=command, created_at=datetime.now(UTC), container=container)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(asyncio.to_thread, self._records.remove, id)
            undo.callback(launch.close)
            with _stored():
                await asyncio.to_thread(self._records.save, record)
            try:
                held = await launch
            except EngineError as error:
                why = error.message.rstrip(".")
                raise EngineError(error.code, f"The terminal can't be opened: {why}.") from None
            undo.push_async_callback(self._drop, held)
            log = self._log(id)
            with _stored():
                log.begin()
                stdio = Stdio(held.descriptors, log, self._spool(id), request.columns, request.lines)
            undo.pop_all()
        self._watch(record, held, stdio, log)
        self._bus.publish("terminal_open", container or "", id)
        return id

    def _log(self, id: str) -> Log:
        return Log(self._records.directory(id) / "log", LOG_SIZE, LOG_FILES)

    def _spool(self, id: str) -> Path:
        return self._records.directory(id) / "spool"

    def _watch(self, record: Record, held: Held, stdio: Stdio, log: Log) -> None:
        session = Session(record, held, stdio, log, self._changed)
        self._sessions[record.id] = session
        with apart():
            self._tasks.spawn(self._see_to_its_end(session), f"terminal {record.id}")

    def _changed(self, session: Session) -> None:
        self._bus.publish("terminal_change", session.record.container or "", session.id)

    async def _see_to_its_end(self, session: Session) -> None:
        """As for containers, the keeper forgets last: whenever the engine is killed, its successor finds all of it."""
        output = self._tasks.spawn(session.stdio.run(), f"output of {session.id}")
        try:
            session.exit_code = signals.exit_code(await self._keeper.ended(session.held.key))
            await drained(output, session.stdio)
        finally:
            output.cancel()
            session.close()
        await asyncio.to_thread(self._records.remove, session.id)
        await self._keeper.forget(session.held.key)
        del self._sessions[session.id]
        session.over.set()
        self._bus.publish("terminal_close", session.record.container or "", session.id, exit_code=session.exit_code)

    async def _close(self, session: Session) -> None:
        if not await hang_up(session.held.pid):
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"Terminal {session.id} was killed, and does not end: its processes are frozen or wait for a device.",
            )
        await session.over.wait()

    def _find(self, id: str) -> Session:
        try:
            return self._sessions[id]
        except KeyError:
            raise EngineError(ErrorCode.NO_SUCH_TERMINAL, f"There is no terminal {id!r}.") from None


def _is_terminal(key: str) -> bool:
    return key.startswith(TERMINALS)


@contextmanager
def _stored() -> Iterator[None]:
    """Turn an OSError into an EngineError(STORAGE)."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EngineError(
            ErrorCode.STORAGE, f"The terminal's files can't be written: {error.strerror}{where}."
        ) from error
