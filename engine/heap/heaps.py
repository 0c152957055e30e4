"""Heaps as the engine is asked for them: of containers' processes, and of playgrounds. Imports asyncio, the containers,
and when they are needed the clients of the processes that do the work; never numpy, nor the allocator.

A heap is read while its program goes on. Where that leaves a picture of two moments and whoever asks wants it exact,
the container is frozen for the reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from engine.containers import top
from engine.containers.container import Container, Run
from engine.containers.identity import identify
from engine.errors import EngineError
from engine.heap.processes import Member, members
from engine.protocol.heap import HeapBlock, HeapMap, HeapProcess, HeapReport, HeapTarget
from engine.protocol.messages import ErrorCode, FreeList, GetFreeList, GetHeap, GetHeapBytes, GetHeapMap, HeapBytes

if TYPE_CHECKING:
    from engine.heap.inspector.client import Inspector
    from engine.heap.playground.client import Playgrounds

STANDSTILL = 1.0  # seconds that exact readings may take
FREEZING = 0.5  # of these that the kernel gets to freeze a container
PAUSES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.05, 0.1, 0.1, 0.1]
"""Seconds that a program gets to go on before it is frozen again, where it was frozen in the middle of a change."""
REMEMBERED = 64  # targets

Members = list[Member]
Looked = list[tuple[Member, HeapProcess]]  # the class below has a verb called `list`
Read = TypeVar("Read", HeapReport, HeapMap)


class Containers(Protocol):
    """What of `engine.containers.lifecycle.Containers` is needed."""

    def find(self, ref: str, /) -> Container: ...
    def program(self, ref: str, /) -> Run: ...
    def standstill(self, ref: str, patience: float, /) -> AbstractAsyncContextManager[None]: ...


class Heaps:
    """Finds whose heap is meant, and has it read. What that takes is there from its first use to `close`."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._found: dict[tuple[str, int | None], Member] = {}  # whom a target meant last

    @cached_property
    def playgrounds(self) -> Playgrounds:
        """The heaps that are driven by hand."""
        from engine.heap.playground.client import Playgrounds

        return Playgrounds()

    @cached_property
    def _inspector(self) -> Inspector:
        from engine.heap.inspector.client import Inspector

        return Inspector()

    async def close(self) -> None:
        """End all processes of this."""
        if "playgrounds" in self.__dict__:
            await self.playgrounds.close_all()
        if "_inspector" in self.__dict__:
            await self._inspector.close()

    async def list(self, ref: str) -> list[HeapProcess]:
        """The processes of a running container. EngineError(NO_SUCH_CONTAINER, WRONG_STATE)."""
        return [_process(member, found) for member, found in await self._look(ref)]

    async def report(self, request: GetHeap) -> HeapReport:
        """The figures. EngineError NO_HEAP, and as `list`."""
        process = await self._process(request.target)
        report = await self._read(request.target, process, request.exact, self._inspector.report)
        known = {"options": report.options, "mapped": report.totals.mapped, "used": report.totals.used}
        return msgspec.structs.replace(report, process=msgspec.structs.replace(process, **known))

    async def map(self, request: GetHeapMap) -> HeapMap:
        """The picture. EngineError as `report`."""
        process = await self._process(request.target)

        async def read(pid: int) -> HeapMap:
            return await self._inspector.picture(pid, request.view)

        picture = await self._read(request.target, process, request.exact, read)
        return self._numbered(request.target, picture)

    async def free_list(self, request: GetFreeList) -> FreeList:
        """Free blocks in list order. EngineError as `report`."""
        process = await self._process(request.target)
        return await self._inspector.free_list(process.host_pid, request.bin, request.skip, request.limit)

    async def bytes(self, request: GetHeapBytes) -> HeapBytes:
        """Memory of a heap. EngineError as `report`."""
        process = await self._process(request.target)
        return await self._inspector.bytes(process.host_pid, request.address, request.size)

    # Whose heap

    async def _process(self, target: HeapTarget) -> HeapProcess:
        if (target.container is None) == (target.playground is None):
            raise EngineError(ErrorCode.INVALID, "A heap is of a container's process or of a playground: name one.")
        if target.playground is not None:
            pid = self.playgrounds.pid_of(target.playground)
            return HeapProcess(pid=0, host_pid=pid, command=f"playground {target.playground}")
        assert target.container is not None
        return _process(await self._member(target.container, target.pid))

    async def _member(self, ref: str, pid: int | None) -> Member:
        """The process that is meant; whoever looks at a heap asks five times a second."""
        key = self._containers.find(ref).id, pid
        run = self._containers.program(ref)
        last = self._found.pop(key, None)
        if last is None or not await asyncio.to_thread(_still_there, last, run):
            last = await self._find(ref, pid)
        self._found[key] = last
        while len(self._found) > REMEMBERED:
            self._found.pop(next(iter(self._found)))
        return last

    async def _find(self, ref: str, pid: int | None) -> Member:
        if pid is None:
            return await self._first(ref)
        there = await self._members(ref)
        for member in there:
            if member.pid == pid:
                return member
        numbers = ", ".join(str(member.pid) for member in there if member.pid)
        why = f"it has {numbers}" if numbers else "it has ended"
        name = self._containers.find(ref).name
        raise EngineError(ErrorCode.NO_HEAP, f"Container {name!r} has no process {pid}: {why}.")

    async def _first(self, ref: str) -> Member:
        looked = await self._look(ref)
        for member, found in looked:
            if not found.reason:
                return member
        container = self._containers.find(ref)
        if container.record.options.heap is None:
            how = "it was not started with --heap"
        else:
            how = "; ".join(f"{member.pid} ({_name(member.command)}): {found.reason}" for member, found in looked[:3])
        raise EngineError(
            ErrorCode.NO_HEAP,
            f"No process of container {container.name!r} uses our allocator: {how or 'none is left'}.",
        )

    async def _look(self, ref: str) -> Looked:
        there = await self._members(ref)
        found = {each.host_pid: each for each in await self._inspector.processes([each.host_pid for each in there])}
        return [(member, found[member.host_pid]) for member in there if member.host_pid in found]

    async def _members(self, ref: str) -> Members:
        run = self._containers.program(ref)
        return await asyncio.to_thread(lambda: members(run.held.pid, top.processes(run.held.pid, run.cgroup)))

    # Readings

    async def _read(
        self, target: HeapTarget, process: HeapProcess, exact: bool, read: Callable[[int], Awaitable[Read]]
    ) -> Read:
        try:
            answer = await read(process.host_pid)
        except EngineError:  # it may have become another program: look anew for whom is meant
            self._found = {key: member for key, member in self._found.items() if member.host_pid != process.host_pid}
            raise
        if exact and not answer.consistent and target.container is not None:
            return await self._exactly(target.container, process.host_pid, read) or answer
        return answer

    async def _exactly(self, ref: str, pid: int, read: Callable[[int], Awaitable[Read]]) -> Read | None:
        """What is read of a container that stands still; None if that can't be had in time."""
        answer = None
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(STANDSTILL):
                for pause in PAUSES:
                    async with self._containers.standstill(ref, FREEZING):
                        answer = await read(pid)
                    if answer.consistent:
                        break
                    await asyncio.sleep(pause)
        return answer

    def _numbered(self, target: HeapTarget, picture: HeapMap) -> HeapMap:
        """With the numbers that a playground's blocks have."""
        if target.playground is None or picture.cursor is None:
            return picture
        handed_out = [
            (int(block.address, 16), block.number) for block in self.playgrounds.get(target.playground).blocks
        ]

        def numbered(block: HeapBlock | None) -> HeapBlock | None:
            if block is None:
                return None
            inside = range(start := int(block.start, 16), start + block.size)  # with `check` not at its first byte
            number = next((number for address, number in handed_out if address in inside), None)
            return msgspec.structs.replace(block, number=number)

        return msgspec.structs.replace(
            picture, cursor=numbered(picture.cursor), before=numbered(picture.before), after=numbered(picture.after)
        )


def _process(member: Member, found: HeapProcess | None = None) -> HeapProcess:
    told = HeapProcess(pid=member.pid, host_pid=member.host_pid, command=member.command)
    if found is None:
        return told
    return msgspec.structs.replace(found, pid=told.pid, host_pid=told.host_pid, command=told.command)


def _still_there(member: Member, run: Run) -> bool:
    """Is it that process, and still in the container?"""
    return identify(member.host_pid) == member.identity and member.host_pid in top.processes(run.held.pid, run.cgroup)


def _name(command: str) -> str:
    return command.partition(" ")[0].rpartition("/")[2]
