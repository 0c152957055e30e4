"""What is done to networks from a screen: ports are published, networks made, joined, left and removed.

Serves the main screen and the map alike. Imports link, words and the dialogs.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, NamedTuple

from textual.app import App
from textual.screen import Screen

from engine.client.errors import ClientError
from engine.protocol.messages import (
    ConnectNetwork,
    CreateNetwork,
    DisconnectNetwork,
    Done,
    ListNetworks,
    Networks,
    Ports,
    PruneNetworks,
    PublishPort,
    RemoveNetwork,
    UnpublishPort,
)
from engine.protocol.network import NetworkDetail, NetworkOption, PortOption, Protocol
from heliostui.link import Link
from heliostui.network.words import ports
from heliostui.screens.dialog import Confirm
from heliostui.screens.network_forms import ConnectForm, DisconnectForm, NetworkForm, PublishForm


class Whom(NamedTuple):
    """A container that something is done to."""

    id: str
    name: str


class NetworkTasks:
    """What can be done to networks from a screen. Its coroutines run in workers; what goes wrong is told there."""

    def __init__(self, screen: Screen[Any], link: Link) -> None:
        self._screen, self._link = screen, link

    @property
    def _app(self) -> App[Any]:
        return self._screen.app

    def _tell(self, words: str, *, wrong: bool = False) -> None:
        self._screen.notify(words, severity="error" if wrong else "information", markup=False)

    async def networks(self) -> list[NetworkDetail]:
        """All there are; none where that can't be told, which is said."""
        try:
            return (await self._link.request(ListNetworks(), Networks)).networks
        except ClientError as error:
            self._tell(str(error), wrong=True)
            return []

    async def publish(self, whom: Whom) -> None:
        async def run(option: PortOption) -> None:
            reply = await self._link.request(PublishPort(container=whom.id, port=option), Ports)
            made = ", ".join(f"{host} leads to {whom.name}:{port}" for host, port in ports(reply.ports))
            self._tell(f"{made}." if made else f"It is published when {whom.name} starts.")

        await self._app.push_screen_wait(PublishForm(whom.name, run))

    async def unpublish(self, whom: Whom, port: int, protocol: Protocol) -> None:
        text = f"{port}/{protocol}"
        consequence = f"Whoever reaches {text} of {whom.name} by a port of this host does not any more."
        if await self._app.push_screen_wait(Confirm(f"Take back port {text}?", consequence, "Take back")):
            await self._do(self._link.request(UnpublishPort(container=whom.id, port=port, protocol=protocol), Ports))

    async def connect(self, whom: Whom, beside: list[str], chosen: str | None = None) -> None:
        """`beside`: the networks that it is in already."""
        others = [network for network in await self.networks() if network.name not in beside]
        if not others:
            self._tell(f"{whom.name} is in every network there is: N shows them, and n there makes another.")
            return

        async def run(option: NetworkOption) -> None:
            await self._link.request(ConnectNetwork(network=option, container=whom.id), Done)

        known = chosen if any(network.name == chosen for network in others) else None
        await self._app.push_screen_wait(ConnectForm(whom.name, others, run, known))

    async def disconnect(self, whom: Whom, networks: list[str]) -> None:
        if not networks:
            self._tell(f"{whom.name} is in no network.")
            return

        async def run(network: str) -> None:
            await self._link.request(DisconnectNetwork(network=network, container=whom.id), Done)

        await self._app.push_screen_wait(DisconnectForm(whom.name, networks, run))

    async def create(self) -> None:
        async def run(request: CreateNetwork) -> None:
            await self._link.request(request, Networks)

        await self._app.push_screen_wait(NetworkForm(run))

    async def remove(self, network: str) -> None:
        consequence = "Its bridge and its addresses are given back. That is refused while containers ask for it."
        if await self._app.push_screen_wait(Confirm(f"Remove the network {network}?", consequence, "Remove")):
            await self._do(self._link.request(RemoveNetwork(network=network), Done))

    async def prune(self) -> None:
        consequence = "All networks that no container asks for are removed."
        if await self._app.push_screen_wait(Confirm("Remove unused networks?", consequence, "Remove")):
            try:
                removed = (await self._link.request(PruneNetworks(), Networks)).networks
            except ClientError as error:
                self._tell(str(error), wrong=True)
            else:
                names = ", ".join(network.name for network in removed)
                self._tell(f"Removed {names}." if names else "Every network is asked for by a container.")

    async def _do(self, asked: Awaitable[object]) -> None:
        try:
            await asked
        except ClientError as error:
            self._tell(str(error), wrong=True)
