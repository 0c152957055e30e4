"""The commands of the main screen that are about networks. Imports actions, capture, tasks and the map."""

from __future__ import annotations

from textual import work

from heliostui.actions import Actions, asks
from heliostui.network.capture import Captures
from heliostui.network.tasks import NetworkTasks, Whom
from heliostui.screens.explain import ExplainThing
from heliostui.screens.network_map import MapScreen


class NetworkActions(Actions):
    """The commands of the key map that are about networks."""

    captures: Captures

    @property
    def tasks(self) -> NetworkTasks:
        return NetworkTasks(self, self.link)

    @property
    def _whom(self) -> Whom:
        return Whom(self._selected.id, self._selected.name)

    def go_to_container(self, id: str) -> None:
        """Select it, and show its network."""
        raise NotImplementedError

    @asks
    async def action_publish(self) -> None:
        await self.tasks.publish(self._whom)

    @asks
    async def action_connect(self) -> None:
        await self.tasks.connect(self._whom, list(self._selected.networks))

    @asks
    async def action_capture(self) -> None:
        await self.captures.toggle(self._whom)

    @asks
    async def action_take_back(self) -> None:
        """Take back the port under the cursor, or leave the network under it."""
        pane = self.details.network
        if pane.port is not None:
            await self.tasks.unpublish(self._whom, *pane.port)
        elif pane.endpoint is not None:
            await self.tasks.disconnect(self._whom, [pane.endpoint.network])

    @work(group="actions")
    async def action_map(self) -> None:
        """Show the networks of the machine; what the details follow rests meanwhile."""
        self.details.rest()
        chosen = await self.app.push_screen_wait(MapScreen(self.link, self.state, self.captures))
        self.details.reconnect()
        if chosen is not None:
            self.go_to_container(chosen)

    def explain_thing(self) -> None:
        """Say what the line of the Network pane under the cursor means, or where the heap's figures come from."""
        told = self.details.told
        if told is not None:
            self.app.push_screen(ExplainThing(told))
