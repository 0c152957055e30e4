"""Fields for the limits of a new container: three at once, the others behind a key. Imports limits.words."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from engine.protocol.limits import Limits
from heliostui.limits.words import LimitValue, limits, parsed, words

# In rows of three: the limit, its label, and what is there without it.
FIRST = (("memory", "Memory", "no limit"), ("cpus", "CPUs", "no limit"), ("pids", "Processes", "no limit"))
MORE = (
    (
        ("memory_swap", "With swap", "twice"),
        ("memory_reservation", "Kept", "none"),
        ("memory_high", "Slowed at", "never"),
    ),
    (("cpuset_cpus", "On CPUs", "all"), ("cpu_weight", "Weight", "100"), ("io_weight", "On disks", "100")),
)


class LimitFields(Vertical):
    """All fields may be empty: then there is no limit."""

    def compose(self) -> ComposeResult:
        yield _row(FIRST)
        with Vertical(id="more-limits"):
            for fields in MORE:
                yield _row(fields)

    def on_mount(self) -> None:
        self.query_one("#more-limits").display = False

    def toggle(self) -> None:
        """Show all limits, or only the first again."""
        more = self.query_one("#more-limits")
        more.display = not more.display
        fields = more if more.display else self
        fields.query(Input).first().focus()

    def limits(self) -> Limits:
        """What was filled in. Raises ValueError with one sentence that names the field."""
        values: dict[str, LimitValue] = {}
        for field in self.query(Input):
            name, text = (field.id or "").removeprefix("limit-"), field.value.strip()
            if not text:
                continue
            try:
                values[name] = parsed(name, text)
            except ValueError as error:
                raise ValueError(f"{words(name).label}: {error}.") from None
        return limits(values)


def _row(fields: tuple[tuple[str, str, str], ...]) -> Horizontal:
    made: list[Label | Input] = []
    for place, (name, label, without) in enumerate(fields):
        made.append(Label(label, classes=f"field-label {('', '-second', '-third')[place]}"))
        made.append(Input(id=f"limit-{name}", compact=True, placeholder=without, tooltip=words(name).what))
    return Horizontal(*made, classes="field")
