"""`heliostui explain`: where a number comes from: files, raw text, formula, and the formula with the numbers put in."""

from __future__ import annotations

import argparse
from datetime import datetime
from itertools import zip_longest

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import ExplainMetric, ExplainProcess, Explanation, GetStats, Stats
from engine.protocol.metrics import MACHINE, METRICS, Reading, Source
from engine.protocol.processes import FIGURES
from heliostui.commandline.document import document
from heliostui.commandline.failures import UsageError
from heliostui.commandline.figures import figure, with_unit
from heliostui.commandline.parser import add_format
from heliostui.commandline.table import GAP, printable, table


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)
    parser.add_argument("--host", action="store_true", help="of the machine itself, and so without CONTAINER")
    parser.add_argument(
        "-p", "--process", metavar="PID", type=int, help="a figure of one process of CONTAINER, by its pid as of `top`"
    )
    parser.add_argument(
        "words", nargs="*", metavar="CONTAINER [METRIC]", help="which one; without METRIC all are listed"
    )


def run(arguments: argparse.Namespace) -> int:
    container, metric = _what(arguments)
    with Connection.connect(places()) as engine:
        if metric is None:
            (sample,) = engine.request(GetStats(containers=[container]), Stats).samples
            print(document(sample) if arguments.format == "json" else listing(sample.values))
            return 0
        if arguments.process is None:
            explanation = engine.request(ExplainMetric(container=container, metric=metric), Explanation)
        else:
            of_process = ExplainProcess(container=container, pid=arguments.process, figure=metric)
            explanation = engine.request(of_process, Explanation)
    print(document(explanation) if arguments.format == "json" else text(explanation))
    return 0


def _what(arguments: argparse.Namespace) -> tuple[str, str | None]:
    """The container, or MACHINE, and the metric. Raises UsageError."""
    words = [MACHINE, *arguments.words] if arguments.host else arguments.words
    if not words:
        raise UsageError("CONTAINER is missing: name one, or say --host (see 'heliostui explain --help')")
    if arguments.process is not None and (arguments.host or len(words) == 1):
        raise UsageError(f"--process takes CONTAINER and a figure: one of {', '.join(FIGURES)}")
    if len(words) > 2:
        raise UsageError(f"unexpected {words[2]!r}: one metric is explained at a time (see 'heliostui explain --help')")
    return words[0], words[1] if len(words) == 2 else None


def listing(values: dict[str, float]) -> str:
    """All metrics, with what they are now."""
    rows = [(name, figure(name, values.get(name)), metric.what) for name, metric in METRICS.items()]
    return table(("METRIC", "NOW", "WHAT"), rows)


def text(explanation: Explanation) -> str:
    """One metric, from its value down to what the kernel said."""
    value = with_unit(explanation.value, explanation.unit)
    lines = [
        f"{explanation.metric} = {value}   {explanation.what}",
        "",
        f"  formula  {explanation.formula}",
        f"  now      {explanation.arithmetic}",
    ]
    for source in explanation.sources:
        lines += ["", printable(source.path), *(f"  {line}".rstrip() for line in readings(source))]
    return "\n".join(lines)


def readings(source: Source) -> list[str]:
    """The two texts side by side, lines that changed marked by a star."""
    before, after = _column(source.before), _column(source.after)
    width = max(len(line) for line in before)
    rows = list(zip_longest(before, after, fillvalue=""))
    marks = [" ", *("*" if left != right else " " for left, right in rows[1:])]
    return [f"{mark} {left:<{width}}{GAP}{right}" for mark, (left, right) in zip(marks, rows, strict=True)]


def _column(reading: Reading | None) -> list[str]:
    if reading is None:
        return ["(not read)"]
    time = datetime.fromtimestamp(reading.time).strftime("%H:%M:%S.%f")[:-3]
    return [time, *map(printable, reading.raw.expandtabs().splitlines())]
