"""The map of the machine's networks, on the whole screen, live; what is done to networks from there.

Owns the stream of maps, which ends with the screen. Imports link, state, capture, network.tasks and widgets.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from engine.protocol.messages import NetworkMap as MapReply
from engine.protocol.messages import Role
from heliostui.link import Link
from heliostui.messages import MapArrived
from heliostui.network.capture import Captures
from heliostui.network.explain import host_explained, network_explained
from heliostui.network.tasks import NetworkTasks, Whom
from heliostui.network.words import about, flows, network_map
from heliostui.screens.explain import ExplainThing
from heliostui.state import State
from widgets.key_line import KeyLine
from widgets.later import Later
from widgets.network import MapContainer, MapNetwork
from widgets.network_map import NetworkMapView
from widgets.quick_screen import QuickScreen

NOBODY = "No container is running. Escape goes back, n there makes one."


class MapScreen(QuickScreen[str | None]):
    """The map. Answers with the id of the container that was gone to, or None."""

    AUTO_FOCUS = "NetworkMapView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,N,0", "close", "Back", key_display="esc", tooltip="Back to the containers", id="map.close"),
        Binding("enter", "go", "Go", tooltip="Go to the container", id="map.go"),
        Binding("P", "publish", "Publish", tooltip="Publish a port of the container", id="map.publish"),
        Binding("C", "connect", "Connect", tooltip="Connect the container to a network", id="map.connect"),
        Binding("u", "leave", "Leave", tooltip="Take the container out of a network", id="map.leave"),
        Binding("c", "capture", "Capture", tooltip="Capture its traffic to a file, or end that", id="map.capture"),
        Binding("d,delete", "remove", "Remove", tooltip="Remove the network", id="map.remove"),
        Binding(
            "x", "explain", "Explain", tooltip="What a network is made of, and what the host does", id="map.explain"
        ),
        Binding("n", "create", "New", tooltip="Make a network", id="map.create"),
        Binding(
            "D",
            "prune",
            "Remove unused",
            show=False,
            tooltip="Remove all networks that no container asks for",
            id="map.prune",
        ),
        Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="All keys", id="map.help"),
    ]

    def __init__(self, link: Link, state: State, captures: Captures) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
        self._link, self._state, self._captures = link, state, captures
        self._tasks = NetworkTasks(self, link)
        self._before: MapReply | None = None
        self.view = NetworkMapView()

    def compose(self) -> ComposeResult:
        with Horizontal(id="map-top"):
            yield Static(" networks ", id="map-title")
            yield Static(id="map-status")
            yield Static(id="map-legend")
        yield Static(id="map-note", markup=False)
        yield self.view
        yield Static(id="map-what", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        self.query_one("#map-legend", Static).update(self.view.legend())
        self._note("")
        self.follow()

    def follow(self) -> None:
        """Follow the engine's networks, anew where it was away."""
        self._before = None
        self.run_worker(Later(self._link.network_map, self.post_message), group="map", exclusive=True)

    @on(MapArrived)
    def _arrived(self, event: MapArrived) -> None:
        if event.map is None:
            self._note(event.reason)
            return
        networks = network_map(event.map)
        self.view.show(networks, flows(self._before, event.map))
        first, self._before = self._before is None, event.map
        if first:
            self.refresh_bindings()
        self._note(networks.reason or ("" if networks.containers else NOBODY))
        self._status()

    def _note(self, words: str) -> None:
        note = self.query_one("#map-note", Static)
        if words != str(note.content):
            note.update(words)
        note.display = bool(words)

    def _status(self) -> None:
        networks, captured = self.view.networks, self._captures.words()
        counts = ((len(networks.networks), "network"), (len(networks.containers), "container"))
        words = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)
        if self.has_class("-narrow"):
            words = ""
            self.query_one("#map-legend").display = not captured
        status = self.query_one("#map-status", Static)
        text = Text.assemble(words, f"  {captured}" if captured else "", no_wrap=True)
        if str(text) != str(status.content):
            status.update(text)

    @on(NetworkMapView.Highlighted)
    def _highlighted(self) -> None:
        what, note = about(self.view.selected, self.view.networks)
        self.query_one("#map-what", Static).update(f" {what}\n {note}")
        self.refresh_bindings()

    # --- what is possible ---

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        selected, info = self.view.selected, self._state.info
        may = info is not None and info.role is Role.OPERATOR
        match action:
            case "go":
                return isinstance(selected, MapContainer)
            case "explain":
                return not isinstance(selected, MapContainer) and self._before is not None
            case "publish" | "connect" | "capture":
                return may and isinstance(selected, MapContainer)
            case "leave":
                return may and isinstance(selected, MapContainer) and bool(selected.endpoints)
            case "remove":
                return may and isinstance(selected, MapNetwork)
            case "create" | "prune":
                return may
        return True

    @property
    def _whom(self) -> Whom:
        selected = self.view.selected
        assert isinstance(selected, MapContainer)  # `check_action` has seen to it
        return Whom(selected.key, selected.name)

    def _networks_of(self, container: str) -> list[str]:
        names = {network.key: network.name for network in self.view.networks.networks}
        found = next((each for each in self.view.networks.containers if each.key == container), None)
        return [names[each.network] for each in found.endpoints if each.network in names] if found else []

    # --- what is done ---

    def action_close(self) -> None:
        self.dismiss(None)

    @on(NetworkMapView.Chosen)
    def action_go(self) -> None:
        if isinstance(self.view.selected, MapContainer):
            self.dismiss(self._whom.id)

    def action_explain(self) -> None:
        map, key = self._before, self.view.cursor
        if map is not None:
            network = next((each for each in map.networks if each.id == key), None)
            told = network_explained(network) if network is not None else host_explained(map)
            self.app.push_screen(ExplainThing(told))

    @work(group="actions")
    async def action_publish(self) -> None:
        await self._tasks.publish(self._whom)

    @work(group="actions")
    async def action_connect(self) -> None:
        await self._tasks.connect(self._whom, self._networks_of(self._whom.id))

    @work(group="actions")
    async def action_leave(self) -> None:
        await self._tasks.disconnect(self._whom, self._networks_of(self._whom.id))

    @work(group="actions")
    async def action_capture(self) -> None:
        await self._captures.toggle(self._whom)

    @work(group="actions")
    async def action_create(self) -> None:
        await self._tasks.create()

    @work(group="actions")
    async def action_remove(self) -> None:
        selected = self.view.selected
        if isinstance(selected, MapNetwork):
            await self._tasks.remove(selected.name)

    @work(group="actions")
    async def action_prune(self) -> None:
        await self._tasks.prune()

    def action_help(self) -> None:
        from heliostui.screens.help import Help, sections_here  # which shows the keys of this screen, too

        self.app.push_screen(Help(sections_here(self)))
