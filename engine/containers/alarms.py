"""Limits that hit: tells of processes that the OOM killer ended and of forks that were refused. Imports asyncio and the
parts.

In cgroup2 the kernel says when a counter moves (inotify). Those of v1 are looked at when the kernel's log says that
somebody was killed, or that a first fork was refused, and from then on once a second. Whoever may not read the log
hears of v1's when the container ends, and of no victims.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil  # type: ignore[import-untyped]

from engine.cgroups import Cgroup
from engine.cgroups.counters import Hits, hits, memory_events, pids_events
from engine.cgroups.inotify import Inotify
from engine.cgroups.kernel_log import KernelLog, Refused, Victim
from engine.containers.container import Container, Run
from engine.containers.events import Bus
from engine.containers.top import text

SPACING = 1.0  # seconds between two events of refused forks: there may be thousands
MOST_VICTIMS = 256
PATIENCE = 0.5  # seconds that the log gets to name a victim
Spawn = Callable[[Coroutine[Any, Any, None], str], object]


@dataclass(eq=False)
class _Watched:
    container: Container
    run: Run
    cgroup: Cgroup
    told: Hits
    watches: list[int] = field(default_factory=list)
    telling: bool = False  # of refused forks
    due: dict[str, asyncio.TimerHandle] = field(default_factory=dict)  # what is told then, whatever is known

    @property
    def polled(self) -> bool:
        """Nobody says when forks are refused."""
        return self.cgroup.version("pids") == 1

    def is_at(self, path: str) -> bool:
        """Is that path of the kernel's log in its cgroup?"""
        return self.cgroup.path.rpartition("/")[2] in path.split("/")


