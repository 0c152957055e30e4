"""Programs whose heaps are read: a puppet that allocates what a test says."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from engine.heap import layout, library
from engine.heap.inspector.client import Inspector
from engine.heap.inspector.inspection import Inspection

if library.path() is None:
    collect_ignore_glob = ["test_*.py"]

T = TypeVar("T")
NOBODY = 65534
PUPPET = Path(__file__).parent / "puppet.c"


class Puppet:
    """The program of puppet.c, with our allocator unless `preload` says another library or none."""

    def __init__(self, *program: Path | str, heap: str = "", preload: str | None = None) -> None:
        environment = {"HELIOS_HEAP": heap, "LD_PRELOAD": (library.path() or "") if preload is None else preload}
        self.process = subprocess.Popen(
            program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.pid = self.process.pid
        self.tell("f", 0)  # so it has begun

    def tell(self, command: str, *numbers: int) -> int:
        """Have it done, and wait for that."""
        self.say(command, *numbers)
        assert self.process.stdout is not None
        return int(self.process.stdout.readline(), 16)

    def say(self, command: str, *numbers: int) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}{' '.join(f'{number:x}' for number in numbers)}\n".encode())

    def alloc(self, size: int) -> int:
        return self.tell("a", size)

    def free(self, address: int) -> None:
        self.tell("f", address)

    def stop(self) -> None:
        """Let it stand still, and wait until it does."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def as_nobody(function: Callable[[], T]) -> T:
    """What `function` returns in a child that is an ordinary user."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writer, pickle.dumps(function()))
        except BaseException as error:  # noqa: BLE001  # the parent raises it
            os.write(writer, pickle.dumps(RuntimeError(repr(error))))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        result = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if isinstance(result, BaseException):
        raise result
    return result  # type: ignore[no-any-return]


@contextmanager
def inspecting(puppet: Puppet) -> Iterator[Inspection]:
    """In this process."""
    inspection = Inspection(puppet.pid)
    try:
        yield inspection
    finally:
        inspection.close()


def root_of(puppet: Puppet) -> int:
    """The address of its root, as the map of its memory and the library's symbols say."""
    path = library.path() or ""
    symbols = subprocess.run(["nm", "-D", path], check=True, capture_output=True, text=True).stdout.splitlines()
    (offset,) = (int(line.split()[0], 16) for line in symbols if line.endswith(" helios_heap_root"))
    maps = Path(f"/proc/{puppet.pid}/maps").read_text().splitlines()
    base = min(int(line.partition("-")[0], 16) for line in maps if line.endswith(os.path.realpath(path)))
    assert offset % 4096 == 0
    assert layout.HeapRoot.magic.offset == 0
    return base + offset


@pytest.fixture(scope="session")
def puppet_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if library.path() is None:
        pytest.skip(library.why_missing())
    if shutil.which("gcc") is None:
        pytest.skip("without a C compiler there is no program whose heap could be read")
    program = tmp_path_factory.mktemp("puppet") / "puppet"
    command = ["gcc", "-O1", "-fno-builtin", "-pthread", "-w", "-o", str(program), str(PUPPET)]
    subprocess.run(command, check=True, timeout=60)
    return program


@pytest.fixture
def puppets(puppet_program: Path) -> Iterator[Callable[..., Puppet]]:
    started: list[Puppet] = []

    def start(heap: str = "", preload: str | None = None) -> Puppet:
        started.append(Puppet(puppet_program, heap=heap, preload=preload))
        return started[-1]

    yield start
    for puppet in started:
        puppet.end()


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    inspector = Inspector()
    yield inspector
    await inspector.close()
