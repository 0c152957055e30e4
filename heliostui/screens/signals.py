"""The menu of signals: every one the kernel has, by name or number, with what it does."""

from __future__ import annotations

import signal
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from widgets.dialog import Dialog
from widgets.text import printable

# From signal(7), in the order in which one wants them.
MEANINGS = {
    "TERM": "ends it; it may tidy up first",
    "INT": "ends it, as Ctrl-C does",
    "KILL": "ends it at once; can't be caught",
    "HUP": "its terminal is gone; daemons reread their files",
    "STOP": "stops it; can't be caught",
    "TSTP": "stops it, as Ctrl-Z does",
    "CONT": "lets it go on",
    "QUIT": "ends it with a core dump, as Ctrl-\\ does",
    "USR1": "what the program makes of it",
    "USR2": "what the program makes of it",
    "WINCH": "the terminal has another size",
    "TTIN": "stops it, as reading from the background does",
    "TTOU": "stops it, as writing from the background may",
    "ABRT": "ends it with a core dump: abort(3)",
    "ALRM": "a timer went off: alarm(2)",
    "BUS": "an address that memory has not",
    "CHLD": "a child has ended or stopped",
    "FPE": "arithmetic that is not possible",
    "ILL": "an instruction that is none",
    "IO": "a descriptor is ready",
    "PIPE": "nobody reads the pipe",
    "PROF": "the profiling timer went off",
    "PWR": "the power fails",
    "SEGV": "memory that is not its own",
    "STKFLT": "a coprocessor's stack; unused",
    "SYS": "a system call that is none",
    "TRAP": "a breakpoint",
    "URG": "urgent data on a socket",
    "VTALRM": "the timer of its own time went off",
    "XCPU": "more processor time than its limit",
    "XFSZ": "a file larger than its limit",
}


def signals() -> list[tuple[str, int, str]]:
    """Name, number and meaning of all signals: the usual ones first, the real-time ones last."""
    known = {name: signal.Signals.__members__.get(f"SIG{name}") for name in MEANINGS}
    named = [(name, known[name].value, words) for name, words in MEANINGS.items() if known[name]]  # type: ignore[union-attr]
    first, last = signal.SIGRTMIN, signal.SIGRTMAX
    realtime = [
        ("RTMIN" if n == first else "RTMAX" if n == last else f"RTMIN+{n - first}", n, "real-time")
        for n in range(first, last + 1)
    ]
    return named + realtime


class SignalMenu(Dialog[str | None]):
    """Asks for a signal; the answer is its name. What is typed narrows the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="signals.cancel", tooltip="Send none"),
        Binding("down", "move(1)", "Next", show=False, id="signals.next", tooltip="The next signal"),
        Binding("up", "move(-1)", "Previous", show=False, id="signals.previous", tooltip="The signal before"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"signal--name", "signal--words"}
    AUTO_FOCUS = "Input"

    def __init__(self, command: str, processes: int, whom: str = "") -> None:
        """`whom`: those that it is sent to, in words, where they are not the processes of a job."""
        super().__init__()
        self._command, self._processes, self._whom = command, processes, whom

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="signals") as dialog:
            whom = "its process" if self._processes == 1 else f"all {self._processes} of its processes"
            whom = self._whom or whom
            dialog.border_title = Content(f"Signal {printable(self._command)}")
            dialog.border_subtitle = f"Enter sends it to {whom} · Escape cancels"
            yield Input(placeholder="name or number", compact=True)
            yield OptionList(compact=True)

    def on_mount(self) -> None:
        self._list("")

    @property
    def _options(self) -> OptionList:
        return self.query_one(OptionList)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, wanted: str) -> None:
        """The signals that begin so, or have that number; then those that contain it."""
        wanted = wanted.strip().upper().removeprefix("SIG")
        found = [each for each in signals() if wanted in each[0] or str(each[1]).startswith(wanted)]
        found.sort(key=lambda each: not (each[0].startswith(wanted) or str(each[1]) == wanted))
        self._options.clear_options()
        self._options.add_options(Option(self._line(*each), id=each[0]) for each in found)
        self._options.highlighted = 0 if found else None

    def _line(self, name: str, number: int, words: str) -> Table:
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=10)
        line.add_column(width=3, justify="right")
        line.add_column()
        muted = self.get_component_rich_style("signal--words", partial=True)
        line.add_row(
            Text(name, self.get_component_rich_style("signal--name", partial=True)), str(number), Text(words, muted)
        )
        return line

    def action_move(self, by: int) -> None:
        if self._options.option_count:
            self._options.highlighted = ((self._options.highlighted or 0) + by) % self._options.option_count

    @on(Input.Submitted)
    def _submitted(self) -> None:
        option = self._options.highlighted_option
        if option is not None:
            self.dismiss(option.id)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_cancel(self) -> None:
        self.dismiss(None)