class Alarms:
    """Watches every run that has a cgroup, from `watch` to `last_look`. `spawn` runs what takes time."""

    def __init__(self, bus: Bus, spawn: Spawn) -> None:
        self._bus = bus
        self._spawn = spawn
        self._watched: dict[Run, _Watched] = {}
        self._by_watch: dict[int, _Watched] = {}
        self._inotify: Inotify | None = None
        self._log: KernelLog | None = None
        self._victims: deque[Victim] = deque(maxlen=MOST_VICTIMS)  # not told of yet; perhaps not ours

    def listen(self) -> None:
        """Before the first container is started: from then on nothing is missed. May be called again."""
        loop = asyncio.get_running_loop()
        if self._inotify is None:
            with suppress(OSError):  # no more instances for this user: what hits is told when the container ends
                self._inotify = Inotify()
                loop.add_reader(self._inotify.descriptor, self._hear_change)
        if self._log is None:
            with suppress(OSError):
                self._log = KernelLog()
                loop.add_reader(self._log.descriptor, self._hear_log)

    def watch(self, container: Container, run: Run, *, adopted: bool = False) -> None:
        """Tell of what happens to a run; of one that an earlier engine began, from now on."""
        if run.cgroup is None:
            return
        self.listen()
        watched = self._watched[run] = _Watched(container, run, run.cgroup, hits(run.cgroup) if adopted else Hits())
        for path in (memory_events(run.cgroup), pids_events(run.cgroup)):
            if path is not None and self._inotify is not None:
                with suppress(OSError):  # it has ended already; or there are no more watches for us
                    watched.watches.append(self._inotify.add(path))
                    self._by_watch[watched.watches[-1]] = watched
        asyncio.get_running_loop().call_soon(self._look, watched)

    def last_look(self, run: Run) -> bool:
        """Tell what is not told yet of a run that has ended, and whose cgroup is still there. Was any process of it
        killed for want of memory, ever?"""
        watched = self._watched.pop(run, None)
        if watched is None:
            return False
        self._hear_log()
        self._tell_kills(watched, final=True)
        self._tell_refused(watched)
        for watch in watched.watches:
            self._by_watch.pop(watch, None)
            if self._inotify is not None:
                self._inotify.remove(watch)
        for handle in watched.due.values():
            handle.cancel()
        return watched.told.oom_kills > 0

    def close(self) -> None:
        """Watch nothing any more."""
        loop = asyncio.get_running_loop()
        for source in (self._inotify, self._log):
            if source is not None:
                loop.remove_reader(source.descriptor)
                source.close()
        for watched in self._watched.values():
            for handle in watched.due.values():
                handle.cancel()
        self._inotify = self._log = None
        self._watched.clear()
        self._by_watch.clear()

    def _look(self, watched: _Watched) -> None:
        """At what happened before it was watched."""
        if watched.run in self._watched:
            self._tell_kills(watched)
            if hits(watched.cgroup).refused_forks and "forks" not in watched.due:
                self._tell_refused(watched)

    def _hear_change(self) -> None:
        assert self._inotify is not None
        for watched in {self._by_watch[watch] for watch in self._inotify.read() if watch in self._by_watch}:
            self._tell_kills(watched)
            if "forks" not in watched.due:
                self._tell_refused(watched)

    def _hear_log(self) -> None:
        if self._log is None or not (heard := self._log.read()):
            return
        self._victims.extend(told for told in heard if isinstance(told, Victim))
        for watched in list(self._watched.values()):
            refused = any(isinstance(told, Refused) and watched.is_at(told.cgroup) for told in heard)
            if refused and "forks" not in watched.due:
                self._tell_refused(watched)
            if any(isinstance(told, Victim) for told in heard):
                self._tell_kills(watched)

    def _tell_kills(self, watched: _Watched, *, final: bool = False) -> None:
        """One event for each process that was killed, as soon as it is known who it was."""
        now = hits(watched.cgroup).oom_kills
        while watched.told.oom_kills < now and ((victim := self._victim_of(watched)) is not None or final):
            watched.told = Hits(watched.told.oom_kills + 1, watched.told.refused_forks)
            self._publish_kill(watched, victim)
        if (handle := watched.due.pop("kills", None)) is not None:
            handle.cancel()
        if watched.told.oom_kills < now:
            loop = asyncio.get_running_loop()
            patience = PATIENCE if self._log is not None else 0
            watched.due["kills"] = loop.call_later(patience, lambda: self._tell_kills(watched, final=True))

    def _victim_of(self, watched: _Watched) -> Victim | None:
        """The next one that is known, or may be meant."""
        for victim in self._victims:
            if watched.is_at(victim.cgroup) or not victim.cgroup:
                self._victims.remove(victim)
                return victim
        return None

    def _publish_kill(self, watched: _Watched, victim: Victim | None) -> None:
        container = watched.container
        if victim is None and watched.run.held.wait_status == 9:  # it was the init, since that was killed
            victim = Victim(watched.run.held.pid, container.record.command[0])
        told = {} if victim is None else {"pid": victim.pid, "command": victim.command}
        self._bus.publish("oom", container.id, container.name, **told)
        if not container.record.oom_killed and container.live:
            self._spawn(_remember(container), f"oom of {container.id}")

    def _tell_refused(self, watched: _Watched) -> None:
        """One event for all forks refused since the last one."""
        if (handle := watched.due.pop("forks", None)) is not None:
            handle.cancel()
        refused = hits(watched.cgroup).refused_forks - watched.told.refused_forks
        if refused > 0 and not watched.telling:
            watched.telling = True
            watched.told = Hits(watched.told.oom_kills, watched.told.refused_forks + refused)
            self._spawn(self._publish_refused(watched, refused), f"refused forks of {watched.container.id}")
        elif watched.polled and not watched.telling:
            self._tell_refused_later(watched)

    async def _publish_refused(self, watched: _Watched, refused: int) -> None:
        told = await asyncio.to_thread(_most_forked, watched.cgroup)
        self._bus.publish("pids_limit", watched.container.id, watched.container.name, refused=refused, **told)
        watched.telling = False
        self._tell_refused_later(watched)

    def _tell_refused_later(self, watched: _Watched) -> None:
        if watched.run in self._watched:
            loop = asyncio.get_running_loop()
            watched.due["forks"] = loop.call_later(SPACING, lambda: self._tell_refused(watched))


async def _remember(container: Container) -> None:
    await container.update_anyhow(oom_killed=True)


def _most_forked(cgroup: Cgroup) -> dict[str, object]:
    """The process with the most children, and the limit: the kernel does not say whose fork it refused."""
    told: dict[str, object] = {}
    with suppress(OSError):
        if (directory := cgroup.directory("pids")) is not None:
            told["limit"] = cgroup.read("pids.max", directory).strip()
    pids = cgroup.processes()
    children = dict.fromkeys(pids, 0)
    for pid in pids:
        with suppress(psutil.Error):
            if (parent := psutil.Process(pid).ppid()) in children:
                children[parent] += 1
    for parent in sorted(children, key=lambda pid: -children[pid]):
        with suppress(psutil.Error):
            return {**told, "pid": parent, "command": text(psutil.Process(parent).name()), "children": children[parent]}
    return told
