"""What a new engine finds: what the disk says against what the keeper holds and the kernel shows. Imports the parts.

    on disk    with the keeper   then
    any        running           it runs; watch it (frozen: it is paused; for a look only: it goes on)
    any        ended             its end is recorded now, unless that was done
    running    nothing           the keeper was lost: kill it if it is still there, exit code 255
    restarting nothing           it is started again
    nothing    anything          kill it, forget it
    any        exec'd program    kill it, forget it: its client is gone (those on terminals: see `engine.sessions`;
                                 those that an ordinary user's networks need: `engine.network.rootless.uplink`)

Under a new keeper (after a reboot, or when the engine had been stopped) restart policies are asked once more. Spools
and cgroups without a running container are removed.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from engine.cgroups import Cgroup, Hierarchy
from engine.containers import limiting, names, restart, standstill
from engine.containers.container import Container, Run
from engine.containers.identity import boot_id, identify, open_process
from engine.containers.keeper import TERMINALS, Held, Keeper
from engine.containers.launch import Launcher
from engine.containers.record import Identity
from engine.containers.running import Running
from engine.containers.states import Happening
from engine.keeper.wire import FOR_NETWORKS
from engine.protocol.messages import Status

LOST = 255  # exit code where nobody knows it
DYING = 5.0  # seconds that a killed process gets


@dataclass(frozen=True)
class Recovery:
    """One recovery. `forget` removes a container with its files; the caller holds its lock."""

    containers: Mapping[str, Container]
    runtime: Path
    keeper: Keeper
    cgroups: Hierarchy
    launcher: Launcher
    running: Running
    forget: Callable[[Container], Awaitable[None]]

    async def recover(self) -> None:
        """Bring containers, keeper and kernel into agreement."""
        new_keeper = await asyncio.to_thread(self._is_new_keeper)
        strangers = [
            held
            for key, held in self.keeper.held.items()
            if key not in self.containers and not key.startswith((TERMINALS, FOR_NETWORKS))
        ]
        if strangers:
            kills = [self.running.spawn(self.launcher.kill(held), f"end of {held.key}") for held in strangers]
            await asyncio.wait(kills, timeout=DYING)
        for container in self.containers.values():
            if self._is_recorded(container):
                await self.keeper.forget(container.id)
        await asyncio.to_thread(self._remove_leftovers)
        for container in list(self.containers.values()):
            if (held := self.keeper.held.get(container.id)) is not None:
                await self._adopt(container, held)
            else:
                await self._without_process(container, new_keeper)

    def _is_new_keeper(self) -> bool:
        """Whether this is the first engine of its keeper; then say that it was here."""
        mark, now = self.runtime / "keeper", repr(identify(self.keeper.pid))
        if mark.exists() and mark.read_text() == now:
            return False
        mark.write_text(now)
        return True

    def _remove_leftovers(self) -> None:
        """Spools and cgroups without a process. Cgroups of ids that we do not know may be another engine's."""
        spools = self.launcher.spools
        marked = {spool.name for spool in spools.iterdir() if names.is_id(spool.name)} if spools.is_dir() else set()
        for id in (marked | set(self.containers)) - set(self.keeper.held):
            if (cgroup := self._cgroup(id)) is not None:
                limiting.end(cgroup)
            shutil.rmtree(self.launcher.spool(id), ignore_errors=True)

    def _cgroup(self, id: str) -> Cgroup | None:
        """The cgroup of a container, known or not, if it is there."""
        if id in self.containers:
            cgroup = limiting.cgroup_of(self.cgroups, self.containers[id].spec, id)
        else:
            cgroup = self.cgroups.find(id) if self.cgroups.available else None
        return cgroup if cgroup is not None and os.path.isdir(cgroup.path) else None

    def _is_recorded(self, container: Container) -> bool:
        """Whether the end of just the process that is held is on disk, and only the keeper had not been told."""
        if (held := self.keeper.held.get(container.id)) is None:
            return False
        init = container.record.init
        return held.wait_status is not None and not container.live and init is not None and init.pid == held.pid

    async def _adopt(self, container: Container, held: Held) -> None:
        """Go on with a program that runs, or ended while no engine was there."""
        cgroup = await asyncio.to_thread(self._cgroup, container.id)
        spool = self.launcher.spool(container.id)
        thawed = cgroup is not None and await asyncio.to_thread(standstill.undo, cgroup, spool)
        run = Run(held, self.launcher.stdio(container, held), cgroup)
        record = container.record
        if not container.live:  # the engine was killed between the launch and its being recorded
            started = await asyncio.to_thread(_started_at, held.pid)
            init = identify(held.pid) or Identity(pid=held.pid, start=0, boot=boot_id())
            await container.update_anyhow(
                Happening.START, init=init, exit_code=None, error=None, started_at=started, finished_at=None
            )
        elif held.wait_status is None and cgroup is not None:
            frozen = not thawed and await asyncio.to_thread(lambda: cgroup.frozen)
            status = Status.PAUSED if frozen else Status.RUNNING
            if status != record.status:
                await container.update_anyhow(Happening.PAUSE if frozen else Happening.UNPAUSE)
        self.running.watch(container, run, adopted=True)

    async def _without_process(self, container: Container, new_keeper: bool) -> None:
        if container.live:
            await self._lose(container)
        if container.record.status == Status.RESTARTING:
            self.running.start_later(container, ran=restart.SETTLED_AFTER)
        elif new_keeper and restart.wanted_at_boot(container.record):
            self.running.spawn(self._start_at_boot(container), f"start of {container.id}")
        elif container.record.options.remove and container.record.status != Status.CREATED:
            await self.forget(container)

    async def _lose(self, container: Container) -> None:
        """It ran when the keeper vanished, or when the machine did: how it ended is not known."""
        init = container.record.init
        rebooted = init is not None and init.boot != boot_id()
        if init is not None and not rebooted:
            await asyncio.to_thread(_kill, init)
        await container.update_anyhow(
            Happening.STOP if container.record.asked else Happening.END,
            exit_code=LOST,
            error="The machine was restarted while it ran." if rebooted else "The keeper was lost while it ran.",
            finished_at=datetime.now(UTC),
        )

    async def _start_at_boot(self, container: Container) -> None:
        async with container.lock:
            if not container.live and not container.removed:
                await self.running.start_again(container)


def _started_at(pid: int) -> datetime:
    try:
        return datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC)
    except psutil.NoSuchProcess:
        return datetime.now(UTC)


def _kill(init: Identity) -> None:
    """End exactly this process, and wait until it has."""
    if (pidfd := open_process(init)) is None:
        return
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        poller.poll(DYING * 1000)
    finally:
        os.close(pidfd)
