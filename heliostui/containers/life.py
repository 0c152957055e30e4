"""The commands that act on the selected container, or on all that are marked. Imports actions, bulk and the dialogs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.client.errors import ClientError
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    ContainerSummary,
    ExitStatus,
    Images,
    ListImages,
    ListNetworks,
    Networks,
    RenameContainer,
    Reply,
    RunContainer,
    WaitContainer,
)
from engine.protocol.network import NetworkDetail
from heliostui.actions import Actions, asks
from heliostui.containers.bulk import (
    KILL,
    PAUSE,
    RESTART,
    RESUME,
    START,
    STOP,
    Verb,
    each_of,
    removal,
    signalling,
    summary,
)
from heliostui.containers.confirm import ConfirmLoss
from heliostui.containers.losses import Act, losses
from heliostui.containers.pane import ContainersPane
from heliostui.receipts.hint import failure
from heliostui.screens.dialog import Prompt
from heliostui.screens.new import Choices, NewContainer
from heliostui.screens.signals import SignalMenu

_STAYS: dict[Act, str] = {
    "stop": "What does not end by itself in ten seconds is killed. Files it has written stay.",
    "restart": "What does not end by itself in ten seconds is killed. Files it has written stay.",
    "kill": "A program that is killed can't save what it holds. Files it has written stay.",
    "remove": "Files changed inside and logs are lost. Images, named volumes and what is mounted from outside stay.",
}


class ContainerLife(Actions):
    """From its making to its removal."""

    @property
    def list_pane(self) -> ContainersPane:
        return self.query_one(ContainersPane)

    def await_container(self, id: str) -> None:
        """Select a container that was just made, and open it."""
        raise NotImplementedError

    # --- a new one ---

    @asks
    async def action_new(self) -> None:
        """Ask what it is to be, run it, and give its terminal the keys."""

        async def choices() -> Choices:
            images = await self.link.request(ListImages(), Images)
            return Choices(images.images, await self._known_networks())

        async def run(options: ContainerOptions) -> ContainerRef:
            return await self.link.request(RunContainer(options=options), ContainerRef)

        columns, lines = self.details.terminal_size
        made = await self.app.push_screen_wait(NewContainer(choices, run, columns, lines))
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

    # --- one, or all that are marked ---

    def action_start(self) -> None:
        self._carry_out(START)

    def action_pause(self) -> None:
        self._carry_out(PAUSE)

    def action_unpause(self) -> None:
        self._carry_out(RESUME)

    @asks
    async def action_stop(self) -> None:
        await self._unless_many("stop", STOP)

    @asks
    async def action_restart(self) -> None:
        await self._unless_many("restart", RESTART)

    @asks
    async def action_kill(self) -> None:
        await self._confirm("kill", KILL, KILL.possible(self.state.targets))

    @asks
    async def action_remove(self) -> None:
        await self._confirm("remove", removal(volumes=False), self.state.targets)

    @asks
    async def action_signal(self) -> None:
        targets = KILL.possible(self.state.targets)
        whom = targets[0].name if len(targets) == 1 else f"{len(targets)} containers"
        signal = await self.app.push_screen_wait(
            SignalMenu(whom, 1, "its first process" if len(targets) == 1 else whom)
        )
        if signal is not None:
            self._carry_out(signalling(signal), targets)

    async def _unless_many(self, act: Act, verb: Verb) -> None:
        """One is not asked about: it can be started again. A slip of the hand with many marked costs more."""
        targets = verb.possible(self.state.targets)
        if len(targets) == 1:
            self._carry_out(verb, targets)
        else:
            await self._confirm(act, verb, targets)

    async def _confirm(self, act: Act, verb: Verb, targets: Sequence[ContainerSummary]) -> None:
        """Say what each loses, and do it when that is agreed to."""
        lost = await losses(self.link, act, targets)
        whom = targets[0].name if len(targets) == 1 else f"{len(targets)} containers"
        agreed = await self.app.push_screen_wait(ConfirmLoss(f"{verb.label} {whom}?", lost, _STAYS[act], verb.label))
        if agreed is not None:
            self._carry_out(removal(volumes=agreed.volumes) if act == "remove" else verb, targets)

    def _carry_out(self, verb: Verb, targets: Sequence[ContainerSummary] | None = None) -> None:
        """Do it to these, or to those of the chosen for which it is possible."""
        chosen = verb.possible(self.state.targets) if targets is None else targets
        self.run_worker(self._carrying_out(verb, chosen), group="actions")

    async def _carrying_out(self, verb: Verb, targets: Sequence[ContainerSummary]) -> None:
        """The list says meanwhile what is being done; in the end all is said at once."""
        pane, left = self.list_pane, {each.id for each in targets}

        def progress() -> None:
            many = left and len(targets) > 1
            pane.progress(f"{verb.doing}: {len(targets) - len(left)} of {len(targets)}" if many else "")

        async def act(container: ContainerSummary) -> None:
            for request in verb.requests(container):
                await self.link.request(request, Reply)

        def told(container: ContainerSummary) -> None:
            left.discard(container.id)
            pane.table.done(container.id)
            progress()

        pane.table.begin(left, verb.doing)
        progress()
        try:
            errors = await each_of(targets, act, told)
        finally:
            for each in left:
                pane.table.done(each)
            pane.progress("")
        failures = [failure(self, error) if len(targets) == 1 else str(error) for error in errors]
        words = summary(verb, len(targets), failures)
        if words:
            self.notify(words, severity="error" if failures else "information", markup=False)

    # --- one ---

    @asks
    async def action_rename(self) -> None:
        container = self._selected
        name = await self.app.push_screen_wait(Prompt(f"Rename {container.name}", "New name", container.name))
        if name is not None and name != container.name:
            await self.ask(RenameContainer(container=container.id, name=name))

    def action_wait(self) -> None:
        """Tell when they have ended."""
        targets = STOP.possible(self.state.targets)
        names = ", ".join(each.name for each in targets) if len(targets) <= 3 else f"{len(targets)} containers"
        self.notify(f"You will be told when {names} has ended." if len(targets) == 1 else f"Waiting for {names}.")
        for each in targets:
            self.run_worker(self._wait(each), group="waits")

    async def _wait(self, container: ContainerSummary) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            ended = await self.link.request(WaitContainer(container=container.id), ExitStatus)
        except ClientError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        words = f"{container.name} has ended with status {ended.exit_code}, {loop.time() - begun:.0f} s later."
        self.notify(words, severity="warning" if ended.exit_code else "information", markup=False, timeout=30)
