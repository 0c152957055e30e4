"""All containers, and the verbs that act on them: one method per request of the protocol. Imports the parts.

Only orchestration is here. A verb that has begun is finished even when whoever asked for it goes away.
"""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec

from engine.cgroups import Hierarchy
from engine.containers import (
    bundle,
    filters,
    health,
    isolation,
    layer,
    limiting,
    names,
    networking,
    recovery,
    signals,
    states,
    views,
)
from engine.containers.attach import Session, resize, to_container, to_new_program
from engine.containers.container import Container, Run
from engine.containers.events import Bus, Subscription
from engine.containers.hooks import Hooks
from engine.containers.keeper import Held, Keeper
from engine.containers.launch import Launcher
from engine.containers.output import reader
from engine.containers.processes import Processes
from engine.containers.record import Record
from engine.containers.running import Running
from engine.containers.standstill import standstill
from engine.containers.states import Happening
from engine.containers.store import Store, Stored
from engine.errors import EngineError
from engine.images import Images
from engine.network.networks import Networks
from engine.network.views.view import Program
from engine.places import Places
from engine.protocol.limits import Limits, LimitWrite
from engine.protocol.messages import (
    Attach,
    Changes,
    ContainerDetail,
    ContainerOptions,
    ContainerRef,
    ContainerSummary,
    ErrorCode,
    Exec,
    ExitStatus,
    Finding,
    Isolation,
    Launch,
    LimitsInForce,
    LogRecord,
    SeccompFilter,
    Status,
    StreamEnd,
    StreamLogs,
    TopContainer,
)
from engine.protocol.network import NetworkOption, PortMapping, PortOption
from engine.protocol.processes import ProcessRow
from engine.receipts import steps
from engine.spec.limits import merge, merge_limits
from engine.spec.namespaces import CONTAINER
from engine.spec.structs import Resources
from engine.volumes import Claim, Volumes

T = TypeVar("T")
LimitWrites = list[LimitWrite]
Summaries = list[ContainerSummary]  # the class below has a verb called `list`
ProcessRows = list[ProcessRow]
PortMappings = list[PortMapping]
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGKILL)  # who sends one of these wants the container to end


