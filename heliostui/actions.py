"""What the console does to containers: asks where something would be lost, asks the engine, tells what went wrong.

Imports keymap, link, state and the dialogs; the main screen inherits from it.
"""

from __future__ import annotations

from textual import work

from engine.client.errors import ClientError
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    ContainerSummary,
    ExplainMetric,
    Explanation,
    Images,
    KillContainer,
    ListImages,
    ListNetworks,
    Networks,
    PauseContainer,
    RemoveContainer,
    RenameContainer,
    Reply,
    Request,
    RunContainer,
    StartContainer,
    Status,
    StopContainer,
    UnpauseContainer,
)
from engine.protocol.network import NetworkDetail
from heliostui.details import LIVE, Details
from heliostui.link import Link
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.explain import Explain
from heliostui.screens.help import Help
from heliostui.screens.new import NewContainer
from heliostui.state import State
from heliostui.themes import other_shade
from widgets.quick_screen import QuickScreen


class Actions(QuickScreen[None]):
    """What all commands share: the state they look at, and how the engine is asked."""

    state: State
    link: Link

    @property
    def details(self) -> Details:
        return self.query_one(Details)

    @property
    def _selected(self) -> ContainerSummary:
        container = self.state.selected
        assert container is not None  # `possible` has seen to it
        return container

    # --- asking the engine ---

    async def ask(self, *requests: Request) -> bool:
        """Send requests one after the other; what goes wrong is told as the engine said it. Whether all was done."""
        try:
            for request in requests:
                await self.link.request(request, Reply)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return False
        return True

    def _act(self, *requests: Request) -> None:
        self.run_worker(self.ask(*requests), group="actions")


class ContainerActions(Actions):
    """The commands of the key map that act on the selected container, and on the console."""

    def await_container(self, id: str) -> None:
        """Select a container that was just made, and open it."""
        raise NotImplementedError

    def explain_thing(self) -> None:
        """Say what the line of the Network pane under the cursor means, or where the heap's figures come from."""
        raise NotImplementedError

    # --- life ---

    @work(group="actions")
    async def action_new(self) -> None:
        """Ask what it is to be, run it, and give its terminal the keys."""
        try:
            images = await self.link.request(ListImages(), Images)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return

        async def run(options: ContainerOptions) -> ContainerRef:
            return await self.link.request(RunContainer(options=options), ContainerRef)

        columns, lines = self.details.terminal_size
        dialog = NewContainer(images.images, run, columns, lines, await self._known_networks())
        made = await self.app.push_screen_wait(dialog)
        if made is not None:
            for warning in made.warnings:
                self.notify(warning, severity="warning", markup=False)
            self.await_container(made.id)

    async def _known_networks(self) -> list[NetworkDetail]:
        """Those to choose from; a container can be made without knowing them."""
        try:
            return (await self.link.request(ListNetworks(), Networks)).networks
        except ClientError:
            return []

    def action_first(self) -> None:
        self.action_new()

    def action_open(self) -> None:
        self.details.open()

    def action_start(self) -> None:
        self._act(StartContainer(container=self._selected.id))

    def action_stop(self) -> None:
        self._act(StopContainer(container=self._selected.id))

    def action_restart(self) -> None:
        self._act(StopContainer(container=self._selected.id), StartContainer(container=self._selected.id))

    def action_pause(self) -> None:
        self._act(PauseContainer(container=self._selected.id))

    def action_unpause(self) -> None:
        self._act(UnpauseContainer(container=self._selected.id))

    @work(group="actions")
    async def action_kill(self) -> None:
        container = self._selected
        consequence = "Its program gets no chance to save what it holds. Files it has written stay."
        if await self.app.push_screen_wait(Confirm(f"Kill {container.name}?", consequence, "Kill")):
            await self.ask(KillContainer(container=container.id))

    @work(group="actions")
    async def action_remove(self) -> None:
        container = self._selected
        live = container.status in (*LIVE, Status.RESTARTING)
        consequence = "Files it has changed and everything it has written to its log are lost."
        if live:
            consequence = f"It is {container.status.value}: its program is killed. {consequence}"
        if await self.app.push_screen_wait(Confirm(f"Remove {container.name}?", consequence, "Remove")):
            await self.ask(RemoveContainer(container=container.id, force=live))

    @work(group="actions")
    async def action_rename(self) -> None:
        container = self._selected
        name = await self.app.push_screen_wait(Prompt(f"Rename {container.name}", "New name", container.name))
        if name is not None and name != container.name:
            await self.ask(RenameContainer(container=container.id, name=name))

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

    def action_help(self) -> None:
        self.app.push_screen(Help())

    def action_palette(self) -> None:
        self.app.action_command_palette()
