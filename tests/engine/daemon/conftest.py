"""A real server on a real socket, in a thread of its own, with a small service in place of the containers."""

from __future__ import annotations

import asyncio
import builtins
import ctypes
import os
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.containers.events import Bus, Subscription
from engine.daemon.server import Server, listen
from engine.daemon.service import Engine
from engine.daemon.wire import DEFAULT_LIMITS, Limits
from engine.errors import EngineError
from engine.places import Places
from engine.protocol import framing
from engine.protocol import messages as m
from engine.protocol.heap import HeapTotals
from engine.protocol.isolation import CapabilitySets
from engine.protocol.network import Subnet
from engine.protocol.processes import ProcessDetail, ProcessRow

REF = m.ContainerRef(id="0123456789ab", name="brave_otter")
NOW = datetime(2025, 1, 1, tzinfo=UTC)
SUMMARY = m.ContainerSummary(
    id=REF.id, name=REF.name, image="host", command=["sh"], status=m.Status.RUNNING, created_at=NOW
)
PATIENCE = 30.0  # seconds that a test waits for what must come


class Echo:
    """An attach session that gives back what it is sent."""

    def __init__(self, containers: Containers, request: m.Attach | m.Exec | m.JoinTerminal) -> None:
        self.containers = containers
        self.request = request
        self.attached = m.Attached(id=REF.id, name=REF.name, tty=True, columns=80, lines=24)
        self.output: asyncio.Queue[m.Output | m.Exited] = asyncio.Queue()
        self.received: list[m.AnyStreamInput] = []

    async def __aiter__(self) -> AsyncGenerator[m.Output | m.Resized | m.Exited | m.StreamEnd, None]:
        while True:
            message = await self.output.get()
            yield message
            if isinstance(message, m.Exited):
                return

    async def send(self, message: m.AnyStreamInput) -> None:
        self.received.append(message)
        match message:
            case m.Input(data=b"stuck"):
                await asyncio.Event().wait()
            case m.Input():
                self.output.put_nowait(m.Output(data=message.data))
            case m.CloseInput():
                self.output.put_nowait(m.Exited(exit_code=0))

    async def close(self) -> None:
        self.containers.note("session closed")


class WatchedBus(Bus):
    """Tells when a subscription is left."""

    def __init__(self, containers: Containers) -> None:
        super().__init__()
        self.containers = containers

    def leave(self, subscription: Subscription) -> None:
        super().leave(subscription)
        self.containers.note("unsubscribed")


PROCESS = ProcessRow(
    pid=1, inner_pid=1, ppid=0, user="root", state="S", cpu_seconds=0.0, memory=0, started_at=NOW, command=["sh"]
)


class Processes:
    """One process, to which nothing happens."""

    async def list(self, request: m.TopContainer) -> list[ProcessRow]:
        return [PROCESS]

    async def detail(self, request: m.GetProcess) -> ProcessDetail:
        return ProcessDetail(
            process=PROCESS,
            executable="/bin/sh",
            directory="/",
            root="/",
            cgroups=[],
            namespaces=[],
            capabilities=CapabilitySets(),
            seccomp="off",
            no_new_privileges=True,
            ids=[0] * 8,
            oom_score=0,
            oom_score_adj=0,
            switches=[0, 0],
            open_files=[],
        )

    async def explain(self, request: m.ExplainProcess) -> m.Explanation:
        return m.Explanation(metric=request.figure, unit="", what="", sources=[], formula="", arithmetic="", value=None)

    async def signal(self, request: m.SignalProcess) -> None: ...
    async def renice(self, request: m.NiceProcess) -> None: ...


