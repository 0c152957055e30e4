"""Heaps of containers' processes, read from outside by the engine: real containers, real programs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.heap import library
from engine.heap.heaps import Heaps
from engine.protocol.heap import HeapOptions, HeapProcess, HeapReport, HeapTarget, HeapView
from engine.protocol.messages import (
    Attach,
    ContainerOptions,
    ErrorCode,
    Exec,
    GetFreeList,
    GetHeap,
    GetHeapBytes,
    GetHeapMap,
    Input,
    MountOption,
    Output,
    Status,
)
from tests.engine.containers.conftest import Machine
from tests.engine.containers.test_lifecycle import ended, only, output, prints

if library.path() is None:
    pytest.skip(library.why_missing(), allow_module_level=True)

PYTHON = "/usr/bin/python3"
HOLDS = "blocks = [bytearray(n) for n in range(2000, 200_000, 1000)]; del blocks[::3]; print('ready', flush=True)"
WAITS = f"import time; {HOLDS}; time.sleep(600)"
FURIOUS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *all_the_time(void *seed) {
    void *blocks[500] = {0};
    for (unsigned n = (unsigned)(size_t)seed;; n = n * 1103515245 + 12345) {
        free(blocks[n / 65536 % 500]);
        blocks[n / 65536 % 500] = malloc(n / 256 % 30000);
    }
}
int main(void) {
    pthread_t other;
    pthread_create(&other, NULL, all_the_time, (void *)7);
    puts("ready");
    fflush(stdout);
    all_the_time((void *)1);
}
"""
WEB = HeapTarget(container="web")
PATIENCE = 30  # seconds; far more than anything takes

needs_python = pytest.mark.skipif(not os.path.exists(PYTHON), reason="there is no python3 to allocate something")


@pytest.fixture
async def heaps(machine: Machine) -> AsyncIterator[Heaps]:
    found = Heaps(machine.containers)
    yield found
    await found.close()


async def run(machine: Machine, *command: str, name: str = "web", **further: object) -> str:
    """A container that uses our allocator, and says "ready"."""
    further = {"heap": HeapOptions(), **further}
    options = ContainerOptions(image="host", command=list(command), name=name, **further)  # type: ignore[arg-type]
    made = await machine.containers.run(options)
    await prints(machine.containers, name, "ready")
    return made.id


