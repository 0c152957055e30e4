"""What graphs are drawn from: curves of what is looked at, kept while the console is open, and what happened meanwhile.

`Feed` keeps it and knows no widgets; the coroutines bring it and run as workers. Imports link, charts and marks.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from msgspec import structs
from textual.message import Message

from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import Event, GetHistory, History, Stats, StreamEvents, StreamStats
from engine.protocol.metrics import METRICS, Sample, Series
from heliostui.graphs.charts import Chart
from heliostui.graphs.marks import LATE, WATCHED, Happening, from_curves, from_event, from_step, is_same
from heliostui.link import Link
from widgets.curve import SET_BACK, Curve

Post: TypeAlias = Callable[[Message], object]
MOST_KEPT = 32
"""Containers whose curves are kept; those that were not looked at for longest are forgotten."""
MOST_HAPPENINGS = 500
AGAIN = 1.0
"""Seconds between two attempts to reach an engine that is away."""


class Subject(NamedTuple):
    """What is looked at. `id`: of a container, or "" for the machine; `lives`: there is something to measure."""

    id: str
    name: str
    lives: bool = True


MACHINE = Subject("", "this machine")


@dataclass
class SamplesArrived(Message):
    """Samples of one moment; none, and why, when there are no next ones."""

    whose: StreamStats
    samples: Sequence[Sample]
    reason: str = ""
    ended: bool = False


@dataclass
class Remembered(Message):
    """What the engine remembers of one container."""

    container: str
    series: Sequence[Series]


@dataclass
class Happened(Message):
    """An event of the engine."""

    event: Event


async def bring_samples(link: Link, whose: StreamStats, post: Post) -> None:
    """Follow what is measured, on every host that has some of it."""
    groups = _by_host(link, whose.containers)
    reasons = await asyncio.gather(*(_bring_samples(link, whose, ids, post) for ids in groups))
    post(SamplesArrived(whose, (), next(filter(None, reasons), ""), ended=True))


async def _bring_samples(link: Link, whose: StreamStats, ids: list[str], post: Post) -> str:
    """Until there are no more; the result is why. An engine that is away is awaited."""
    while True:
        try:
            async with link.connection(ids[0] or None) as engine:
                async for reply in engine.stream(structs.replace(whose, containers=ids)):
                    if isinstance(reply, Stats) and reply.samples:
                        post(SamplesArrived(whose, reply.samples))
            return ""
        except RequestFailed as error:
            return error.message
        except ClientError:
            await asyncio.sleep(AGAIN)  # the banner says so already


def _by_host(link: Link, ids: Sequence[str]) -> list[list[str]]:
    """The ids of each host; the machine is the one that the first container is on."""
    groups: dict[str, list[str]] = {}
    first = next((id for id in ids if id), None)
    for id in ids:
        host = link.hosts.owner(id or first)
        groups.setdefault(host.key if host is not None else "", []).append(id)
    return [sorted(group, reverse=True) for group in groups.values()]


async def bring_history(link: Link, subjects: Iterable[Subject], metrics: Sequence[str], post: Post) -> None:
    """Fetch what is remembered; of a container that did not run lately there is nothing."""
    for subject in subjects:
        try:
            reply = await link.request(GetHistory(container=subject.id, metrics=list(metrics)), History)
        except ClientError:
            continue
        post(Remembered(subject.id, reply.series))


async def bring_events(link: Link, ids: Sequence[str], post: Post) -> None:
    """Follow what happens on the hosts of these containers."""
    await asyncio.gather(*(_bring_events(link, group[0], post) for group in _by_host(link, ids)))


async def _bring_events(link: Link, id: str, post: Post) -> None:
    while True:
        try:
            async with link.connection(id or None) as engine:
                async for reply in engine.stream(StreamEvents()):
                    if isinstance(reply, Event):
                        post(Happened(reply))
        except RequestFailed:
            return
        except ClientError:
            pass
        await asyncio.sleep(AGAIN)


@dataclass
class _Kept:
    """Of one container: its curves by metric, those of charts that put several together, and what happened."""

    curves: dict[str, Curve] = field(default_factory=dict)
    joint: dict[Chart, Curve] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    measured_at: float = 0.0
    """The time of the last sample."""
    written: dict[str, tuple[Happening, float | None]] = field(default_factory=dict)
    """Limits that were written and that no sample has shown yet, with what they were before."""

    def read(self, metric: str, sample: Sample) -> float | None:
        """Its value in a sample. Limits are read more rarely than the rest: a written one is known before."""
        value = sample.values.get(metric)
        if metric not in self.written:
            return value
        happening, before = self.written[metric]
        if value == before and sample.time - happening.time < LATE:
            return happening.value
        del self.written[metric]
        return value


class Feed:
    """The curves of all that was looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        """The time of the last sample: the engine's clock, which need not be ours and may be set back."""
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def _of(self, id: str) -> _Kept:
        if id not in self._kept:
            self._kept[id] = _Kept()
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(id)
        return self._kept[id]

    # --- what arrives ---

    def take(self, sample: Sample, metrics: Sequence[str]) -> None:
        """A sample of now. `metrics`: those that were asked for; what of these is not in it can't be had."""
        kept = self._of(sample.container)
        set_back = kept.measured_at - sample.time > SET_BACK
        self.now = sample.time if set_back else max(self.now, sample.time)
        kept.measured_at = sample.time
        for metric in metrics or METRICS:
            value = kept.read(metric, sample)
            curve = kept.curves.setdefault(metric, Curve())
            if metric in WATCHED and curve.last is not None and sample.time - curve.last[0] < 2.5:
                old = curve.last[1]
                if old != value and (seen := from_step(sample.time, metric, old, value)) is not None:
                    self._happened(kept, seen)
            curve.add(sample.time, value)
        for chart, curve in kept.joint.items():
            curve.add(sample.time, _joint(chart, [sample.values.get(part) for part in chart.parts]))

    def fill(self, container: str, series: Sequence[Series]) -> None:
        """What the engine remembers, in the places where nothing is known."""
        kept = self._of(container)
        for one in series:
            times = (one.start + n * one.step for n in range(len(one.values)))
            curve = kept.curves.setdefault(one.metric, Curve())
            curve.fill(zip(times, one.values, strict=True))
            if curve.last is not None:
                self.now = max(self.now, curve.last[0])
        kept.joint.clear()
        told = [each for each in kept.happenings if each.told]
        seen = [each for each in from_curves(kept.curves) if not any(is_same(event, each) for event in told)]
        kept.happenings = sorted([*told, *seen], key=lambda each: each.time)[-MOST_HAPPENINGS:]

    def happened(self, event: Event) -> None:
        """An event; of a limit that was written its line knows at once."""
        if event.container not in self._kept:
            return
        kept = self._kept[event.container]
        for happening in from_event(event):
            self._happened(kept, happening)
            self.now = max(self.now, happening.time)
            if happening.kind == "limit":
                metric = f"{happening.metric}.limit"
                curve = kept.curves.setdefault(metric, Curve())
                before = kept.written[metric][1] if metric in kept.written else curve.last and curve.last[1]
                kept.written[metric] = (happening, before)
                if curve.last is None or happening.time > curve.last[0]:  # else a sample has shown it
                    curve.add(happening.time, happening.value)

    def _happened(self, kept: _Kept, happening: Happening) -> None:
        if happening.told:
            kept.happenings = [each for each in kept.happenings if each.told or not is_same(happening, each)]
        elif any(is_same(event, happening) for event in kept.happenings):
            return
        insort(kept.happenings, happening, key=lambda each: each.time)
        del kept.happenings[:-MOST_HAPPENINGS]

    # --- what graphs ask for ---

    def curve(self, id: str, metric: str) -> Curve:
        """One metric of one container."""
        return self._of(id).curves.setdefault(metric, Curve())

    def joint(self, id: str, chart: Chart) -> Curve:
        """All parts of a chart as one curve."""
        if len(chart.parts) == 1:
            return self.curve(id, chart.parts[0])
        kept = self._of(id)
        if chart not in kept.joint:
            curves = [kept.curves.setdefault(part, Curve()) for part in chart.parts]
            kept.joint[chart] = Curve(
                (time, _joint(chart, [value, *(other.at(time) for other in curves[1:])]))
                for time, value in curves[0].samples()
            )
        return kept.joint[chart]

    def happenings(self, id: str, since: float = 0.0, until: float = float("inf")) -> list[Happening]:
        """What happened to one container, oldest first."""
        return [each for each in self._of(id).happenings if since <= each.time <= until]

    def first(self, ids: Iterable[str]) -> float:
        """The earliest time of which something is known."""
        firsts = [curve.first for id in ids for curve in self._of(id).curves.values()]
        return min((first for first in firsts if first is not None), default=self.now)


def _joint(chart: Chart, values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return max(known) if chart.largest else sum(known)
