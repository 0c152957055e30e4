"""Programs that work for networks beside the containers: started and held by the keeper, so that they outlive the
engine, and end with the keeper. Imports the keeper's client and plans of system calls.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from engine.containers.keeper import Held, Keeper
from engine.errors import EngineError
from engine.keeper.wire import FOR_NETWORKS
from engine.protocol.messages import ErrorCode
from engine.sandbox import process
from engine.sandbox.kernel import CLONE, PR, O
from engine.sandbox.plan import CHANNEL, Input, Plan
from engine.sandbox.stdio import take_pipes
from engine.spec.structs import Process

log = logging.getLogger("engine.network")

GIVEN = process.KEPT + 1  # the number at which a program finds the descriptor that it is given
SECBIT_NOROOT = 0x3  # and locked: no capability comes of being root (capabilities(7))
REMEMBERED = 20  # last lines of what it said


@dataclass(frozen=True)
class Command:
    """`namespace`: a network namespace to be in, by descriptor; "new": one of its own; None: the keeper's. `given`: a
    descriptor it is handed, at `GIVEN`. `powerless`: without any capability."""

    words: Sequence[str]
    namespace: int | str | None = None
    given: int | None = None
    powerless: bool = False


def plan(command: Command) -> tuple[Plan, list[int]]:
    """What the keeper's child does, and the descriptors that it needs for it."""
    made, inputs = Plan(), []
    process.begin(made)
    made.part = "network"
    if command.namespace == "new":
        made.call("unshare", CLONE.NEWNET, why="a network namespace for the containers")
    elif isinstance(command.namespace, int):
        entered = made.input("network namespace")
        inputs.append(command.namespace)
        made.call("setns", entered, CLONE.NEWNET, why="the containers' network namespace")
    given: Input | None = None
    if command.given is not None:
        given = made.input("given")
        inputs.append(command.given)
    take_pipes(made, 0)
    made.part = "program"
    made.call("chdir", "/", why="keep no directory busy")
    if command.powerless:
        made.call("prctl", PR.SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0, why="no rights by being root")
    made.call("dup3", CHANNEL, process.KEPT, O.CLOEXEC, why="the channel closes when execve succeeds")
    if given is not None:
        made.call("dup3", given, GIVEN, 0, why="what it works with")
    first = GIVEN + (command.given is not None)
    made.call("close_range", first, 0xFFFFFFFF, 0, why="close everything else")
    environment = [f"PATH={os.environ.get('PATH', process.DEFAULT_PATH)}", "LANG=C"]
    process.execute(made, Process(args=list(command.words), env=environment), None)
    return made, inputs


class Program:
    """One of them, by its name: running, or not."""

    def __init__(self, keeper: Keeper, name: str) -> None:
        self._keeper = keeper
        self.name = name
        self.key = FOR_NETWORKS + name
        self.said: list[str] = []  # its last lines
        self._parts: dict[int, bytes] = {}  # of a line, by descriptor

    @property
    def held(self) -> Held | None:
        """What the keeper holds of it, perhaps only how it ended."""
        return self._keeper.held.get(self.key)

    @property
    def runs(self) -> bool:
        return (held := self.held) is not None and held.wait_status is None

    async def start(self, command: Command) -> Held:
        """Start it, in the place of one that has ended. EngineError says why it can't be."""
        await self.end()
        made, inputs = plan(command)
        launched = await self._keeper.launch(self.key, made.assemble(), inputs, tty=False, stdin=False)
        if launched.held is None:
            why = f"{command.words[0]} can't be started."
            raise EngineError(ErrorCode.LAUNCH_FAILED, why)
        self.said.clear()
        self.listen()
        return launched.held

    def listen(self) -> None:
        """Write down what it says, from now on."""
        held = self.held
        assert held is not None
        loop = asyncio.get_running_loop()
        for fd in (held.descriptors.stdout, held.descriptors.stderr):
            if fd is not None:
                loop.add_reader(fd, self._hear, fd)

    def deafen(self) -> None:
        """It goes on by itself."""
        if (held := self.held) is not None:
            for fd in (held.descriptors.stdout, held.descriptors.stderr):
                if fd is not None:
                    asyncio.get_running_loop().remove_reader(fd)

    def _hear(self, fd: int) -> None:
        try:
            data = os.read(fd, 65536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(fd)
        *lines, self._parts[fd] = (self._parts.get(fd, b"") + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if text and not text.startswith("Failed to send"):  # pasta, where there is no syslog
                log.info("%s: %s", self.name, text)
                self.said = [*self.said[1 - REMEMBERED :], text]

    async def ended(self) -> None:
        """Wait until it has ended, and read what it said last."""
        held = self.held
        if held is None:
            return
        await self._keeper.ended(self.key)
        for fd in (held.descriptors.stdout, held.descriptors.stderr):
            if fd is not None:
                self._hear(fd)

    async def end(self) -> None:
        """End it if it runs, and forget it."""
        if (held := self.held) is None:
            return
        held.signal(signal.SIGKILL)
        await self._keeper.ended(self.key)
        self.deafen()
        await self._keeper.forget(self.key)
