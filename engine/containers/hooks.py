"""Hooks of the spec: programs that are run at given moments of a container's life, in their order (OCI runtime-spec,
config.md "POSIX-platform Hooks", runtime.md "Lifecycle"). Imports asyncio and the parts.

    kind              when                                  where                                 a failure
    prestart          the namespaces are there, before      outside                               ends the launch
    createRuntime     pivot_root                            outside                               ends the launch
    createContainer                                         in the namespaces, on the host's root ends the launch
    startContainer    right before the program              in the container, as the program      ends the launch
    poststart         the program runs                      outside                               ends the container
    poststop          nothing of the container is left      outside                               is told of

Each finds the container's state as JSON on its standard input, has the environment that the spec gives it and no other,
and is killed when it takes longer than its timeout.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from engine.cgroups import Cgroup
from engine.containers import namespaces, signals
from engine.containers.container import Container, Run
from engine.containers.events import Bus
from engine.containers.keeper import Held, Keeper, Paused
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox import hook as plans
from engine.sandbox import pause, receipt
from engine.sandbox.build import exec_plan
from engine.sandbox.plan import Plan
from engine.spec.structs import Hook, Spec

_log = logging.getLogger(__name__)

Kind = Literal["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
Status = Literal["creating", "created", "running", "stopped"]
FIELDS = {
    "prestart": "prestart",
    "createRuntime": "create_runtime",
    "createContainer": "create_container",
    "startContainer": "start_container",
    "poststart": "poststart",
    "poststop": "poststop",
}
POINTS: dict[str, tuple[Kind, ...]] = {
    pause.CREATED: ("prestart", "createRuntime", "createContainer"),
    pause.READY: ("startContainer",),
}
KEPT = 1024  # bytes of what a hook complained of
MOST = 1 << 20  # bytes that a pipe holds, /proc/sys/fs/pipe-max-size


def of(spec: Spec, kind: Kind) -> Sequence[Hook]:
    """The hooks of one kind, in their order."""
    return getattr(spec.hooks, FIELDS[kind]) if spec.hooks else ()


def pauses(spec: Spec) -> list[str]:
    """Where a launch has to wait for hooks (see `engine.sandbox.pause`)."""
    return [point for point, kinds in POINTS.items() if any(of(spec, kind) for kind in kinds)]


class Hooks:
    """Runs them. `directory` is where the config.json of a container is that came without a bundle, by its id."""

    def __init__(self, keeper: Keeper, bus: Bus, directory: Callable[[str], Path]) -> None:
        self._keeper = keeper
        self._bus = bus
        self._directory = directory
        self._number = 0

    def attending(
        self, container: Container, cgroup: Cgroup | None, joining: list[int]
    ) -> Callable[[Paused], Awaitable[None]]:
        """What is to be done at each pause of the container's launch; `joining` are the descriptors that it gets into
        its cgroup by. Raises EngineError LAUNCH_FAILED."""

        async def attend(paused: Paused) -> None:
            status: Status = "creating" if paused.at == pause.CREATED else "created"
            for kind in POINTS[paused.at]:
                for hook in of(container.spec, kind):
                    plan, inputs = await self._planned(kind, hook, container, paused, cgroup)
                    inputs = [*inputs, *joining] if kind == "startContainer" else inputs
                    await self._run(kind, hook, container, (status, paused.pid), plan, inputs)

        return attend

    async def after_start(self, container: Container, run: Run) -> None:
        """The poststart hooks. Raises EngineError LAUNCH_FAILED at the first that fails."""
        for hook in of(container.spec, "poststart"):
            plan = plans.outside(hook, self._bundle(container))
            await self._run("poststart", hook, container, ("running", run.held.pid), plan, [])

    async def after_stop(self, container: Container) -> None:
        """The poststop hooks, all of them."""
        for hook in of(container.spec, "poststop"):
            plan = plans.outside(hook, self._bundle(container))
            try:
                await self._run("poststop", hook, container, ("stopped", 0), plan, [])
            except EngineError as error:
                _log.warning("%s", error.message)

    async def _planned(
        self, kind: Kind, hook: Hook, container: Container, paused: Paused, cgroup: Cgroup | None
    ) -> tuple[Plan, list[int]]:
        """Its plan, and the inputs that it takes, but for those of the cgroup."""
        if kind in ("prestart", "createRuntime"):
            return plans.outside(hook, self._bundle(container)), []
        types = await asyncio.to_thread(namespaces.differing, paused.pid)
        if kind == "createContainer":
            return plans.before_pivot(hook, types, container.spec.linux), [paused.pidfd]
        spec = container.spec
        own = msgspec.structs.replace(
            spec.process, args=hook.args or [hook.path], env=hook.env, cwd="/", terminal=False, console_size=None
        )
        plan = exec_plan(
            spec,
            own,
            cgroup=cgroup is not None and cgroup.clone_into,
            joins=cgroup.joins if cgroup is not None else (),
            types=types,
            path=hook.path,
        )
        return plan, [paused.pidfd]

    async def _run(
        self, kind: Kind, hook: Hook, container: Container, state: tuple[Status, int], plan: Plan, inputs: list[int]
    ) -> None:
        """One hook, to its end. Raises EngineError LAUNCH_FAILED."""
        self._number += 1
        key = f"{container.id}/hook/{self._number}"
        failure = None
        try:
            launched = await self._keeper.launch(key, plan.assemble(), inputs, tty=False, stdin=True)
            why = receipt.failure(plan, launched.receipt, plans.program(hook, "/"))
            if why is not None or launched.held is None:
                failure = f"could not be run: {why.message if why else 'it was killed'}"
            else:
                failure = await self._watched(hook, launched.held, self._state(container, *state))
        finally:
            self._bus.publish("hook", container.id, container.name, hook=kind, path=hook.path, error=failure)
        if failure is not None:
            what = f"Container {container.name!r}: the {kind} hook {hook.path} {failure}"
            raise EngineError(ErrorCode.LAUNCH_FAILED, what if what.endswith(".") else what + ".")

    async def _watched(self, hook: Hook, held: Held, state: bytes) -> str | None:
        """See a hook that runs to its end; what was wrong with it. Cancelled with the engine, it is ended, and left for
        the next one to find."""
        said = _Listener(held.descriptors.stdout, held.descriptors.stderr)
        feeding = asyncio.ensure_future(self._feed(held, state))
        wrong = None
        try:
            async with asyncio.timeout(hook.timeout):
                await self._keeper.ended(held.key)
        except TimeoutError:
            wrong = f"took longer than its {hook.timeout} s"
        finally:
            feeding.cancel()
            await asyncio.wait([feeding])
            said.close()
            if held.wait_status is None:
                with suppress(ProcessLookupError):
                    os.killpg(held.pid, signal.SIGKILL)  # it leads a session, and so a group
        status = await self._keeper.ended(held.key)
        await self._keeper.forget(held.key)
        if wrong is None and status != 0:
            wrong = f"ended with status {signals.exit_code(status)}"
        return wrong and (f"{wrong}: {said.text}" if said.text else wrong)

    async def _feed(self, held: Held, state: bytes) -> None:
        """Write to its standard input, and close it. It need not read."""
        stdin = held.descriptors.stdin
        assert stdin is not None
        with suppress(BrokenPipeError):
            while state:
                try:
                    state = state[os.write(stdin, state) :]
                except BlockingIOError:
                    await _writable(stdin)
        os.close(stdin)
        held.descriptors.stdin = None
        await self._keeper.close_stdin(held.key)

    def _bundle(self, container: Container) -> str:
        return container.record.options.bundle or str(self._directory(container.id))

    def _state(self, container: Container, status: Status, pid: int) -> bytes:
        """The container's state (runtime.md, "State")."""
        spec = container.spec
        state: dict[str, object] = {
            "ociVersion": spec.oci_version,
            "id": container.id,
            "status": status,
            "bundle": self._bundle(container),
            "annotations": spec.annotations,
        }
        if pid:
            state["pid"] = pid
        return msgspec.json.encode(state)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    room = asyncio.Event()
    loop.add_writer(fd, room.set)
    try:
        await room.wait()
    finally:
        loop.remove_writer(fd)


class _Listener:
    """Reads what a hook says, so that it never waits, and keeps the end of it."""

    def __init__(self, *fds: int | None) -> None:
        self._fds = [fd for fd in fds if fd is not None]
        self._said: deque[int] = deque(maxlen=KEPT)
        for fd in self._fds:
            asyncio.get_running_loop().add_reader(fd, self._read, fd)

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, MOST)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(fd)
        self._said.extend(data)
        return bool(data)

    def close(self) -> None:
        """Take what is left, once: there may be no end to it, when the hook has left somebody behind."""
        for fd in self._fds:
            self._read(fd)
            asyncio.get_running_loop().remove_reader(fd)

    @property
    def text(self) -> str:
        """The last line, if it said anything."""
        lines = bytes(self._said).decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
