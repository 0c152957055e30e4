"""What all commands of the main screen share, and those of the console itself. Imports link, state and small screens.

What is done to containers is in `heliostui.containers`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual import work

from engine.client.errors import ClientError
from engine.protocol.messages import ContainerSummary, ExplainMetric, Explanation, Reply, Request
from heliostui.details import Details
from heliostui.link import Link
from heliostui.receipts.hint import failure
from heliostui.screens.explain import Explain
from heliostui.screens.help import Help, sections_here
from heliostui.state import State
from heliostui.themes import other_shade
from widgets.quick_screen import QuickScreen

P = ParamSpec("P")
S = TypeVar("S", bound="Actions")


def asks(
    question: Callable[Concatenate[S, P], Coroutine[Any, Any, None]],
) -> Callable[Concatenate[S, P], None]:
    """Makes a command of a coroutine that opens a dialog. While one is on its way no other is opened: a key that is
    pressed twice asks once."""

    def command(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
        if not self._asking:
            self._asking = True
            self.run_worker(ask(self, *args, **kwargs), group="actions")

    async def ask(self: S, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await question(self, *args, **kwargs)
        finally:
            self._asking = False

    command.__doc__ = question.__doc__
    return command


class Actions(QuickScreen[None]):
    """What all commands share: the state they look at, and how the engine is asked."""

    state: State
    link: Link
    _asking = False
    """Whether a command asks something, or is about to."""

    @property
    def details(self) -> Details:
        return self.query_one(Details)

    @property
    def _selected(self) -> ContainerSummary:
        container = self.state.selected
        assert container is not None  # `possible` has seen to it
        return container

    def rest_regions(self) -> None:
        """Another screen is over this one: follow nothing."""
        raise NotImplementedError

    def resume_regions(self) -> None:
        """This screen is seen again, or the engine is back."""
        raise NotImplementedError

    # --- asking the engine ---

    async def ask(self, *requests: Request) -> bool:
        """Send requests one after the other; what goes wrong is told as the engine said it. Whether all was done."""
        try:
            for request in requests:
                await self.link.request(request, Reply)
        except ClientError as error:
            self.notify(failure(self, error), severity="error", markup=False)
            return False
        return True


class ConsoleActions(Actions):
    """The commands of the key map that act on the console, and what explains numbers."""

    def explain_thing(self) -> None:
        """Say what the line of the Network pane under the cursor means, or where the heap's figures come from."""
        raise NotImplementedError

    # --- numbers ---

    @work(group="actions", exclusive=True)
    async def action_explain(self) -> None:
        """Show where the number under the cursor comes from, or what the line of the network means."""
        if self.details.told is not None:
            self.explain_thing()
            return
        container, metric = self._selected, self.details.metric
        if metric is None:
            return
        try:
            told = await self.link.request(ExplainMetric(container=container.id, metric=metric), Explanation)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(Explain(container.name, told))

    # --- the console ---

    def action_start_engine(self) -> None:
        self.link.start_engine()

    def action_quit(self) -> None:
        """Leave; say what goes on without us."""
        counts = ((self.state.running, "container"), (len(self.state.terminals), "terminal"))
        told = [f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count]
        goes = "goes" if sum(count for count, _ in counts) == 1 else "go"
        self.app.exit(message=f"{' and '.join(told)} {goes} on; `heliostui` brings you back." if told else None)

    def action_toggle_theme(self) -> None:
        self.app.theme = other_shade(self.app.current_theme)

    def action_themes(self) -> None:
        self.app.search_themes()

    @property
    def where(self) -> str:
        """Where the focus is, as a path."""
        raise NotImplementedError

    def action_help(self) -> None:
        self.app.push_screen(Help(sections_here(self, self.where)))

    def action_palette(self) -> None:
        self.app.action_command_palette()
