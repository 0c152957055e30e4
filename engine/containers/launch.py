"""Starting programs: the steps from a stored container to a running one, each undone when a later one fails.

    directories, network → cgroup → plan → keeper → receipt → terminal or pipes

Imports asyncio and the parts; the kernel's work is in `engine.sandbox` and the keeper.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from engine.cgroups import Cgroup, Hierarchy
from engine.containers import bundle, filling, hooks, limiting, namespaces, networking
from engine.containers.container import Container, Run
from engine.containers.keeper import Held, Keeper, Launched
from engine.containers.networking import Networking
from engine.containers.output.stdio import Stdio
from engine.containers.store import Store
from engine.errors import EngineError
from engine.heap import library
from engine.network.networks import Attached
from engine.protocol.messages import ErrorCode, Exec, Launch, Status
from engine.receipts.steps import carried, step
from engine.sandbox import init, receipt
from engine.sandbox.build import exec_plan, launch_plan
from engine.sandbox.mount_inputs import handed_in
from engine.sandbox.plan import Plan
from engine.sandbox.program import Program
from engine.spec.structs import Process, Spec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What a launch has to tell, before anybody asked: making a message of it takes as long as half a launch."""

    id: str
    name: str
    plan: Plan
    launched: Launched
    started_at: datetime

    def message(self) -> Launch:
        """The launch receipt."""
        steps = receipt.steps(self.plan, self.launched.receipt, self.launched.finished)
        return Launch(
            id=self.id,
            name=self.name,
            executor=self.launched.executor,
            started_at=self.started_at,
            total=max((step.end for step in steps), default=0),
            steps=steps,
        )


class Prepared(NamedTuple):
    """What a launch takes: the plan, as executors walk it, and the cgroup with all of its limits."""

    plan: Plan
    program: Program
    cgroup: Cgroup | None


class LaunchError(EngineError):
    """The program was not reached; `told` says which step failed."""

    def __init__(self, code: ErrorCode, message: str, told: Told) -> None:
        super().__init__(code, message)
        self.told = told