class Containers:
    """Every container of this engine. `recover` comes first, `close` last. `ref`: an id, a unique prefix, or a name."""

    def __init__(self, places: Places, keeper: Keeper, images: Images, cgroups: Hierarchy, networks: Networks) -> None:
        self._places = places
        self._images = images
        self._cgroups = cgroups
        self._keeper = keeper
        self._store = Store(places.state)
        self.bus = Bus()
        """Who listens hears of all that happens to containers, and to terminals."""
        hooks = Hooks(keeper, self.bus, self._store.directory)
        self._containers: dict[str, Container] = {}  # by id
        self._networks = networks
        self._networking = networking.Networking(networks, self._store.directory, self._containers)
        spools = places.runtime / "spool"
        self._launcher = Launcher(self._store, keeper, cgroups, self._networking, spools, self.program, hooks)
        self._running = Running(self._store, keeper, self.bus, self._launcher, self._forget)
        self.volumes = Volumes(places.state, self._name_of)
        self._ids: dict[str, str] = {}  # by name, also of containers in the making
        self.findings: list[Finding] = []  # of recovery, for `doctor`
        self.processes = Processes(self._find, self._publish)

    # The engine's own beginning and end

    async def recover(self) -> None:
        """Take over what an earlier engine left: on disk, with the keeper, in the kernel."""
        found = await self._store.load()
        self.findings = found.findings
        for stored in found.containers:
            self._add(Container(stored, self._store))
        await self.volumes.recover((stored.record.id, stored.record.options.mounts) for stored in found.containers)
        self.findings += await self._networking.recover(self._keeper.held)
        await recovery.Recovery(
            self._containers,
            self._places.runtime,
            self._keeper,
            self._cgroups,
            self._launcher,
            self._running,
            self._forget,
        ).recover()
        for trash in self._store.leftovers():
            self._running.spawn(self._store.delete(trash), f"deletion of {trash.name}")

    async def stop_all(self, patience: float = 10.0) -> None:
        """Stop every container, all at once, as the machine's shutdown would: their restart policies stay in force."""
        active = [container for container in self._containers.values() if container.record.status in states.ACTIVE]
        await asyncio.gather(*(self._stop(container, patience, asked=False) for container in active))

    async def close(self) -> None:
        """Let go of everything; what runs goes on."""
        await self._running.close()
        self.bus.close()
        for container in self._containers.values():
            if container.run is not None:
                container.run.stdio.close()
            container.log.close()

    # Verbs

    async def create(self, options: ContainerOptions) -> ContainerRef:
        """A new container, not started."""
        return self._ref(await self._whole(self._create(options)))

    async def start(self, ref: str) -> ContainerRef:
        """Start a container; returns once its program runs, at once if it does already."""
        container = self._find(ref)
        await self._whole(self._start(container))
        return self._ref(container)

    async def run(self, options: ContainerOptions) -> ContainerRef:
        """Create and start; a container that can't start is removed."""
        return self._ref(await self._whole(self._run(options)))

    async def stop(self, ref: str, patience: float = 10.0) -> None:
        """TERM to its init, KILL after `patience` seconds (negative: never). Nothing happens to what is not running."""
        await self._whole(self._stop(self._find(ref), patience, asked=True))

    async def kill(self, ref: str, signal_name: str = "KILL") -> None:
        """Send a signal to its init."""
        await self._whole(self._kill(self._find(ref), signals.number(signal_name)))

    async def pause(self, ref: str) -> None:
        """Freeze all of its processes."""
        await self._whole(self._pause(self._find(ref)))

    async def unpause(self, ref: str) -> None:
        """Let them go on."""
        await self._whole(self._unpause(self._find(ref)))

    async def remove(self, ref: str, force: bool = False, volumes: bool = False) -> None:
        """Remove the container with its files and logs; one that runs or restarts only by `force`, which kills it. With
        `volumes` those that were made for it without a name go, too."""
        await self._whole(self._remove(self._find(ref), force, volumes))

    async def update(self, ref: str, limits: Limits) -> LimitWrites:
        """Change limits: in its spec, and at once if it runs. What was written to the kernel, in order."""
        return await self._whole(self._update(self._find(ref), limits))

    async def rename(self, ref: str, name: str) -> None:
        """Give it another name."""
        await self._whole(self._rename(self._find(ref), name))

    async def connect(self, ref: str, network: NetworkOption) -> None:
        """Put it into one more network; at once, if it runs."""
        container = self._find(ref)
        await self._whole(self._locked(container, self._networking.connect(container, network)))
        self._publish("network_connect", container, network=network.name)

    async def disconnect(self, ref: str, network: str) -> None:
        """Take it out of a network; at once, if it runs."""
        container = self._find(ref)
        await self._whole(self._locked(container, self._networking.disconnect(container, network)))
        self._publish("network_disconnect", container, network=network)

    async def publish(self, ref: str, port: PortOption) -> PortMappings:
        """Publish one more of its ports; at once, if it runs. What is new."""
        container = self._find(ref)
        new = await self._whole(self._locked(container, self._networking.publish(container, port)))
        self._publish("port_publish", container, port=f"{port.container}/{port.protocol}", at=_places(new))
        return new

    async def unpublish(self, ref: str, port: int, protocol: Literal["tcp", "udp"]) -> PortMappings:
        """Publish one of its ports nowhere any more; at once, if it runs. What is gone."""
        container = self._find(ref)
        gone = await self._whole(self._locked(container, self._networking.unpublish(container, port, protocol)))
        self._publish("port_unpublish", container, port=f"{port}/{protocol}", at=_places(gone))
        return gone

    async def wait(self, ref: str) -> ExitStatus:
        """Wait for the end of its present run, if it has one."""
        container = self._find(ref)
        if (run := container.run) is not None:
            await run.over.wait()
            return ExitStatus(exit_code=run.exit_code)
        return ExitStatus(exit_code=container.record.exit_code or 0, error=container.record.error)

    async def resize(self, ref: str, columns: int, lines: int) -> None:
        """Give its terminal another size."""
        container = self._find(ref)
        resize(container, container.running().stdio, columns, lines)
        self._publish("resize", container, columns=columns, lines=lines)

    # Questions

    async def list(self, all: bool = False, wanted: Sequence[str] = ()) -> Summaries:
        """The active containers, or all (also when a filter asks for a status), newest first."""
        test = filters.parse(wanted)
        all = all or filters.has_status(wanted)
        active = [
            container for container in self._containers.values() if all or container.record.status in states.ACTIVE
        ]
        summaries = [views.summary(container, self._networks.detail(container.id)) for container in active]
        return sorted(filter(test, summaries), key=lambda summary: summary.created_at, reverse=True)

    async def inspect(self, ref: str) -> ContainerDetail:
        """All that is known of it."""
        container = self._find(ref)
        return views.detail(container, self._networks.detail(container.id))

    async def spec(self, options: ContainerOptions, root: str) -> dict[str, Any]:
        """What the options mean, for a bundle with its root at `root`."""
        spec = await bundle.draft(options, self._images, root, self._places.heap / "bundles")
        return msgspec.to_builtins(spec)  # type: ignore[no-any-return]

    async def launch(self, ref: str) -> Launch:
        """The receipt of its last launch. EngineError(WRONG_STATE) when there is none."""
        container = self._find(ref)
        launch = container.receipt() if container.receipt else await self._store.launch(container.id)
        if launch is None:
            raise EngineError(
                ErrorCode.WRONG_STATE, f"Container {container.name!r} has no launch receipt: start it to get one."
            )
        return msgspec.structs.replace(launch, name=container.name)

    async def top(self, ref: str) -> ProcessRows:
        """Its processes."""
        return await self.processes.list(TopContainer(container=ref))

    async def changes(self, ref: str, limit: int) -> Changes:
        """What differs from its image, running or not. EngineError(INVALID, STORAGE)."""
        container = self._find(ref)
        return await asyncio.to_thread(layer.changes, container, self._store.directory(container.id), limit)

    @asynccontextmanager
    async def standstill(self, ref: str, patience: float) -> AsyncIterator[None]:
        """All of its processes stand still meanwhile; nothing is done to a paused one. EngineError(WRONG_STATE,
        UNSUPPORTED), TimeoutError when the kernel takes longer than `patience` seconds, OSError."""
        container = self._find(ref)
        async with container.lock:
            run = container.running()
            if container.record.status == Status.PAUSED:
                yield
            elif run.cgroup is None:
                raise EngineError(ErrorCode.UNSUPPORTED, f"Freezing needs a cgroup. {self._cgroups.reason}")
            else:
                async with standstill(run.cgroup, self._launcher.spool(container.id), patience):
                    yield

    async def limits(self, ref: str) -> LimitsInForce:
        """The limits in force, read from the kernel."""
        run = self._find(ref).running()
        return await asyncio.to_thread(limiting.in_force, run.cgroup, self._cgroups)

    async def isolation(self, ref: str) -> Isolation:
        """What it can and can't see and do, of the kernel. EngineError(WRONG_STATE) when it is not running."""
        container = self._find(ref)
        run = container.running()
        others = {other.name: other.run.held.pid for other in self._containers.values() if other.run and other.live}
        others.pop(container.name, None)

        def look() -> Isolation:
            host = isolation.host_namespaces()
            return isolation.isolation(container.spec, run.held.pid, run.cgroup, host, others)

        return await asyncio.to_thread(look)

    async def seccomp(self, ref: str) -> SeccompFilter:
        """The filter that its programs run under."""
        return await asyncio.to_thread(isolation.seccomp_filter, self._find(ref).spec.linux.seccomp)

    def events(self) -> Subscription:
        """What happens from now on."""
        return self.bus.subscribe()

    async def logs(self, request: StreamLogs) -> AsyncGenerator[LogRecord | StreamEnd, None]:
        """Its output, then a `StreamEnd`."""
        container = self._find(request.container)
        run = container.run

        def over() -> bool:
            return not request.onward and (run is None or run.over.is_set())

        log = reader.read(container.log, request.tail, request.since, request.follow, over)
        async with aclosing(log) as records:
            async for record in records:
                yield record
        yield StreamEnd()

    # Sessions

    async def attach(self, request: Attach) -> Session:
        """Take part in its program's terminal or pipes."""
        container = self._find(request.container)
        if not request.start or container.live:
            return self._attached(container, container.running(), request)
        sessions: deque[Session] = deque(maxlen=1)
        await self._whole(self._start(container, lambda run: sessions.append(self._attached(container, run, request))))
        return sessions[0] if sessions else self._attached(container, container.running(), request)

    def _attached(self, container: Container, run: Run, request: Attach) -> Session:
        return to_container(container, run, request, self.bus)

    async def launch_in(self, request: Exec, key: str) -> Held:
        """Run another program in it, which the keeper holds as `key`, whoever attends to it."""
        return await self._launcher.launch(self._find(request.container), request, key)

    def find(self, ref: str) -> Container:
        """The container that is meant."""
        return self._find(ref)

    def called(self, ref: str) -> tuple[str, str]:
        """Its id and its name. EngineError(NO_SUCH_CONTAINER, AMBIGUOUS)."""
        container = self._find(ref)
        return container.id, container.name

    def exists(self, id: str) -> bool:
        """Whether there is (still) a container of that id."""
        return id in self._containers

    def programs(self) -> Iterator[tuple[Container, Run]]:
        """What runs now."""
        for container in self._containers.values():
            if container.run is not None and container.live:
                yield container, container.run

    def networked(self) -> Iterator[Program]:
        """What runs now, as far as its network goes."""
        return (self._networking.program(container) for container, _ in self.programs())

    def network_of(self, ref: str) -> Program:
        """The same of one container. EngineError(WRONG_STATE) when nothing runs in it."""
        return self._networking.program(self._find(ref))

    def program(self, ref: str) -> Run:
        """What runs in it. EngineError(WRONG_STATE) when nothing does."""
        return self._find(ref).running()

    async def exec(self, request: Exec) -> Session:
        """Run another program in it."""
        container = self._find(request.container)
        return await self._whole(
            to_new_program(container, request, self._launcher, self._keeper, self._running, self.bus)
        )

    # How the verbs are done

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` to its end, whatever becomes of the caller."""
        return await asyncio.shield(self._running.spawn(work, "request"))

    async def _locked(self, container: Container, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` while nothing else happens to the container."""
        with closing(work):
            async with container.lock:
                self._present(container)
                return await work

    async def _create(self, options: ContainerOptions, *, durable: bool = True) -> Container:
        bundle.check(options)
        networking.check(options)
        health.validate(options.health)
        name = options.name if options.name is not None else names.new_name(self._ids)
        names.check_name(name, self._ids)
        id = self._ids[name] = names.new_id(set(self._ids.values()))
        claim = Claim()
        try:
            options = msgspec.structs.replace(options, namespaces=self._joined(options.namespaces))
            await self._networks.settle(id, name, options)
            image = await bundle.image_of(options, self._images)
            claim = await self.volumes.claim(id, options.mounts, image)
            options = msgspec.structs.replace(options, mounts=claim.mounts)
            files = self._networking.files(id, options)
            directory = self._store.directory(id)
            spec = await bundle.spec_of(options, image, id, directory, claim.directories, files)
            limiting.check(self._cgroups, spec, id)
            await self.volumes.relabel(claim, spec.linux.mount_label)
            options = bundle.settled(options, spec)
            record = Record(
                id=id,
                name=name,
                image=image.name,
                command=options.command or list(image.command),
                options=options,
                created_at=datetime.now(UTC),
            )
            await self._store.create(Stored(record, spec, image), durable=durable)
        except BaseException:
            del self._ids[name]
            await self.volumes.give_up(id, claim)
            await self._networks.forget(id)
            raise
        container = Container(Stored(record, spec, image), self._store)
        self._add(container)
        self._publish("create", container, image=image.name)
        return container

    async def _start(self, container: Container, first: Callable[[Run], None] | None = None) -> None:
        async with container.lock:
            self._present(container)
            if container.record.status == Status.RUNNING:
                return
            states.after(container.name, container.record.status, Happening.START)
            self._running.call_off(container)
            container.delay = 0.0
            try:
                await self._running.start(container, first)
            except EngineError as error:
                if container.record.status == Status.RESTARTING:
                    await container.update_anyhow(Happening.END, error=error.message)
                if container.record.options.remove:
                    await self._forget(container)
                raise

    async def _run(self, options: ContainerOptions) -> Container:
        container = await self._create(options, durable=False)
        try:
            await self._start(container)
        except BaseException:
            async with container.lock:
                if not container.removed:
                    await self._forget(container, volumes=True)
            raise
        return container

    async def _stop(self, container: Container, patience: float, *, asked: bool) -> None:
        if (run := container.run) is not None and run.stopping:
            await self._see_out(container, run, patience)  # another stop holds the lock, and may be more patient
        async with container.lock:
            if container.record.status == Status.RESTARTING:
                self._running.call_off(container)
                await container.update_anyhow(Happening.STOP, asked=asked)
                self._publish("stop", container)
                return
            run = container.run
            if run is None or not container.live:
                return
            run.stopping = True
            if asked:
                await container.update_anyhow(asked=True)
            await self._signal(container, run, signal.SIGTERM)
            await self._see_out(container, run, patience)
        await run.over.wait()
        self._publish("stop", container)

    async def _see_out(self, container: Container, run: Run, patience: float) -> None:
        """Wait for a run's end, `patience` seconds at most; kill it then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if patience < 0 else patience):
                await run.ended.wait()
        await self._end(container, run)

    async def _end(self, container: Container, run: Run) -> None:
        """Kill what is left of a run, and see that it has ended."""
        run.stopping = True
        if not run.ended.is_set():
            await self._signal(container, run, signal.SIGKILL)
        await run.ended.wait()

    async def _kill(self, container: Container, number: int) -> None:
        run = container.running()
        if number in ENDING_SIGNALS:
            await container.update_anyhow(asked=True)
        await self._signal(container, run, number)
        self._publish("kill", container, signal=signals.name(number))

    async def _signal(self, container: Container, run: Run, number: int) -> None:
        """Signal the init. The frozen get a signal that ends them only when they thaw."""
        if number in ENDING_SIGNALS:
            run.ended_by = steps.current() or run.ended_by
        run.held.signal(number, f"{container.name}'s init")
        if number in ENDING_SIGNALS and container.record.status == Status.PAUSED and run.cgroup is not None:
            await asyncio.to_thread(run.cgroup.thaw)
            with suppress(EngineError):  # it has ended already, or somebody else thawed it
                await container.update(Happening.UNPAUSE)

    async def _pause(self, container: Container) -> None:
        async with container.lock:
            run = container.running()
            states.after(container.name, container.record.status, Happening.PAUSE)
            if run.cgroup is None:
                raise EngineError(ErrorCode.UNSUPPORTED, f"Pausing needs a cgroup. {self._cgroups.reason}")
            await asyncio.to_thread(run.cgroup.freeze)
            try:
                await container.update(Happening.PAUSE)
            except EngineError:
                await asyncio.to_thread(run.cgroup.thaw)
                raise
        self._publish("pause", container)

    async def _unpause(self, container: Container) -> None:
        async with container.lock:
            run = container.running()
            states.after(container.name, container.record.status, Happening.UNPAUSE)
            assert run.cgroup is not None
            await asyncio.to_thread(run.cgroup.thaw)
            await container.update_anyhow(Happening.UNPAUSE)
        self._publish("unpause", container)

    async def _update(self, container: Container, asked: Limits) -> LimitWrites:
        async with container.lock:
            self._present(container)
            spec, options = container.spec, container.record.options
            resources = merge(spec.linux.resources or Resources(), asked)
            changed = msgspec.structs.replace(spec, linux=msgspec.structs.replace(spec.linux, resources=resources))
            limiting.check(self._cgroups, changed, container.id)
            merged = merge_limits(options.limits, asked)
            await container.describe_anew(changed, msgspec.structs.replace(options, limits=merged))
            writes: LimitWrites = []
            if container.live and container.run is not None:
                try:
                    cgroup = container.run.cgroup
                    writes = await asyncio.to_thread(limiting.update, cgroup, self._cgroups, resources, asked)
                except EngineError:
                    await container.describe_anew(spec, options)
                    raise
        self._publish("update", container, **{write.file: write.text for write in writes})
        return writes

    async def _remove(self, container: Container, force: bool, volumes: bool) -> None:
        if container.record.status in states.ACTIVE and not force:
            raise EngineError(
                ErrorCode.WRONG_STATE,
                f"Container {container.name!r} is {container.record.status}: stop it first, or use --force.",
            )
        if (run := container.run) is not None:
            await self._end(container, run)  # before the lock, which a patient `stop` may hold
        async with container.lock:
            if run is None or not container.record.options.remove:
                self._present(container)
            if not container.removed:  # by --rm, at the end that was waited for
                self._running.call_off(container)
                await self._forget(container, volumes=volumes)
        await self._networks.fallen(container.id)

    async def _rename(self, container: Container, name: str) -> None:
        old = container.name
        if name == old:
            raise EngineError(ErrorCode.NAME_IN_USE, f"Container {container.id} is called {name!r} already.")
        names.check_name(name, self._ids)
        self._ids[name] = container.id
        try:
            async with container.lock:
                self._present(container)
                await container.update(name=name)
        except BaseException:
            del self._ids[name]
            raise
        del self._ids[old]
        await self._networking.renamed(container)
        self._publish("rename", container, old_name=old)

    # The index

    def _find(self, ref: str) -> Container:
        container = self._containers.get(names.find(ref, self._ids))
        if container is None:  # it is being made
            raise EngineError(ErrorCode.NO_SUCH_CONTAINER, f"There is no container with id or name {ref!r} yet.")
        return container

    def _joined(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Namespaces as they were asked for; `container:` with the id, which outlives names."""

        def by_id(way: str) -> str:
            return CONTAINER + names.find(way[len(CONTAINER) :], self._ids) if way.startswith(CONTAINER) else way

        return {type: by_id(way) for type, way in asked.items()}

    def _add(self, container: Container) -> None:
        self._containers[container.id] = container
        self._ids[container.name] = container.id

    def _ref(self, container: Container) -> ContainerRef:
        reason = self._networks.detail(container.id).reason
        return ContainerRef(id=container.id, name=container.name, warnings=[reason] if reason else [])

    def _name_of(self, id: str) -> str:
        return self._containers[id].name if id in self._containers else id  # it is being made

    def _present(self, container: Container) -> None:
        """A container whose lock was waited for may be gone."""
        if container.removed:
            raise EngineError(ErrorCode.NO_SUCH_CONTAINER, f"Container {container.name!r} was removed meanwhile.")

    async def _forget(self, container: Container, *, volumes: bool = False) -> None:
        """Remove a container that does not run; its lock is the caller's. `volumes` as in `remove`."""
        trash = await self._store.remove(container.id)
        container.removed = True
        if container.unclaimed:
            await self._keeper.forget(container.id)
        container.log.close()
        del self._containers[container.id], self._ids[container.name]
        if trash is not None:
            self._running.spawn(self._store.delete(trash), f"deletion of {container.id}")
        self._publish("remove", container)
        await self._networks.forget(container.id)
        await self.volumes.release(container.id, anonymous=volumes or container.record.options.remove)

    def _publish(self, action: str, container: Container, **attributes: object) -> None:
        self.bus.publish(action, container.id, container.name, **attributes)


def _places(ports: PortMappings) -> str:
    """Of the host: `0.0.0.0:80 [::]:80`."""
    return " ".join(f"{f'[{one.address}]' if ':' in one.address else one.address}:{one.port}" for one in ports)
