"""What an action made the kernel do: the launch chart, of steps that the engine took. Imports launch_chart and text.

A step's `why` is its arguments cut short; in full they are below the chart.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text

from widgets.launch_chart import Call, LaunchChart
from widgets.text import nanoseconds


class StepChart(LaunchChart):
    """The steps of one action. It can show a launch as well: what the chart is of, `show` tells by the executor."""

    HEADS: ClassVar[tuple[str, str]] = ("STEP", "ARGUMENTS")
    ENDED: ClassVar[str] = "this is what the action failed by"

    answered: int | None = None
    """When the action was answered, in ns from its beginning; steps may come after that."""

    def _summary(self) -> Text:
        receipt = self._receipt
        assert receipt is not None
        if receipt.executor:
            return super()._summary()
        muted = self._style("chart--muted")
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{len(receipt.calls)} steps of the kernel in {nanoseconds(receipt.total)}", "bold")
        if self.answered is not None and (later := sum(call.start > self.answered for call in receipt.calls)):
            text.append(f" · {later} after the answer at {nanoseconds(self.answered)}", muted)
        for outcome, tail in (("failed", "failed"), ("allowed", "failed, and that was fine")):
            if count := sum(call.outcome == outcome for call in receipt.calls):
                text.append(f" · {count} {tail}", self._style(f"chart--{outcome}"))
        return text

    def _told(self, call: Call) -> Text:
        receipt = self._receipt
        if receipt is None or receipt.executor:
            return super()._told(call)
        muted = self._style("chart--muted")
        text = Text.assemble((call.name, "bold"), f"({call.arguments})", (f" = {call.result}", muted))
        if call.outcome == "failed":
            text.append(f" ({self.ENDED})", self._style("chart--failed"))
        text.append("\n").append(call.group, self._style(receipt.color(call.group)))
        return text.append(f" · at {nanoseconds(call.start)} for {nanoseconds(call.duration)}", muted)