class Launcher:
    """Starts a container's program, and further ones in it."""

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        cgroups: Hierarchy,
        networking: Networking,
        spools: Path,
        find: namespaces.Find,
        hooks: hooks.Hooks,
    ) -> None:
        self._store = store
        self._find = find  # whose namespaces a container may join
        self.hooks = hooks
        self._keeper = keeper
        self._cgroups = cgroups
        self._networking = networking
        self.spools = spools  # where output is on its way to the log; a container's is there before its cgroup

    async def start(self, container: Container) -> tuple[Run, Told]:
        """Launch the container's program. EngineError says why not; then nothing is left of the attempt."""
        spool = self.spool(container.id)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(asyncio.to_thread, shutil.rmtree, spool, ignore_errors=True)
            with _explained(container):
                spool.mkdir(mode=0o700, parents=True, exist_ok=True)
                container.log.begin()
            options = container.record.options
            with ExitStack() as opened:
                spec, joined = await namespaces.open_namespaces(container.spec, self._find, opened)
                user = namespaces.user_of(spec, joined)
                attaching = asyncio.create_task(self._networking.attach(container, user))
                undo.push_async_callback(self._end_attached, container.id, attaching)
                (plan, program, cgroup), network = await self._prepared(container, spec, attaching, undo)
                mounts = await self._open_mounts(container, opened)
                joining = opened.enter_context(_opened(cgroup))
                undo.push_async_callback(self.hooks.after_stop, container)
                launched = await self._keeper.launch(
                    container.id,
                    program,
                    [*joined, *network, *mounts, *joining],
                    tty=options.tty,
                    stdin=options.interactive,
                    attend=self.hooks.attending(container, cgroup, joining) if hooks.pauses(spec) else None,
                )
            told = Told(container.id, container.name, plan, launched, datetime.now(UTC))
            with step("read", f"the launch receipt of {container.name}"):
                held = _succeeded(container, plan, launched, container.spec.process, told)
            undo.push_async_callback(self.kill, held)
            with _explained(container):
                run = Run(held, self.stdio(container, held), cgroup)
            undo.pop_all()
            networking.close(attaching.result())
            return run, told

    async def exec(self, container: Container, request: Exec) -> tuple[Held, Stdio]:
        """Launch one more program in a running container, for a client of its own. EngineError says why not."""
        run = container.running()
        run.programs += 1
        held = await self.launch(container, request, f"{container.id}/{run.programs}")
        closer = self._closer(held.key)
        return held, Stdio(held.descriptors, None, None, request.columns, request.lines, on_close_input=closer)

    async def launch(self, container: Container, request: Exec, key: str) -> Held:
        """Launch one more program in a running container; the keeper holds it as `key`. EngineError says why not."""
        run = container.running()
        if container.record.status == Status.PAUSED:
            raise EngineError(ErrorCode.WRONG_STATE, f"Container {container.name!r} is paused: unpause it first.")
        directory = self._store.directory(container.id)
        process = await bundle.process_of(request, container.spec, container.image, directory)
        with _opened(run.cgroup) as inputs:
            plan = exec_plan(
                container.spec,
                process,
                cgroup=run.cgroup is not None and run.cgroup.clone_into,
                joins=run.cgroup.joins if run.cgroup is not None else (),
                types=namespaces.chosen(request.namespaces, run.held.pid),
            )
            launched = await self._keeper.launch(
                key, plan.assemble(), [run.held.pidfd, *inputs], tty=request.tty, stdin=request.interactive
            )
        return _succeeded(container, plan, launched, process)

    def stdio(self, container: Container, held: Held) -> Stdio:
        """The terminal or pipes of a container's program, of which an earlier engine may have read already."""
        options = container.record.options
        spool = self.spool(container.id)
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        closer = self._closer(held.key)
        return Stdio(held.descriptors, container.log, spool, options.columns, options.lines, on_close_input=closer)

    def _closer(self, key: str) -> Callable[[], Awaitable[None]]:
        return lambda: self._keeper.close_stdin(key)

    def spool(self, id: str) -> Path:
        """Where the output of a container is on its way to the log."""
        return self.spools / id

    async def kill(self, held: Held) -> int:
        """End a program and make the keeper forget it. Its wait status."""
        held.signal(signal.SIGKILL)
        status = await self._keeper.ended(held.key)
        await self._keeper.forget(held.key)
        return status

    async def clear(self, id: str, cgroup: Cgroup | None) -> None:
        """Remove what a container's program leaves behind once it has ended; the spool, recovery's mark, last."""

        def clear() -> None:
            if cgroup is not None:
                limiting.end(cgroup)
            with step("rmtree", self.spool(id)):
                shutil.rmtree(self.spool(id), ignore_errors=True)

        await asyncio.gather(self._detached(id), asyncio.to_thread(clear))

    async def _detached(self, id: str) -> None:
        """What can't be taken back of its networks keeps nobody waiting: the next engine finds it noted."""
        try:
            await self._networking.detach(id)
        except (EngineError, OSError):
            log.exception("the network of %s could not be taken back", id)

    async def _open_mounts(self, container: Container, opened: ExitStack) -> list[int]:
        if not handed_in(container.spec.mounts):
            return []
        directory = self._store.directory(container.id)
        return await asyncio.to_thread(filling.open_mounts, container.spec, container.image, directory, opened)

    async def _prepared(
        self, container: Container, spec: Spec, attaching: asyncio.Task[Attached], undo: AsyncExitStack
    ) -> tuple[Prepared, list[int]]:
        """Plan and cgroup, made while the network is; and its namespace, if it was made ready."""
        # All in one thread: beside a plan in the making, the loop would wait for the interpreter's lock.
        preparing = asyncio.get_running_loop().run_in_executor(None, carried(self._prepare), container, spec)
        undo.push_async_callback(_end_prepared, preparing)
        with _explained(container):
            prepared = await preparing
            attached = await attaching
            if attached.namespace is not None:
                return prepared, [attached.namespace]
            if self._networking.expects(container):  # there are no networks here, as has just been found
                plan = await asyncio.to_thread(self._plan, container, spec, network=False)
                prepared = prepared._replace(plan=plan, program=plan.assemble())
            return prepared, []

    def _prepare(self, container: Container, spec: Spec) -> Prepared:
        """The plan first and the cgroup last: when anything fails, there is no cgroup."""
        self._networking.prepare(container)
        if container.record.options.heap is not None:
            library.lay_out(bundle.heap_of(self._store.directory(container.id)))
        plan = self._plan(container, spec, network=self._networking.expects(container))
        program = plan.assemble()
        bundle.prepare(bundle.filesystem(self._store.directory(container.id), container.image, spec))
        return Prepared(plan, program, limiting.make(self._cgroups, spec, container.id))

    def _plan(self, container: Container, spec: Spec, *, network: bool) -> Plan:
        expected = limiting.cgroup_of(self._cgroups, spec, container.id)
        return launch_plan(
            spec,
            bundle.filesystem(self._store.directory(container.id), container.image, spec),
            init=init.path() if container.record.options.init else None,
            network=network,
            cgroup=expected is not None and expected.clone_into,
            joins=expected.joins if expected is not None else (),
            pauses=hooks.pauses(spec),
        )

    async def _end_attached(self, id: str, attaching: asyncio.Task[Attached]) -> None:
        """Undo `attach`, once it is over."""
        with suppress(OSError, EngineError, asyncio.CancelledError):
            networking.close(await attaching)
            await self._networking.undo(id)


async def _end_prepared(preparing: asyncio.Future[Prepared]) -> None:
    """Undo `_prepare`, once it is over."""
    with suppress(OSError, EngineError):
        if (cgroup := (await preparing).cgroup) is not None:
            await asyncio.to_thread(limiting.end, cgroup)


@contextmanager
def _opened(cgroup: Cgroup | None) -> Iterator[list[int]]:
    """What a launch takes to get into the cgroup: its directory to be born into, then what it joins by."""
    with ExitStack() as opened:
        inputs = []
        if cgroup is not None:
            if cgroup.clone_into:
                inputs.append(cgroup.open())
                opened.callback(os.close, inputs[0])
            inputs += cgroup.open_joins(opened)
        yield inputs


@contextmanager
def _explained(container: Container) -> Iterator[None]:
    """Turn an OSError into an EngineError(LAUNCH_FAILED)."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise EngineError(
            ErrorCode.LAUNCH_FAILED, f"Container {container.name!r} can't start: {error.strerror}{where}."
        ) from error


def _succeeded(
    container: Container, plan: Plan, launched: Launched, process: Process, told: Told | None = None
) -> Held:
    """The process, if its program was reached. EngineError; with the receipt, if there is one to go with it."""
    failure = receipt.failure(plan, launched.receipt, process)
    if failure is None and launched.held is not None:
        return launched.held
    assert failure is not None
    message = f"Container {container.name!r}: {failure.message}"
    if told is None:
        raise EngineError(failure.code, message)
    raise LaunchError(failure.code, message, told)
