"""What the console does about its hosts: says which are there, connects to more, lets go of them.

Imports the same as actions, and the places; the main screen inherits from it.
"""

from __future__ import annotations

from dataclasses import replace

from textual import on, work
from textual.widgets import Static

from engine.client.address import SCHEME, parse
from engine.client.errors import EngineUnreachable
from engine.places import LOCAL
from engine.protocol.messages import Role
from heliostui.actions import Actions
from heliostui.hosts.host import Host
from heliostui.messages import EngineDown, EngineUp
from heliostui.presence.read_only import is_confined
from heliostui.screens.dialog import Confirm, Prompt
from heliostui.screens.network_map import MapScreen
from widgets import container_table


class HostActions(Actions):
    """The hosts and their engines."""

    def show_status(self) -> None:
        """Show how the engine is."""
        raise NotImplementedError

    def show_hosts(self) -> None:
        """Show the hosts as groups of the list."""
        raise NotImplementedError

    @property
    def groups(self) -> list[container_table.Host]:
        """The headings of the list; none where there is one host."""
        hosts = self.link.hosts
        if len(hosts) == 1:
            return []
        return [
            container_table.Host(host.key, host.name, host.state, connected=host.info is not None, role=host.role)
            for host in hosts
        ]

    def group_of(self, container: str) -> str:
        """The key of a container's group."""
        host = self.link.hosts.owner(container) if len(self.link.hosts) > 1 else None
        return host.key if host is not None else ""

    # --- there or away ---

    @on(EngineUp)
    def _engine_up(self, event: EngineUp) -> None:
        self._hosts_changed()
        if event.host != self.link.here.key:
            return
        for screen in self.app.screen_stack[1:]:  # those over this one look at it anew, too
            if isinstance(screen, MapScreen):
                screen.follow()
            else:
                screen.post_message(EngineUp(event.info, event.host))

    @on(EngineDown)
    def _engine_down(self) -> None:
        self._hosts_changed()

    def _hosts_changed(self) -> None:
        self.look_here()
        banner, words = self.query_one("#banner", Static), self._complaint()
        if words and words != str(banner.content):
            banner.update(words)
        banner.set_class(bool(words), "-shown")
        self.show_status()
        if len(self.link.hosts) > 1:
            self.show_hosts()

    def look_here(self) -> None:
        """What is known of the engine is that of the selected container's."""
        here = self.link.here
        self.state.info, self.state.engine_ended = here.info, any(host.ended for host in self.link.hosts)
        self.details.limits.table.changeable = here.info is not None and here.info.role is Role.OPERATOR

    def _complaint(self) -> str:
        """Why an engine is away, one of several by its name."""
        away: list[Host] = [host for host in self.link.hosts if host.info is None and host.reason]
        if not away:
            return ""
        host = away[0]
        several = len(self.link.hosts) > 1
        name = f"{host.name}: " if several and host.name not in host.reason else ""
        more = f" ({len(away) - 1} more are away.)" if len(away) > 1 else ""
        if host.ended:
            return f"{name}The engine was ended. Enter starts it again.{more}"
        return f"{name}{host.reason} Containers go on. Reconnecting…{more}"

    # --- more and fewer ---

    @work(group="actions")
    async def action_connect_host(self) -> None:
        """Ask for an address and follow the engine there."""
        if is_confined(self.app):  # ssh is a program, and would go wherever this machine may
            self.notify("This console may go to no other machine.", severity="warning")
            return
        dialog = Prompt("Connect to a host", "Address", placeholder=f"{SCHEME}user@host, or {LOCAL}")
        address = await self.app.push_screen_wait(dialog)
        if address is None:
            return
        address = address if address == LOCAL or "://" in address else SCHEME + address
        try:
            if address != LOCAL:
                parse(address)
        except EngineUnreachable as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if not self.link.connect(replace(self.link.here.places, host=None if address == LOCAL else address)):
            self.notify(f"{address} is shown already.", markup=False)
        self._hosts_changed()

    @work(group="actions")
    async def action_disconnect_host(self) -> None:
        """Let go of the host of the selected container."""
        here = self.link.here
        consequence = "Its containers leave this list. What runs there goes on."
        if await self.app.push_screen_wait(Confirm(f"Disconnect from {here.name}?", consequence, "Disconnect")):
            await self.link.disconnect(here.key)
            self._hosts_changed()
