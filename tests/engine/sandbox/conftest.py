"""Containers without an engine: a bundle in a temporary directory, a plan, a keeper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from engine.containers.keeper import Keeper, Launched
from engine.images.image import Image
from engine.images.store import Images
from engine.protocol.messages import ContainerOptions
from engine.sandbox import fast, receipt
from engine.sandbox.build import launch_plan
from engine.sandbox.plan import Plan
from engine.sandbox.root import Layered, RootFilesystem
from engine.spec.default import from_options
from engine.spec.structs import Process, Spec
from engine.spec.user import resolve_user
from tests.engine.conftest import KeeperProcess


@dataclass
class Bundle:
    """One container to be: its directories and its spec."""

    directory: Path
    image: Image
    numbers: list[int] = field(default_factory=list)

    def spec(self, options: ContainerOptions) -> Spec:
        account = resolve_user(options.user or "root", PASSWD, GROUP)
        merged = str(self.directory / "merged")
        return from_options(options, self.image, "0123456789ab", merged, account)

    def root(self) -> RootFilesystem:
        """A fresh upper layer for every call."""
        self.numbers.append(len(self.numbers))
        base = self.directory / str(self.numbers[-1])
        (self.directory / "merged").mkdir(exist_ok=True)
        grafts = []
        for i, graft in enumerate(self.image.grafts):
            grafts.append((graft.destination, _layered((graft.source,), base / f"graft{i}")))
        root = _layered(self.image.layers, base / "root")
        return RootFilesystem(str(self.directory / "merged"), root, tuple(grafts))

    def plan(self, options: ContainerOptions, **changes: object) -> tuple[Spec, Plan]:
        """`changes` go into the spec's process."""
        spec = self.spec(options)
        if changes:
            spec = msgspec.structs.replace(spec, process=msgspec.structs.replace(spec.process, **changes))
        return spec, launch_plan(spec, self.root())


PASSWD = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n"
GROUP = "root:x:0:\nada:x:1000:\ntutors:x:2000:ada\n"


def _layered(layers: tuple[str, ...], base: Path) -> Layered:
    for name in ("upper", "work"):
        (base / name).mkdir(parents=True)
    return Layered(tuple(layers), str(base / "upper"), str(base / "work"))


@pytest.fixture
async def bundle(tmp_path: Path) -> Bundle:
    images = Images(tmp_path / "images")
    return Bundle(tmp_path, await images.prepare("host"))


@pytest.fixture
async def busybox(tmp_path: Path) -> Bundle:
    if not any(i.available for i in Images(tmp_path / "images").list() if i.name == "busybox"):
        pytest.skip("no static busybox on this host")
    return Bundle(tmp_path, await Images(tmp_path / "images").prepare("busybox"))


@dataclass
class Result:
    """What became of a program: `status` as Docker counts it."""

    status: int
    output: str
    errors: str
    launched: Launched
    failure: receipt.Failure | None


async def finish(keeper: Keeper, key: str, plan: Plan, process: Process, inputs: list[int] | None = None) -> Result:
    """Launch, wait for the end, collect up to one pipe's worth of output."""
    launched = await keeper.launch(key, plan.assemble(), inputs or [], tty=process.terminal, stdin=False)
    failure = receipt.failure(plan, launched.receipt, process)
    if launched.held is None:
        return Result(-1, "", "", launched, failure)
    status = await keeper.ended(key)
    d = launched.held.descriptors
    output, errors = _read(d.terminal if d.terminal is not None else d.stdout), _read(d.stderr)
    await keeper.forget(key)
    code = status >> 8 if status & 0x7F == 0 else 128 + (status & 0x7F)
    return Result(code, output, errors, launched, failure)


def _read(fd: int | None) -> str:
    data = b""
    while fd is not None:
        try:
            piece = os.read(fd, 65536)
        except OSError:  # EIO: the terminal's last process is gone
            break
        if not piece:
            break
        data += piece
    return data.decode()


@pytest.fixture(params=["fast", "portable"])
def keeper_process(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[KeeperProcess]:
    """Every promise holds with both executors."""
    if request.param == "fast" and fast.load() is None:
        pytest.skip("the fast executor was not built")
    process = KeeperProcess(tmp_path, {"HELIOSTUI_EXECUTOR": request.param})
    yield process
    process.close()
