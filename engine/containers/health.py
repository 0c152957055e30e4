"""Health checks: a program that is run in a container again and again, and what its exit statuses say of the container.

Imports asyncio and the parts. What is known lives in memory, as long as the run: a new engine begins anew, with the
start period counted from the container's real start. The rules are Docker's (moby, daemon/health.go).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite

from engine.containers.container import Container, Run
from engine.containers.events import Bus
from engine.containers.executed import Executed, Spawn
from engine.containers.keeper import Keeper
from engine.containers.launch import Launcher
from engine.containers.output.clients import Client
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Exec, Output, Status
from engine.protocol.network import Health, HealthCheck, HealthProbe

REMEMBERED = 5  # probes
OUTPUT = 4096  # bytes of a probe's output
LEAST = 0.001  # seconds
MOST = 366 * 86400.0
TIMED_OUT = -1  # exit code of a probe that had to be killed, or that could not be started
KILLED = 128 + 9
ENDING = 0.5  # seconds in which the container's end is heard of, if a probe failed because of it
_CODES = {ErrorCode.COMMAND_NOT_FOUND: 127, ErrorCode.COMMAND_NOT_EXECUTABLE: 126}


def validate(check: HealthCheck | None) -> None:
    """EngineError(INVALID) for a check that can't be made."""
    if check is None:
        return
    if not check.command or not check.command[0]:
        raise EngineError(ErrorCode.INVALID, "A health check needs a command.")
    for name, least in (("interval", LEAST), ("timeout", LEAST), ("start_interval", LEAST), ("start_period", 0.0)):
        seconds = getattr(check, name)
        if not (isfinite(seconds) and least <= seconds <= MOST):
            raise EngineError(
                ErrorCode.INVALID,
                f"A health check's {name} can't be {seconds:g} seconds: {least:g} is the least, a year the most.",
            )
    if check.retries < 1:
        raise EngineError(ErrorCode.INVALID, f"A health check's retries can't be {check.retries}: 1 is the least.")


def after(health: Health, check: HealthCheck, probe: HealthProbe, age: float) -> Health:
    """What a probe makes of it, which began `age` seconds after the container's start."""
    probes = [*health.probes, probe][-REMEMBERED:]
    if probe.exit_code == 0:
        return Health(status="healthy", probes=probes)
    if health.status == "starting" and age < check.start_period:
        return Health(status="starting", failures=health.failures, probes=probes)
    failures = health.failures + 1
    return Health(status="unhealthy" if failures >= check.retries else health.status, failures=failures, probes=probes)


def pause(health: Health, check: HealthCheck, age: float) -> float:
    """Seconds from one probe, or the start, to the next."""
    return check.start_interval if health.status == "starting" and age < check.start_period else check.interval


@dataclass(eq=False)
class _Checked:
    """A run that has a check."""

    container: Container
    run: Run
    check: HealthCheck
    begun: float  # time.monotonic() at the container's start
    over: asyncio.Event = field(default_factory=asyncio.Event)
    program: Executed | None = None  # the probe that is being made

    @property
    def health(self) -> Health:
        assert self.run.health is not None
        return self.run.health

    @property
    def age(self) -> float:
        return time.monotonic() - self.begun

    @property
    def paused(self) -> bool:
        return self.container.record.status == Status.PAUSED


class Checks:
    """Sees to every run with a health check, from `watch` to `end`."""

    def __init__(self, keeper: Keeper, launcher: Launcher, bus: Bus, spawn: Spawn) -> None:
        self._keeper = keeper
        self._launcher = launcher
        self._bus = bus
        self._spawn = spawn
        self._checked: dict[Run, _Checked] = {}

    def watch(self, container: Container, run: Run, *, adopted: bool = False) -> None:
        """Begin, if there is a check; at once with a run that an earlier engine began."""
        check = container.record.options.health
        if check is None:
            return
        begun = run.begun
        if adopted and container.record.started_at is not None:
            begun -= max((datetime.now(UTC) - container.record.started_at).total_seconds(), 0.0)
        run.health = Health(status="starting")
        checked = self._checked[run] = _Checked(container, run, check, begun)
        self._spawn(self._attend(checked, at_once=adopted), f"health of {container.id}")

    def end(self, run: Run) -> None:
        """The run has ended; so do its probes."""
        if (checked := self._checked.pop(run, None)) is not None:
            checked.over.set()
            if checked.program is not None:
                checked.program.kill()

    async def _attend(self, checked: _Checked, *, at_once: bool) -> None:
        delay = 0.0 if at_once else pause(checked.health, checked.check, checked.age)
        while not await _happens(checked.over, delay) and not checked.run.stopping:
            age = checked.age
            probe = None if checked.paused else await self._probe(checked)
            if probe is not None and not checked.over.is_set():
                self._take(checked, probe, age)
            delay = pause(checked.health, checked.check, checked.age)

    def _take(self, checked: _Checked, probe: HealthProbe, age: float) -> None:
        before, container = checked.health.status, checked.container
        checked.run.health = after(checked.health, checked.check, probe, age)
        if checked.health.status != before:
            self._bus.publish("health_status", container.id, container.name, status=checked.health.status)

    async def _probe(self, checked: _Checked) -> HealthProbe | None:
        """Run the check once. None when it says nothing: the container ended over it, or was paused."""
        started = datetime.now(UTC)
        request = Exec(container=checked.container.id, command=checked.check.command)
        try:
            held, stdio = await self._launcher.exec(checked.container, request)
        except EngineError as error:
            if error.code == ErrorCode.WRONG_STATE or await _happens(checked.over, ENDING):
                return None
            code = _CODES.get(error.code, TIMED_OUT)
            return HealthProbe(started_at=started, finished_at=datetime.now(UTC), exit_code=code, output=error.message)
        program = checked.program = Executed(held, stdio)
        kept = bytearray()
        keeping = self._spawn(_keep(stdio.attach(), kept), f"output of {held.key}")
        self._spawn(program.watch(self._keeper, self._spawn), f"health check {held.key}")
        if checked.over.is_set():
            program.kill()
        in_time = await _happens(program.over, checked.check.timeout)
        if not in_time:
            paused = checked.paused
            program.kill()
            await program.over.wait()
            if paused:
                return None
        await keeping
        checked.program = None
        code, output = program.exit_code, kept.decode(errors="replace")
        if not in_time:
            code, output = TIMED_OUT, f"The check took more than {checked.check.timeout:g} s.\n{output}"
        elif code == KILLED and await _happens(checked.over, ENDING):
            return None
        return HealthProbe(started_at=started, finished_at=datetime.now(UTC), exit_code=code, output=output)


async def _keep(client: Client, kept: bytearray) -> None:
    """The beginning of what a probe writes; the rest is read, and dropped."""
    async for message in client:
        if isinstance(message, Output):
            kept += message.data[: OUTPUT - len(kept)]


async def _happens(event: asyncio.Event, within: float) -> bool:
    """Whether it does in so many seconds."""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
