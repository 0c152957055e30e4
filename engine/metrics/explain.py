"""Where a number comes from: the files, what they said, the formula, and the formula with the numbers put in.

Imports the protocol.
"""

from __future__ import annotations

import math
import time

from engine.errors import EngineError
from engine.metrics.formula import Formula, plain
from engine.metrics.view import Files, View
from engine.metrics.watched import Watched
from engine.protocol import metrics
from engine.protocol.messages import ErrorCode, Explanation
from engine.protocol.metrics import METRICS, Metric, Source

MOST = 4096  # bytes of a file's text


def explain(watched: Watched, metric: Metric) -> Explanation:
    """Of the last two readings. EngineError(UNSUPPORTED) when this container doesn't have the metric."""
    found = watched.found(metric.name)
    if found is None:
        raise EngineError(
            ErrorCode.UNSUPPORTED, f"{metric.name} can't be had of {watched.program.name!r}: {_why(watched, metric)}."
        )
    files, view = found
    formula = view.source.formulas[metric.name]
    value = view.values.get(metric.name)
    return Explanation(
        metric=metric.name,
        unit=metric.unit,
        what=metric.what,
        sources=_sources(files, view, formula),
        formula=formula.text,
        arithmetic=_arithmetic(view, formula, value),
        value=value,
    )


def known(name: str) -> Metric:
    """EngineError(INVALID) for what is no metric, with what is near."""
    if (metric := METRICS.get(name)) is not None:
        return metric
    group = name.partition(".")[0]
    near = [other for other in METRICS if other.partition(".")[0] == group] or list(METRICS)
    raise EngineError(ErrorCode.INVALID, f"There is no metric {name!r}: there are {', '.join(near)}.")


def _arithmetic(view: View, formula: Formula, value: float | None) -> str:
    before, after = view.before, view.after
    if after is None:
        return "nothing has been read yet"
    if value is None:
        return _no_value(view, formula)
    earlier, seconds = ({}, 0.0) if before is None else (before.counters, after.time - before.time)
    left, right = formula.arithmetic(earlier, after.counters, seconds), plain(value)
    return right if left == right else f"{left} = {right}"


def _no_value(view: View, formula: Formula) -> str:
    assert view.after is not None
    for term in formula.terms:
        if term not in view.after.counters:
            return f"the files don't tell {term}"
    before = view.before
    told = ", ".join(f"{term} is {plain(view.after.counters[term])}" for term in formula.terms)
    if math.inf in (view.after.counters[term] for term in formula.terms):
        return f"{told}: there is no limit"
    if before is None:
        return f"{told}; it takes two readings"
    went_back = any(before.counters.get(term, 0) > view.after.counters[term] for term in formula.terms)
    return f"{told}: the counter went backwards" if went_back else f"{told}: there is no number"


def _sources(files: Files, view: View, formula: Formula) -> list[Source]:
    """The files that the formula's counters are in; all of the source's, when there are none."""
    paths = [file.path for file in files.files] or ["/proc/PID/stat, /proc/PID/fd, /proc/PID/task/TID/status"]
    chosen = [index for index in range(len(paths)) if _tells(view, index, formula)] or list(range(len(paths)))
    now, monotonic = time.time(), time.monotonic()

    def reading(which: str, index: int) -> metrics.Reading | None:
        one = view.before if which == "before" else view.after
        if one is None or (text := one.texts[index]) is None:
            return None
        return metrics.Reading(time=now - (monotonic - one.time), raw=text[:MOST].decode(errors="replace"))

    return [Source(path=paths[i], before=reading("before", i), after=reading("after", i)) for i in chosen]


def _tells(view: View, index: int, formula: Formula) -> bool:
    if not view.source.files or view.after is None or (text := view.after.texts[index]) is None:
        return False
    try:
        counters = view.source.files[index].parse(text)
    except ValueError:
        return False
    return any(term in counters for term in formula.terms)


_REASONS = {
    "network": "it shares the host's network, so that the numbers would be the host's",
    "pressure": "this host has no cgroup2, and only that measures it",
}


def _why(watched: Watched, metric: Metric) -> str:
    group = metric.name.partition(".")[0]
    if watched.program.machine:
        return "it is a container's"
    if watched.program.directories is None and group != "network":
        return "it has no cgroup"
    return _REASONS.get(group, f"its cgroup has no {group} controller")
