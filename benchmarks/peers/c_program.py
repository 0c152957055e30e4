"""start_peer.c: our plan's system calls without us. One program per plan, since the plan is compiled in."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from peers.process import run
from peers.root import HERE, compile_c
from peers.straight_line import header

from engine.cgroups import Hierarchy
from engine.containers.bundle import filesystem
from engine.images import Image
from engine.sandbox.build import launch_plan
from engine.spec.structs import Spec


class CProgram:
    """`specs`: what to run for `start` with and without a terminal, and for `run`."""

    name = "C program"

    def __init__(self, directory: Path, image: Image, cgroups: Hierarchy, specs: dict[str, Spec]) -> None:
        directory.mkdir()
        self._directory = directory
        self._cgroups = cgroups if cgroups.version == 2 else None
        self._cgroup = cgroups.find(f"start-peer-{directory.parent.name}").path if self._cgroups else "-"
        self.from_main: list[float] = []  # `start` with a terminal, without the making of the process
        for name, spec in specs.items():
            self._compile(name, spec, image)

    def _compile(self, name: str, spec: Spec, image: Image) -> None:
        container = self._directory / "container"
        container.mkdir()
        plan = launch_plan(spec, filesystem(container, image, spec), cgroup=self._cgroups is not None)
        with tempfile.TemporaryDirectory() as include:
            Path(include, "plan.h").write_text(header(plan, terminal=spec.process.terminal))
            compile_c(["-Wall", "-I", include, str(HERE.parent / "start_peer.c")], self._directory / name)
        self._clear()

    def start(self, tty: bool) -> float:
        """Seconds from asking for the process to the first instruction of the program in the container."""
        begin = time.monotonic_ns()
        at_main, at_exec = map(int, self._call("terminal" if tty else "pipes").split())
        if tty:
            self.from_main.append((at_exec - at_main) / 1e9)
        return (at_exec - begin) / 1e9

    def run(self) -> float:
        """Seconds to run /bin/true, and to learn its exit status."""
        begin = time.monotonic_ns()
        self._call("true")
        return (time.monotonic_ns() - begin) / 1e9

    def _call(self, name: str) -> str:
        # The program makes its own directories and its own cgroup, in places that are there.
        self._clear()
        if self._cgroups:
            Path(self._cgroups.base).mkdir(exist_ok=True)
        command = [str(self._directory / name), str(self._directory / "container"), self._cgroup]
        return run(command, self._directory / "output")

    def _clear(self) -> None:
        shutil.rmtree(self._directory / "container", ignore_errors=True)
