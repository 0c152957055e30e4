"""One receipt on the whole screen: the command line, and the steps of the kernel on a line of time.

Imports receipts and the chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from engine.client.aio import Connection
from engine.client.errors import ClientError, RequestFailed
from engine.protocol.messages import GetLaunch, Launch
from engine.protocol.receipts import Receipt, ReceiptStep
from heliostui.hosts.host import Host
from heliostui.receipts.command_line import text, to_run
from heliostui.receipts.follow import ReceiptsArrived, fetch
from heliostui.receipts.rows import chart, sentence
from heliostui.state import receipt as launch_chart
from widgets.key_line import KeyLine
from widgets.launch_chart import Calls
from widgets.quick_screen import QuickScreen
from widgets.step_chart import StepChart
from widgets.text import printable

NO_STEPS = "It asked nothing of the kernel."
ENGINE_ENDED = " · its engine has ended since"


class ReceiptScreen(QuickScreen[None]):
    """A receipt of a host's engine. New steps appear while it is looked at."""

    AUTO_FOCUS = "Calls"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,left,f2", "close", "Back", key_display="esc", id="receipt.close", tooltip="Back to the receipts"
        ),
        Binding("y", "copy", "Copy", id="receipt.copy", tooltip="Copy the command line"),
        Binding("L", "launch", "Launch", id="receipt.launch", tooltip="The launch call by call, or the steps again"),
        Binding("question_mark,f1", "help", "Help", key_display="?", id="receipt.help", tooltip="All keys"),
    ]

    def __init__(self, host: Host, receipt: Receipt) -> None:
        super().__init__()
        self._host, self._receipt = host, receipt
        self._steps: Sequence[ReceiptStep] | None = None
        self._shows_launch = False
        self._engine_ended = False
        self.chart = StepChart(id="receipt-chart")

    def compose(self) -> ComposeResult:
        yield Static(id="receipt-title", markup=False)
        yield Static(id="receipt-command", markup=False)
        yield Static(id="receipt-sentence", markup=False)
        yield self.chart
        yield KeyLine()

    def on_mount(self) -> None:
        self._describe()
        self._fetch()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._receipt.launched if action == "launch" else True

    def look_again(self, event: ReceiptsArrived) -> None:
        """These receipts are not what they were, or another engine is there, which knows nothing of this one."""
        if event.host is not self._host:
            return
        if event.engine != self._receipt.engine:
            self._engine_ended = True
            self._describe()
        elif any(each.number == self._receipt.number for each in event.receipts):
            self._fetch()

    @work(group="receipt", exclusive=True)
    async def _fetch(self) -> None:
        try:
            shown = await fetch(self._host, self._receipt)
        except ClientError as error:
            if self._steps is None:  # else it stays what it was
                self.chart.show(None, str(error))
            return
        self._receipt = shown.receipt
        self._describe()
        self.refresh_bindings()
        if self._steps != shown.steps and not self._shows_launch:
            self._steps = shown.steps
            self._show_steps()

    def _describe(self) -> None:
        receipt = self._receipt
        self.query_one("#receipt-title", Static).update(f" receipt {receipt.number} ")
        self.query_one("#receipt-command", Static).update(f"$ {printable(text(receipt))}")
        line = self.query_one("#receipt-sentence", Static)
        line.update(sentence(receipt) + (ENGINE_ENDED if self._engine_ended else ""))
        line.set_class(receipt.outcome == "failed", "-failed")

    def _show_steps(self) -> None:
        self.chart.answered = self._receipt.duration
        if self._steps:
            self.chart.show(chart(self._receipt, self._steps))
        else:
            self.chart.show(None, NO_STEPS)

    @work(group="receipt", exclusive=True)
    async def action_launch(self) -> None:
        """The launch that was part of it, unless the container has been started anew since."""
        self._shows_launch = not self._shows_launch
        if not self._shows_launch:
            self._show_steps()
            return
        container = self._receipt.container or ""
        try:
            async with await Connection.open(self._host.places, start=False) as engine:
                launch = await engine.request(GetLaunch(container=container), Launch)
        except RequestFailed:
            self.chart.show(None, "The container is gone, and the receipt of its launch with it. L shows the steps.")
            return
        except ClientError as error:
            self.chart.show(None, str(error))
            return
        if self._is_ours(launch):
            self.chart.show(launch_chart(launch))
        else:
            self.chart.show(None, "The container has been started anew since: only the last launch is kept.")

    def _is_ours(self, launch: Launch) -> bool:
        lasted = (launch.started_at - self._receipt.time).total_seconds()
        return 0 <= lasted <= (self._receipt.duration or 0) / 1e9 + 1

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(to_run(self._receipt))
        self.notify("The command line was copied.", timeout=2)

    def action_help(self) -> None:
        from heliostui.screens.help import Help

        self.app.push_screen(Help())

    def action_close(self) -> None:
        self.dismiss(None)

    @property
    def calls(self) -> Calls:
        """The rows of the chart."""
        return self.query_one(Calls)
