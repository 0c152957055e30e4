"""Dialogs of the playground: a new one, another policy beside it, operations to do, one of those that are open.

Each does what was filled in before it closes, and says in itself what goes wrong. Imports heap.traces and the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Checkbox, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from engine.protocol.heap import HeapOptions, Playground, Policy
from heliostui.heap import traces
from heliostui.heap.traces import Trace
from heliostui.heap.words import POLICIES, POLICY_RULES, playground_words
from heliostui.screens.network_forms import Form, field, note
from widgets.dialog import Dialog

NOTHING, FILE = -1, -2
"""What is no number of a built-in trace."""


def option_fields(options: HeapOptions) -> Iterable[Widget]:
    """The fields of an allocator's options."""
    choices = [(f"{name}: {POLICY_RULES[policy]}", policy) for policy, name in POLICIES.items()]
    yield field("Policy", Select(choices, allow_blank=False, value=options.policy, compact=True, id="policy"))
    checks = field(
        "",
        Checkbox("slabs", options.slabs, id="slabs", compact=True, tooltip="Small sizes from slabs; else from blocks"),
        Checkbox("caches", options.cache, id="cache", compact=True, tooltip="What is freed stays with its thread"),
        Checkbox("check", options.check, id="check", compact=True, tooltip="Redzones, poison, who freed what"),
    )
    checks.add_class("checks")
    yield checks


def chosen_options(form: Form) -> HeapOptions:
    """What was filled in."""
    checked = {name: form.query_one(f"#{name}", Checkbox).value for name in ("slabs", "cache", "check")}
    return HeapOptions(policy=cast(Policy, form.query_one("#policy", Select).value), **checked)


def trace_fields(*, nothing: bool) -> Iterable[Widget]:
    """The fields that choose operations. `nothing`: there may be none."""
    choices = [(trace.name, number) for number, trace in enumerate(traces.BUILT_IN)]
    none = [("none: they are typed", NOTHING)] if nothing else []
    every = [*none, *choices, ("from a file", FILE)]
    yield field("Trace", Select(every, allow_blank=False, value=every[0][1], compact=True, id="trace"))
    yield Static(classes="field-note", id="trace-note", markup=False)
    yield field("File", Input(id="file", compact=True, placeholder="as heliostui heap record writes it"))


async def chosen_trace(form: Form) -> Trace:
    """The trace that was chosen. Raises OSError, and ValueError with a sentence."""
    chosen = form.query_one("#trace", Select).value
    if form.value("file"):
        return await asyncio.to_thread(traces.read, Path(form.value("file")))
    if chosen == FILE:
        raise ValueError("name the file that has the operations, one on each line, as in alloc 200 or free #1")
    return traces.BUILT_IN[cast(int, chosen)] if chosen != NOTHING else Trace("", "")


class _WithTrace(Form):
    """Says what a trace is about."""

    @on(Select.Changed, "#trace")
    def _describe(self, event: Select.Changed) -> None:
        number = cast(int, event.value)
        about = traces.BUILT_IN[number].about if number >= 0 else ""
        self.query_one("#trace-note", Static).update(about)


class NewPlayground(_WithTrace):
    """A heap of one's own."""

    VERB = "Open"

    def __init__(self, options: HeapOptions, open: Callable[[HeapOptions, Trace], Awaitable[object]]) -> None:
        super().__init__()
        self._options, self._open = options, open

    def heading(self) -> str:
        return "New playground"

    def fields(self) -> Iterable[Widget]:
        yield from option_fields(self._options)
        yield from trace_fields(nothing=True)

    async def act(self) -> bool:
        await self._open(chosen_options(self), await chosen_trace(self))
        return True


class Beside(Form):
    """The same operations with another policy."""

    VERB = "Open"

    def __init__(self, options: HeapOptions, open: Callable[[HeapOptions], Awaitable[object]]) -> None:
        super().__init__()
        self._options, self._open = options, open

    def heading(self) -> str:
        return "The same operations, beside it"

    def fields(self) -> Iterable[Widget]:
        yield from option_fields(self._options)
        yield note("Both do each step together, and their figures are compared. b again closes it.")

    async def act(self) -> bool:
        await self._open(chosen_options(self))
        return True


class TakeTrace(_WithTrace):
    """Operations in place of those that are there."""

    VERB = "Take"

    def __init__(self, take: Callable[[Trace], Awaitable[object]], there: int) -> None:
        super().__init__()
        self._take, self._there = take, there

    def heading(self) -> str:
        return "Take operations"

    def fields(self) -> Iterable[Widget]:
        yield from trace_fields(nothing=False)
        if self._there:
            yield note(f"The playground begins anew; its {self._there:,} operations are forgotten.")

    async def act(self) -> bool:
        await self._take(await chosen_trace(self))
        return True


class ChoosePlayground(Dialog[Playground | None]):
    """Those that are open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel", id="playground.choose-cancel", tooltip="Choose none of them")
    ]

    def __init__(self, playgrounds: Sequence[Playground], shown: str) -> None:
        super().__init__()
        self._playgrounds, self._shown = playgrounds, shown

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog choice") as dialog:
            dialog.border_title = "Open playgrounds"
            dialog.border_subtitle = "Enter · Escape cancels"
            yield OptionList(*(Option(Content(playground_words(each))) for each in self._playgrounds), compact=True)

    def on_mount(self) -> None:
        places = [place for place, each in enumerate(self._playgrounds) if each.id == self._shown]
        self.query_one(OptionList).highlighted = places[0] if places else 0

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._playgrounds[event.option_index])
