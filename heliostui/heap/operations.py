"""The operations of a playground as a list, the present step marked; long ones are fetched as they are looked at.

Posts which lines it lacks and which step was chosen. Imports the protocol's values and widgets' text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from engine.protocol.heap import PlaygroundOperation
from widgets.moves import PAGES, UP_AND_DOWN
from widgets.text import fit

AHEAD = 100
"""How many lines are fetched before and after those that are seen."""
NUMBER = 6  # cells of a line's number and mark


class Operations(Widget, can_focus=True):
    """Line 0 is the beginning; line n the nth operation. A cursor of its own looks around; Enter goes there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "operations--done",
        "operations--next",
        "operations--present",
        "operations--muted",
        "operations--bad",
        "operations--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *UP_AND_DOWN,
        *PAGES,
        Binding(
            "home", "edge(False)", "Beginning", show=False, id="operations.first", tooltip="To the first operation"
        ),
        Binding("end", "edge(True)", "End", show=False, id="operations.last", tooltip="To the last operation"),
        Binding("enter", "go", "Go there", tooltip="Go to the step under the cursor", id="operations.go"),
    ]
    ALLOW_SELECT = False

    cursor: reactive[int] = reactive(0)

    @dataclass
    class Lacking(Message):
        """These lines are wanted."""

        first: int
        limit: int

    @dataclass
    class Chosen(Message):
        """Go to this step."""

        step: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.step = self.steps = 0
        self._known: dict[int, PlaygroundOperation] = {}
        self._done: set[int] = set()  # of those, which were done when they were fetched
        self._asked = (0, 0)
        self._top = 0

    # --- what there is to see ---

    def show(self, step: int, steps: int, *, anew: bool) -> None:
        """Where the playground is. `anew`: its operations are others than before."""
        if anew:
            self._known.clear()
            self._done.clear()
            self._asked = (0, 0)
        self.step, self.steps = step, steps
        self.cursor = step
        self._look()

    def fill(self, operations: Sequence[PlaygroundOperation]) -> None:
        """Lines that were lacking."""
        numbers = {operation.number for operation in operations}
        self._known.update((operation.number, operation) for operation in operations)
        self._done = (self._done - numbers) | {number for number in numbers if number <= self.step}
        self._asked = (0, 0)
        self.refresh()

    def results(self) -> dict[str, str]:
        """What came of the operations that are known and done."""
        return {self._known[number].operation: self._known[number].result for number in self._done}

    def _look(self) -> None:
        """Have the cursor seen, and ask for what is not known of what is seen."""
        height = max(1, self.size.height)
        self._top = min(max(self._top, self.cursor - height + 1 + min(3, height // 4)), max(0, self.steps + 1 - height))
        self._top = max(0, min(self._top, self.cursor - min(3, height // 4)))
        first, last = max(1, self._top), min(self.steps, self._top + height - 1)
        if any(self._lacks(number) for number in range(first, last + 1)):
            wanted = (max(1, first - AHEAD), height + 2 * AHEAD)
            if wanted != self._asked:
                self._asked = wanted
                self.post_message(self.Lacking(*wanted))
        self.refresh()

    def _lacks(self, number: int) -> bool:
        """Whether a line is not known, or what came of its operation is not."""
        return number not in self._known or (number <= self.step and number not in self._done)

    def watch_cursor(self) -> None:
        self._look()

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 0), self.steps)

    def on_resize(self) -> None:
        self._look()

    # --- keys and clicks ---

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, by: int) -> None:
        self.cursor += by * max(1, self.size.height - 1)

    def action_edge(self, last: bool) -> None:
        self.cursor = self.steps if last else 0

    def action_go(self) -> None:
        self.post_message(self.Chosen(self.cursor))

    def on_click(self, event: events.Click) -> None:
        if event.y + self._top <= self.steps:
            self.cursor = event.y + self._top
            if event.chain == 2:
                self.action_go()

    def on_mouse_scroll_up(self) -> None:
        self.cursor -= 3

    def on_mouse_scroll_down(self) -> None:
        self.cursor += 3

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        number, width = y + self._top, self.size.width
        if number > self.steps:
            return Strip.blank(width, self.rich_style)
        name = "present" if number == self.step else "done" if number < self.step else "next"
        style = self.get_component_rich_style(f"operations--{name}")
        muted = self.get_component_rich_style("operations--muted")
        if number == self.cursor and self.has_focus:
            cursor = self.get_component_rich_style("operations--cursor")
            style, muted = style + cursor, muted + cursor
        mark = "▸" if number == self.step else " "
        known = self._known.get(number)
        words = "the beginning" if number == 0 else known.operation if known else ""
        result = known.result if known and number <= self.step else ""
        if result and not result.startswith("#"):
            muted = muted + self.get_component_rich_style("operations--bad", partial=True)
        room = width - NUMBER
        least = min(room, max(14, len(words) + 1))
        if len(result) > room - least:
            result = result.partition(" = ")[0]
        return Strip(
            [
                Segment(f"{mark}{number:>{NUMBER - 2}} ", muted),
                Segment(fit(words, least), style),
                Segment(fit(result, room - least), muted),
            ]
        )