class Containers:
    """Answers every request; what the tests ask about is in `seen`."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.news = threading.Condition()
        self.running = True
        self.has_terminal = False
        self.may_stop = False
        self.exited = asyncio.Event()
        self.go = asyncio.Event()
        self.bus = WatchedBus(self)
        self.sessions: list[Echo] = []

    def note(self, what: str) -> None:
        with self.news:
            self.seen.append(what)
            self.news.notify_all()

    def wait_for(self, what: str) -> None:
        with self.news:
            assert self.news.wait_for(lambda: what in self.seen, PATIENCE), f"{what!r} is not among {self.seen}"

    async def create(self, options: m.ContainerOptions) -> m.ContainerRef:
        return REF

    async def spec(self, options: m.ContainerOptions, root: str) -> dict[str, Any]:
        return {"root": {"path": root}}

    async def start(self, ref: str) -> m.ContainerRef:
        if ref == "slow":
            self.note("starting")
            await self.go.wait()
            self.note("started")
        return REF

    async def run(self, options: m.ContainerOptions) -> m.ContainerRef:
        return REF

    async def stop(self, ref: str, seconds: float, /) -> None: ...
    async def kill(self, ref: str, signal: str) -> None:
        if ref == "none":
            raise EngineError(m.ErrorCode.NO_SUCH_CONTAINER, "There is no container 'none'.")
        if ref == "defect":
            raise ZeroDivisionError("a defect made for the test")

    async def pause(self, ref: str) -> None: ...
    async def unpause(self, ref: str) -> None: ...
    async def remove(self, ref: str, force: bool, volumes: bool) -> None: ...
    async def rename(self, ref: str, name: str) -> None: ...
    async def resize(self, ref: str, columns: int, lines: int) -> None: ...

    async def connect(self, ref: str, network: m.NetworkOption) -> None: ...
    async def disconnect(self, ref: str, network: str) -> None: ...

    async def publish(self, ref: str, port: m.PortOption) -> builtins.list[m.PortMapping]:
        return []

    async def unpublish(self, ref: str, port: int, protocol: str) -> builtins.list[m.PortMapping]:
        return []

    async def update(self, ref: str, limits: m.Limits) -> list[m.LimitWrite]:
        return []

    async def limits(self, ref: str) -> m.LimitsInForce:
        return m.LimitsInForce(version=2, limits=[])

    async def wait(self, ref: str) -> m.ExitStatus:
        if ref == "running":
            self.note("waiting")
            try:
                await self.exited.wait()
            finally:
                self.note("no longer waiting")
        return m.ExitStatus(exit_code=7)

    async def inspect(self, ref: str) -> m.ContainerDetail:
        size = 17 << 20 if ref == "huge" else 1
        return m.ContainerDetail(
            id=REF.id,
            name=REF.name,
            image="host",
            created_at=NOW,
            state=m.StateDetail(status=m.Status.RUNNING, pid=1, exit_code=None, started_at=NOW, finished_at=None),
            options=m.ContainerOptions(),
            restart_policy=m.RestartPolicy(),
            mounts=[],
            spec={"x": "y" * size},
            log_path="/log",
        )

    async def launch(self, ref: str) -> m.Launch:
        return m.Launch(id=REF.id, name=REF.name, executor="fast", started_at=NOW, total=1, steps=[])

    async def changes(self, ref: str, limit: int) -> m.Changes:
        return m.Changes(changes=[])

    @property
    def processes(self) -> Processes:
        return Processes()

    async def isolation(self, ref: str) -> m.Isolation:
        return m.Isolation(
            pid=1,
            namespaces=[],
            uid_map=[],
            gid_map=[],
            capabilities=CapabilitySets(),
            seccomp="off",
            seccomp_default="",
            seccomp_rules=[],
            no_new_privileges=True,
            label="",
            mounts=[],
            masked=[],
            read_only=[],
            devices=[],
            cgroups=[],
        )

    async def seccomp(self, ref: str) -> m.SeccompFilter:
        return m.SeccompFilter(mode="unconfined", default="", rules=[], architectures=[], program=[])

    async def stop_all(self) -> None:
        if not self.may_stop:
            raise EngineError(m.ErrorCode.STORAGE, "These containers can't be stopped.")
        self.running = False

    def events(self) -> Subscription:
        subscription = self.bus.subscribe()
        self.note("subscribed")
        return subscription

    async def logs(self, request: m.StreamLogs) -> AsyncGenerator[m.LogRecord | m.StreamEnd, None]:
        if request.container == "none":
            raise EngineError(m.ErrorCode.NO_SUCH_CONTAINER, "There is no container 'none'.")
        try:
            for _ in range(3 if request.container != "endless" else 1 << 30):
                yield m.LogRecord(stream="stdout", time=NOW, data=b"x" * 30_000)
            yield m.StreamEnd()
        finally:
            self.note("logs closed")

    async def attach(self, request: m.Attach) -> Echo:
        if request.container == "none":
            raise EngineError(m.ErrorCode.NO_SUCH_CONTAINER, "There is no container 'none'.")
        return self.echo(request)

    async def exec(self, request: m.Exec) -> Echo:
        return self.echo(request)

    def echo(self, request: m.Attach | m.Exec | m.JoinTerminal) -> Echo:
        self.sessions.append(Echo(self, request))
        self.note("attached")
        return self.sessions[-1]

    async def list(self, all: bool, filters: list[str]) -> list[m.ContainerSummary]:
        return [SUMMARY] if self.running else []


class Keeper:
    """Nobody to keep anything."""

    pid = 4711

    def __init__(self) -> None:
        self.told = False

    async def shutdown(self) -> None:
        self.told = True


class Terminals:
    """One terminal, while the containers run."""

    def __init__(self, containers: Containers) -> None:
        self.containers = containers
        self.closed = False

    async def open(self, request: m.OpenTerminal) -> m.TerminalRef:
        return m.TerminalRef(terminal="t1")

    def list(self) -> list[m.TerminalSummary]:
        if self.closed or not self.containers.has_terminal:
            return []
        return [m.TerminalSummary(id="t1", command=["sh"], pid=7, created_at=NOW, columns=80, lines=24)]

    async def close_terminal(self, id: str) -> None: ...

    async def close_all(self) -> None:
        self.closed = True

    def join(self, request: m.JoinTerminal) -> Echo:
        return self.containers.echo(request)

    async def jobs(self, request: m.StreamJobs) -> AsyncGenerator[m.JobTable | m.StreamEnd, None]:
        yield m.JobTable(source="proc", shell=7, shell_pgid=7, foreground=7, jobs=[])
        yield m.StreamEnd()

    async def act(self, request: m.ActOnJob) -> None: ...


class Metrics:
    """Nothing is measured."""

    async def stats(self, request: m.GetStats) -> m.Stats:
        return m.Stats(samples=[])

    async def history(self, request: m.GetHistory) -> m.History:
        return m.History(series=[])

    async def explain(self, request: m.ExplainMetric) -> m.Explanation:
        return m.Explanation(
            metric=request.metric, unit="bytes", what="", sources=[], formula="", arithmetic="", value=None
        )

    async def stream(self, request: m.StreamStats) -> AsyncGenerator[m.Stats | m.StreamEnd, None]:
        yield m.Stats(samples=[])
        yield m.StreamEnd()


class Images:
    """One image."""

    def list(self) -> list[m.ImageSummary]:
        return [m.ImageSummary(name="host", description="this machine", command=["sh"], available=True)]


class Networks:
    """A single network."""

    detail = m.NetworkDetail(
        id="0123456789ab",
        name="n",
        bridge="hb-0123456789ab",
        subnets=[Subnet(subnet="10.1.2.0/24", gateway="10.1.2.1")],
        created_at=NOW,
    )

    async def create(self, request: m.CreateNetwork) -> m.NetworkDetail:
        return self.detail

    async def list(self, filters: list[str]) -> list[m.NetworkDetail]:
        return [self.detail]

    async def inspect(self, name: str) -> m.NetworkDetail:
        return self.detail

    async def remove(self, name: str) -> None: ...

    async def prune(self) -> builtins.list[m.NetworkDetail]:
        return [self.detail]

    async def remove_all(self) -> None: ...


class NetworkView:
    """Nothing to be seen."""

    async def map(self) -> m.NetworkMap:
        return m.NetworkMap(time=0.0, interfaces=[], networks=[], containers=[])

    async def container(self, ref: str) -> m.ContainerNetwork:
        return m.ContainerNetwork(time=0.0, interfaces=[], routes=[], neighbours=[], sockets=[], rules=[])

    async def stream_map(self, request: m.StreamNetworkMap) -> AsyncGenerator[m.NetworkMap | m.StreamEnd, None]:
        yield await self.map()
        yield m.StreamEnd()

    async def dns(self, request: m.StreamDns) -> AsyncGenerator[m.DnsLog, None]:
        yield m.DnsLog(queries=[])

    async def capture(self, request: m.StreamCapture) -> AsyncGenerator[m.CaptureChunk | m.StreamEnd, None]:
        yield m.CaptureChunk(data=b"pcap", packets=0)
        yield m.StreamEnd()


class Playgrounds:
    """One heap."""

    one = m.Playground(id="p1", options=m.HeapOptions(), step=0, steps=0, next=None, last=None, blocks=[])

    async def open(self, options: m.HeapOptions, like: str | None) -> m.Playground:
        return self.one

    def list(self) -> list[m.Playground]:
        return [self.one]

    def get(self, id: str) -> m.Playground:
        return self.one

    async def play(self, id: str, operations: Sequence[str], *, run: bool, append: bool) -> m.Playground:
        return self.one

    async def seek(self, id: str, step: int) -> m.Playground:
        return self.one

    async def peek(self, id: str) -> m.Peeked:
        return m.Peeked(address=None)

    async def operations(self, id: str, first: int, limit: int) -> builtins.list[m.PlaygroundOperation]:
        return []

    async def close(self, id: str) -> None: ...


class Heaps:
    """Nothing is allocated."""

    totals = HeapTotals(**dict.fromkeys(HeapTotals.__struct_fields__, 0) | {"counters": {}})  # type: ignore[arg-type]
    process = m.HeapProcess(pid=1, host_pid=7, command="sh")

    def __init__(self) -> None:
        self.playgrounds = Playgrounds()
        self.asked: list[m.Request] = []

    async def list(self, ref: str) -> list[m.HeapProcess]:
        return [self.process]

    async def report(self, request: m.GetHeap) -> m.HeapReport:
        self.asked.append(request)
        return m.HeapReport(
            process=self.process,
            options=m.HeapOptions(),
            totals=self.totals,
            segments=[],
            classes=[],
            bins=[],
            histogram=[],
            top_sizes=[],
            threads=[],
            history=[],
            consistent=True,
            milliseconds=0.0,
        )

    async def map(self, request: m.GetHeapMap) -> m.HeapMap:
        self.asked.append(request)
        return m.HeapMap(
            sequence=0,
            consistent=True,
            milliseconds=0.0,
            cell=64,
            first_row=0,
            all_rows=0,
            rows=[],
            segments=[],
            totals=self.totals,
        )

    async def free_list(self, request: m.GetFreeList) -> m.FreeList:
        return m.FreeList(blocks=[], count=0)

    async def bytes(self, request: m.GetHeapBytes) -> m.HeapBytes:
        return m.HeapBytes(address=request.address, data=b"", fields=[])


class Volumes:
    """One volume."""

    detail = m.VolumeDetail(name="v", created_at=NOW, path="/volumes/v/data")

    async def create(self, name: str | None, labels: dict[str, str]) -> m.VolumeDetail:
        return self.detail

    async def list(self, filters: list[str]) -> list[m.VolumeDetail]:
        return [self.detail]

    async def inspect(self, name: str) -> m.VolumeDetail:
        return self.detail

    async def remove(self, name: str) -> None: ...

    async def prune(self, all: bool) -> builtins.list[m.VolumeDetail]:
        return [self.detail]


async def findings() -> list[m.Finding]:
    return [m.Finding(name="kernel", status="ok", text="there is one")]


class Client:
    """The protocol by hand: what a careless or hostile client can do too."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.frames = framing.FrameReader(framing.MAX_REPLY)

    def send(self, message: m.Message) -> None:
        self.socket.sendall(framing.encode(message))

    def send_frame(self, payload: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def receive(self) -> m.AnyReply | None:
        """The next reply; None at the connection's end."""
        data = b""
        while (payload := next(self.frames.feed(data), None)) is None:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
        return framing.decode_reply(payload)

    def ask(self, message: m.Message) -> m.AnyReply | None:
        self.send(message)
        return self.receive()

    def refusal(self, message: m.Message) -> m.Error:
        reply = self.ask(message)
        assert isinstance(reply, m.Error)
        return reply


@dataclass
class Running:
    """A server that is being served by another thread."""

    places: Places
    loop: asyncio.AbstractEventLoop
    engine: Engine
    containers: Containers
    keeper: Keeper
    thread: threading.Thread
    clients: list[socket.socket] = field(default_factory=list)

    def connect(self) -> Client:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        connection.connect(str(self.places.socket))
        self.clients.append(connection)
        return Client(connection)

    def do(self, call: Callable[..., object], *arguments: Any) -> None:
        """In the server's thread."""
        self.loop.call_soon_threadsafe(call, *arguments)

    def connect_as(self, uid: int, groups: tuple[int, ...]) -> Client:
        """As another user: the kernel keeps credentials per thread, so one thread can become somebody else."""

        def connect() -> Client:
            system_call = ctypes.CDLL(None, use_errno=True).syscall
            ids = (ctypes.c_uint * len(groups))(*groups)
            for number, *arguments in ((116, len(groups), ids), (119, uid, uid, uid), (117, uid, uid, uid)):
                assert system_call(number, *arguments) == 0, os.strerror(ctypes.get_errno())
            return self.connect()

        with ThreadPoolExecutor(1) as somebody:
            client = somebody.submit(connect).result()
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, which the change of user took away from the process
        return client

    def still_serves(self) -> None:
        """A fresh client is answered."""
        fresh = self.connect()
        assert isinstance(fresh.ask(m.GetEngine()), m.EngineInfo)
        fresh.socket.close()


@contextmanager
def serving(limits: Limits = DEFAULT_LIMITS, mode: int = 0o750) -> Iterator[Running]:
    directory = Path(tempfile.mkdtemp(prefix="heliostui-test-"))
    directory.chmod(mode)
    ready = threading.Event()
    made: list[Running] = []

    async def serve() -> None:
        places = Places(directory, directory)
        containers, keeper = Containers(), Keeper()
        terminals = Terminals(containers)
        parts = (keeper, containers, terminals, Images(), Metrics(), Volumes(), Networks(), NetworkView(), Heaps())
        engine = Engine(places, "1.2.3", False, *parts, findings)
        server = Server(engine, listen(places.socket), limits)
        made.append(Running(places, asyncio.get_running_loop(), engine, containers, keeper, thread))
        ready.set()
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(PATIENCE)
    (running,) = made
    try:
        yield running
    finally:
        if thread.is_alive():
            running.do(running.engine.stopping.set)
        thread.join(PATIENCE)
        for connection in running.clients:
            connection.close()
        shutil.rmtree(directory)
        assert not thread.is_alive(), "the server does not end"


@pytest.fixture
def running() -> Iterator[Running]:
    with serving() as server:
        yield server
