"""start_peer.c: our plan's system calls without us. One program per plan, since the plan is compiled in."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
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
        name = f"start-peer-{directory.parent.name}"
        self._cgroup = cgroups.find(name) if self._cgroups else None
        self._beside = f"{name}-beside"
        self.from_main: list[float] = []  # `start` with a terminal, without the making of the process
        for name, spec in specs.items():
            self._compile(name, spec, image)

    def _compile(self, name: str, spec: Spec, image: Image) -> None:
        container = self._directory / "container"
        container.mkdir()
        joins = self._cgroup.joins if self._cgroup else ()
        plan = launch_plan(spec, filesystem(container, image, spec), cgroup=self._cgroup is not None, joins=joins)
        with tempfile.TemporaryDirectory() as include:
            Path(include, "plan.h").write_text(header(plan, terminal=spec.process.terminal))
            compile_c(["-Wall", "-I", include, str(HERE.parent / "start_peer.c")], self._directory / name)
        self._clear()

    def start(self, tty: bool) -> float:
        """Seconds from asking for the process to the first instruction of the program in the container."""
        begin, _, output = self._call("terminal" if tty else "pipes")
        at_main, at_exec = map(int, output.split())
        if tty:
            self.from_main.append((at_exec - at_main) / 1e9)
        return (at_exec - begin) / 1e9

    def run(self) -> float:
        """Seconds to run /bin/true, and to learn its exit status."""
        begin, end, _ = self._call("true")
        return (end - begin) / 1e9

    def _call(self, name: str) -> tuple[int, int, str]:
        """When it was called, when it had ended (CLOCK_MONOTONIC, ns), and what it wrote."""
        command = [str(self._directory / name), str(self._directory / "container")]
        with ExitStack() as after:
            after.callback(self._clear)
            if self._cgroups is None or self._cgroup is None:
                command.append("-")
            else:  # it makes its own, in places that another one keeps
                after.callback(self._cgroups.create(self._beside).remove)
                command += [self._cgroup.path, *(self._cgroup.parts[joined] for joined in self._cgroup.joins)]
            begin = time.monotonic_ns()
            output = run(command, self._directory / "output")
            return begin, time.monotonic_ns(), output

    def _clear(self) -> None:
        shutil.rmtree(self._directory / "container", ignore_errors=True)