@pytest.fixture(scope="session")
def furious(tmp_path_factory: pytest.TempPathFactory) -> MountOption:
    """A program that does nothing but allocate and free, in two threads; as /furious."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to build a program that allocates all the time")
    directory = tmp_path_factory.mktemp("furious")
    (directory / "furious.c").write_text(FURIOUS)
    build = ["gcc", "-O1", "-pthread", "-o", str(directory / "furious"), str(directory / "furious.c")]
    subprocess.run(build, check=True)
    return MountOption(type="bind", source=str(directory / "furious"), destination="/furious", options=["ro"])


async def refused(work: object) -> EngineError:
    with pytest.raises(EngineError) as refusal:
        await work  # type: ignore[misc]
    return refusal.value


def sound(report: HeapReport) -> None:
    totals = report.totals
    assert report.consistent
    assert 0 < totals.requested <= totals.used <= totals.mapped
    assert totals.used + totals.cached + totals.free + totals.meta <= totals.mapped
    assert sum(segment.used for segment in report.segments) == totals.used


@needs_python
@pytest.mark.parametrize(
    "further",
    [{}, {"namespaces": {"user": "private"}}, {"namespaces": {"pid": "host"}}, {"init": True}, {"user": "1234"}],
    ids=str,
)
async def test_the_heap_of_a_program_is_read_from_outside(
    machine: Machine,
    heaps: Heaps,
    further: dict[str, object],
) -> None:
    await run(machine, PYTHON, "-c", WAITS, **further)
    report = await heaps.report(GetHeap(target=WEB))
    sound(report)
    assert report.totals.requested > 13_000_000
    assert report.process.command.startswith(PYTHON)
    inside = (
        2 if "init" in further else report.process.host_pid if "namespaces" in further and "pid" in str(further) else 1
    )
    assert report.process.pid == inside
    picture = await heaps.map(GetHeapMap(target=WEB, view=HeapView(columns=40, rows=10)))
    assert picture.consistent
    assert 0 < len(picture.rows) <= 10
    assert {len(row.states) for row in picture.rows} == {40}
    found = await heaps.free_list(GetFreeList(target=WEB))
    assert found.count == report.totals.free_count
    assert all(block.state == "free" for block in found.blocks)
    memory = await heaps.bytes(GetHeapBytes(target=WEB, address=found.blocks[0].start, size=64))
    assert len(memory.data) == 64
    assert memory.fields


async def test_the_options_of_the_container_are_those_of_its_heap(machine: Machine, heaps: Heaps) -> None:
    asked = HeapOptions(policy="next", slabs=False, cache=False, check=True)
    await run(machine, "bash", "-c", "echo ready; read x; sleep 600; true", heap=asked, tty=True)
    assert (await heaps.report(GetHeap(target=WEB))).options == asked


async def test_all_processes_are_told_of_and_each_can_be_chosen(machine: Machine, heaps: Heaps) -> None:
    script = "sleep 600 & sleep 601 & LD_PRELOAD= sleep 602 & echo ready; wait"
    await run(machine, "bash", "-c", script)
    wanted = {"sleep 600", "sleep 601", "sleep 602"}
    by_command: dict[str, HeapProcess] = {}
    async with asyncio.timeout(PATIENCE):  # until the children have become what they are, and have begun
        while not wanted <= set(by_command) or by_command["sleep 600"].reason or by_command["sleep 601"].reason:
            by_command = {each.command: each for each in await heaps.list("web")}
    assert by_command["sleep 602"].reason
    assert by_command["sleep 600"].options == HeapOptions()
    for command in ("sleep 600", "sleep 601"):
        target = HeapTarget(container="web", pid=by_command[command].pid)
        assert (await heaps.report(GetHeap(target=target))).process.command == command
    refusal = await refused(heaps.report(GetHeap(target=HeapTarget(container="web", pid=by_command["sleep 602"].pid))))
    assert refusal.code is ErrorCode.NO_HEAP


async def test_a_process_started_by_exec_is_among_them(machine: Machine, heaps: Heaps) -> None:
    await run(machine, "bash", "-c", "echo ready; sleep 600; true")
    session = await machine.containers.exec(Exec(container="web", command=["sh", "-c", "echo here; exec sleep 603"]))
    async for message in session:
        if isinstance(message, Output):
            break
    async with asyncio.timeout(PATIENCE):
        while not [each for each in await heaps.list("web") if each.command == "sleep 603" and not each.reason]:
            pass
    await session.close()


async def test_a_pid_that_is_not_there_is_refused_with_those_that_are(machine: Machine, heaps: Heaps) -> None:
    await run(machine, "bash", "-c", "echo ready; read x < /dev/zero")
    refusal = await refused(heaps.report(GetHeap(target=HeapTarget(container="web", pid=77))))
    assert (refusal.code, refusal.message) == (ErrorCode.NO_HEAP, "Container 'web' has no process 77: it has 1.")


async def test_a_process_outside_of_the_container_can_not_be_named(machine: Machine, heaps: Heaps) -> None:
    await run(machine, "bash", "-c", "echo ready; read x < /dev/zero")
    refusal = await refused(heaps.report(GetHeap(target=HeapTarget(container="web", pid=os.getpid()))))
    assert refusal.code is ErrorCode.NO_HEAP


async def test_a_container_without_heap_says_how_to_get_one(machine: Machine, heaps: Heaps) -> None:
    await run(machine, "bash", "-c", "echo ready; read x < /dev/zero", heap=None)
    refusal = await refused(heaps.report(GetHeap(target=WEB)))
    assert refusal.code is ErrorCode.NO_HEAP
    assert "--heap" in refusal.message
    (process,) = await heaps.list("web")
    assert process.reason


async def test_a_container_that_does_not_run_is_refused(machine: Machine, heaps: Heaps) -> None:
    await run(machine, "bash", "-c", "echo ready")
    await ended(machine.containers, "web")
    for work in (heaps.list("web"), heaps.report(GetHeap(target=WEB))):
        assert (await refused(work)).code is ErrorCode.WRONG_STATE
    assert (await refused(heaps.list("nobody"))).code is ErrorCode.NO_SUCH_CONTAINER
    assert (await refused(heaps.report(GetHeap(target=HeapTarget())))).code is ErrorCode.INVALID
    playground = HeapTarget(playground="p9")
    assert (await refused(heaps.report(GetHeap(target=playground)))).code is ErrorCode.NO_SUCH_PLAYGROUND


async def test_where_the_first_process_becomes_another_program_the_next_one_is_read(
    machine: Machine, heaps: Heaps
) -> None:
    script = "sleep 600 & echo ready; read x; LD_PRELOAD= exec sleep 601"
    await run(machine, "bash", "-c", script, tty=True, interactive=True)
    assert (await heaps.report(GetHeap(target=WEB))).process.pid == 1
    session = await machine.containers.attach(Attach(container="web"))
    await session.send(Input(data=b"\r"))
    async with asyncio.timeout(PATIENCE):
        while {"sleep 600", "sleep 601"} != {each.command for each in await heaps.list("web")}:
            pass
        while [each.reason for each in await heaps.list("web") if each.command == "sleep 600"] != [""]:
            pass
    with suppress(EngineError):  # the one that was there
        await heaps.report(GetHeap(target=WEB))
    assert (await heaps.report(GetHeap(target=WEB))).process.command == "sleep 600"
    await session.close()


@needs_python
async def test_after_a_restart_it_is_the_new_program_that_is_read(machine: Machine, heaps: Heaps) -> None:
    await run(machine, PYTHON, "-c", WAITS)
    first = await heaps.report(GetHeap(target=WEB))
    await machine.containers.kill("web")
    await ended(machine.containers, "web")
    await machine.containers.start("web")
    await prints(machine.containers, "web", "ready\nready")
    second = await heaps.report(GetHeap(target=WEB))
    assert second.process.host_pid != first.process.host_pid
    sound(second)


@needs_python
async def test_a_paused_container_is_read_and_stays_paused(machine: Machine, heaps: Heaps) -> None:
    await run(machine, PYTHON, "-c", WAITS)
    await machine.containers.pause("web")
    sound(await heaps.report(GetHeap(target=WEB, exact=True)))
    assert (await only(machine.containers)).status == Status.PAUSED
    await machine.containers.unpause("web")


async def test_a_program_that_allocates_furiously_is_read_exactly(
    machine: Machine, heaps: Heaps, furious: MountOption
) -> None:
    id = await run(machine, "/furious", mounts=[furious])
    for _ in range(10):
        sound(await heaps.report(GetHeap(target=WEB, exact=True)))
        assert (await heaps.map(GetHeapMap(target=WEB, exact=True))).consistent
    assert (await only(machine.containers)).status == Status.RUNNING
    before = (await heaps.map(GetHeapMap(target=WEB))).sequence
    async with asyncio.timeout(PATIENCE):  # it goes on
        while (await heaps.map(GetHeapMap(target=WEB))).sequence == before:
            pass
    assert not (machine.places.runtime / "spool" / id / "standstill").exists()


async def test_an_exact_reading_does_not_wait_for_a_patient_stop(
    machine: Machine, heaps: Heaps, furious: MountOption
) -> None:
    await run(machine, "/furious", mounts=[furious])  # PID 1, and so deaf to TERM
    stopping = asyncio.create_task(machine.containers.stop("web", 30))
    await asyncio.sleep(0)
    await heaps.report(GetHeap(target=WEB, exact=True))
    assert not stopping.done()
    await machine.containers.kill("web")
    await stopping


async def test_whoever_gives_up_an_exact_reading_leaves_nothing_frozen(
    machine: Machine, heaps: Heaps, furious: MountOption
) -> None:
    id = await run(machine, "/furious", mounts=[furious])
    await heaps.report(GetHeap(target=WEB))
    for moment in range(10):
        with suppress(TimeoutError):
            async with asyncio.timeout(moment / 500):
                await heaps.report(GetHeap(target=WEB, exact=True))
        assert not (machine.places.runtime / "spool" / id / "standstill").exists()
    sound(await heaps.report(GetHeap(target=WEB, exact=True)))


async def test_a_container_that_ends_while_it_is_read_says_so(
    machine: Machine, heaps: Heaps, furious: MountOption
) -> None:
    await run(machine, "/furious", mounts=[furious])

    async def read_on() -> None:
        while True:
            await heaps.report(GetHeap(target=WEB, exact=True))

    reading = asyncio.create_task(refused(read_on()))
    await heaps.report(GetHeap(target=WEB))
    await machine.containers.kill("web")
    refusal = await asyncio.wait_for(reading, PATIENCE)
    assert refusal.code in (ErrorCode.WRONG_STATE, ErrorCode.NO_HEAP)
    assert await ended(machine.containers, "web") == 137


async def test_events_are_there_once_they_were_asked_for(machine: Machine, heaps: Heaps, furious: MountOption) -> None:
    await run(machine, "/furious", mounts=[furious])
    async with asyncio.timeout(PATIENCE):
        while not (picture := await heaps.map(GetHeapMap(target=WEB, view=HeapView(events_after=0)))).events:
            pass
    assert {"alloc", "free"} <= {event.kind for event in picture.events}
    assert picture.last_event >= picture.events[-1].number


async def test_a_playground_is_a_heap_like_any_other(machine: Machine, heaps: Heaps) -> None:
    opened = await heaps.playgrounds.open(HeapOptions(policy="first"))
    played = await heaps.playgrounds.play(opened.id, ["alloc 2000", "alloc 5000", "free #1"])
    target = HeapTarget(playground=opened.id)
    report = await heaps.report(GetHeap(target=target))
    assert (report.process.pid, report.options.policy) == (0, "first")
    address = played.blocks[-1].address
    picture = await heaps.map(GetHeapMap(target=target, view=HeapView(cursor=address)))
    assert picture.cursor is not None
    assert (picture.cursor.number, picture.cursor.requested) == (2, 5000)
    free = await heaps.free_list(GetFreeList(target=target))
    assert free.count >= 1


async def test_a_playgrounds_blocks_keep_their_numbers_with_check(machine: Machine, heaps: Heaps) -> None:
    opened = await heaps.playgrounds.open(HeapOptions(check=True))
    played = await heaps.playgrounds.play(opened.id, ["alloc 2000", "alloc 5000"])
    view = HeapView(cursor=played.blocks[-1].address)
    picture = await heaps.map(GetHeapMap(target=HeapTarget(playground=opened.id), view=view))
    assert picture.cursor is not None
    assert picture.before is not None
    assert (picture.before.number, picture.cursor.number) == (1, 2)


async def test_what_reads_and_plays_ends_with_the_engine(machine: Machine) -> None:
    found = Heaps(machine.containers)
    await run(machine, "bash", "-c", "echo ready; read x < /dev/zero")
    await found.report(GetHeap(target=WEB))
    await found.playgrounds.open(HeapOptions())
    assert _helpers()
    await found.close()
    assert not _helpers()


def _helpers() -> list[str]:
    """Processes of ours that belong to heaps."""
    found = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        for pid in (task / "children").read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            if "engine.heap." in words:
                found.append(words)
    return found


@needs_python
async def test_twenty_containers_are_read_one_after_the_other(machine: Machine, heaps: Heaps) -> None:
    names = [f"web{number}" for number in range(20)]
    await asyncio.gather(*(run(machine, PYTHON, "-S", "-c", WAITS, name=name) for name in names))
    for name in names:
        sound(await heaps.report(GetHeap(target=HeapTarget(container=name))))
    await asyncio.gather(*(machine.containers.kill(name) for name in names))
    await asyncio.gather(*(ended(machine.containers, name) for name in names))
    assert "ready" in await output(machine.containers, names[0])


def test_an_engine_that_nobody_asks_for_heaps_imports_nothing_for_them() -> None:
    code = "import engine.daemon.__main__, sys; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in shown if name.startswith(("numpy", "engine.heap.inspector", "engine.heap.playground"))]
