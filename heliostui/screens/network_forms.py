"""Dialogs about networks: publish a port, join a network, make one, capture traffic. Imports the client and protocol.

Each does what was filled in before it closes; what goes wrong is told in it, and nothing that was typed is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, Label, Select, Static

from engine.client.errors import ClientError
from engine.protocol import ports
from engine.protocol.messages import CreateNetwork, StreamCapture
from engine.protocol.network import NetworkDetail, NetworkOption, PortOption
from engine.protocol.quantities import size
from widgets.dialog import Dialog


class Form(Dialog[bool]):
    """Fields, a sentence where something is wrong with them, and two buttons. Answers whether it was done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="form.cancel", tooltip="Leave all as it is"),
        Binding("ctrl+s", "submit", "Do it", show=False, id="form.submit", tooltip="Do it with what is filled in"),
        Binding("down", "app.focus_next", "Next field", show=False, id="form.next", tooltip="To the next field"),
        Binding(
            "up", "app.focus_previous", "Field before", show=False, id="form.previous", tooltip="To the field before"
        ),
    ]
    VERB = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form") as dialog:
            dialog.border_title = self.heading()
            dialog.border_subtitle = "Enter · Escape cancels"
            yield from self.fields()
            yield Static(id="problem", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self.VERB, id="do", variant="primary", compact=True)

    # --- what a form says ---

    def heading(self) -> str:
        raise NotImplementedError

    def fields(self) -> Iterable[Widget]:
        raise NotImplementedError

    async def act(self) -> bool:
        """Do it; whether the dialog may close. Raises ValueError, ClientError and OSError with a sentence."""
        raise NotImplementedError

    # --- what all do ---

    def value(self, name: str) -> str:
        """What is in a field."""
        return self.query_one(f"#{name}", Input).value.strip()

    @on(Input.Submitted)
    @on(Button.Pressed, "#do")
    def action_submit(self) -> None:
        self._do()

    @work(exclusive=True)
    async def _do(self) -> None:
        problem = self.query_one("#problem", Static)
        try:
            done = await self.act()
        except (ValueError, ClientError) as error:
            words = str(error)
        except OSError as error:
            words = f"{error.filename}: {error.strerror}."
        else:
            words = ""
            if done:
                self.dismiss(True)
        words = words[:1].upper() + words[1:]
        problem.update(words if not words or words.endswith(".") else f"{words}.")
        problem.set_class(bool(words), "-shown")

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(False)


def field(label: str, *widgets: Widget) -> Horizontal:
    """A label and what is filled in beside it."""
    return Horizontal(Label(label, classes="field-label"), *widgets, classes="field")


def note(words: str) -> Static:
    return Static(words, classes="field-note", markup=False)


def network_choice(networks: Sequence[NetworkDetail], *, id: str, chosen: str | None = None) -> Select[str]:
    """The networks there are, with their subnets."""
    choices = [(" ".join([each.name, *(subnet.subnet for subnet in each.subnets[:1])]), each.name) for each in networks]
    if chosen is None:
        return Select(choices, allow_blank=False, compact=True, id=id)
    return Select(choices, allow_blank=False, value=chosen, compact=True, id=id)


class PublishForm(Form):
    """A port of the host for one of the container's."""

    VERB = "Publish"

    def __init__(self, container: str, publish: Callable[[PortOption], Awaitable[object]]) -> None:
        super().__init__()
        self._container, self._publish = container, publish

    def heading(self) -> str:
        return f"Publish a port of {self._container}"

    def fields(self) -> Iterable[Widget]:
        yield field("Port", Input(id="port", compact=True, placeholder="8080:80"))
        yield note("[address:][host:]container[/udp], as 80, 8080:80, 127.0.0.1:53:53/udp, 8000-8010:8000-8010")

    async def act(self) -> bool:
        if not self.value("port"):
            raise ValueError("write the port, as in 8080:80: port 8080 of this host for its port 80")
        await self._publish(ports.parse(self.value("port")))
        return True


class ConnectForm(Form):
    """One more network for a container."""

    VERB = "Connect"

    def __init__(
        self,
        container: str,
        networks: Sequence[NetworkDetail],
        connect: Callable[[NetworkOption], Awaitable[object]],
        chosen: str | None = None,
    ) -> None:
        super().__init__()
        self._container, self._networks, self._connect, self._chosen = container, networks, connect, chosen

    def heading(self) -> str:
        return f"Connect {self._container} to a network"

    def fields(self) -> Iterable[Widget]:
        yield field("Network", network_choice(self._networks, id="network", chosen=self._chosen))
        yield field("Address", Input(id="ip", compact=True, placeholder="the next one that is free"))
        yield field("Names", Input(id="aliases", compact=True, placeholder="further names in it, with blanks between"))

    async def act(self) -> bool:
        name = self.query_one("#network", Select).value
        ip = self.value("ip")
        option = NetworkOption(
            name=str(name),
            ip=ip if ip and ":" not in ip else None,
            ip6=ip if ":" in ip else None,
            aliases=self.value("aliases").replace(",", " ").split(),
        )
        await self._connect(option)
        return True


class DisconnectForm(Form):
    """One network less."""

    VERB = "Disconnect"

    def __init__(self, container: str, networks: Sequence[str], leave: Callable[[str], Awaitable[object]]) -> None:
        super().__init__()
        self._container, self._networks, self._leave = container, networks, leave

    def heading(self) -> str:
        return f"Take {self._container} out of a network"

    def fields(self) -> Iterable[Widget]:
        choices = [(name, name) for name in self._networks]
        yield field("Network", Select(choices, allow_blank=False, compact=True, id="network"))
        yield note("Connections over it break; it is not reached there by its name any more.")

    async def act(self) -> bool:
        await self._leave(str(self.query_one("#network", Select).value))
        return True


class NetworkForm(Form):
    """A new network."""

    VERB = "Create"

    def __init__(self, create: Callable[[CreateNetwork], Awaitable[object]]) -> None:
        super().__init__()
        self._create = create

    def heading(self) -> str:
        return "New network"

    def fields(self) -> Iterable[Widget]:
        yield field("Name", Input(id="name", compact=True, placeholder="backend"))
        yield field("Subnets", Input(id="subnets", compact=True, placeholder="chosen, clear of all routes"))
        checks = field(
            "",
            Checkbox("IPv6", True, id="ipv6", compact=True, tooltip="Give it an IPv6 subnet as well"),
            Checkbox("internal", False, id="internal", compact=True, tooltip="No way out of it (--internal)"),
        )
        checks.add_class("checks")
        yield checks

    async def act(self) -> bool:
        if not self.value("name"):
            raise ValueError("give it a name: containers find each other in it")
        await self._create(
            CreateNetwork(
                name=self.value("name"),
                subnets=self.value("subnets").replace(",", " ").split(),
                ipv6=self.query_one("#ipv6", Checkbox).value,
                internal=self.query_one("#internal", Checkbox).value,
            )
        )
        return True


class CaptureForm(Form):
    """Where captured traffic goes, and how much of it. A file that is there is asked for once more."""

    VERB = "Capture"

    def __init__(
        self,
        container: str,
        key: str,
        interfaces: Sequence[str],
        begin: Callable[[StreamCapture, Path, bool], Awaitable[object]],
    ) -> None:
        super().__init__()
        self._container, self._key, self._interfaces, self._begin = container, key, interfaces, begin
        self._replace: Path | None = None

    def heading(self) -> str:
        return f"Capture the traffic of {self._container}"

    def fields(self) -> Iterable[Widget]:
        name = f"{self._container}-{datetime.now().astimezone():%Y%m%d-%H%M%S}.pcap"
        yield field("File", Input(name, id="file", compact=True))
        yield field("At most", Input("100m", id="limit", compact=True))
        yield field("Interface", Input(id="interface", compact=True, placeholder=self._interfaces_words()))
        yield note("For tcpdump -r and Wireshark. c ends it; so does the container's end.")

    def _interfaces_words(self) -> str:
        if not self._interfaces:
            return "the first one"
        first, *others = self._interfaces
        return f"{first}, the first one of {', '.join(self._interfaces)}" if others else first

    async def act(self) -> bool:
        if not self.value("file"):
            raise ValueError("name the file that the traffic goes to, as in web.pcap")
        path, kind = await asyncio.to_thread(_known, self.value("file"))
        if kind == "directory":
            raise ValueError(f"{path} is a directory: name a file in it")
        if kind and path != self._replace:
            self._replace = path
            self.query_one("#do", Button).label = "Replace"
            raise ValueError(f"{path} is there already: Enter once more replaces it, or write another name")
        limit = size(self.value("limit") or "100m")
        request = StreamCapture(container=self._key, interface=self.value("interface") or None, limit=limit)
        await self._begin(request, path, path == self._replace)
        return True


def _known(text: str) -> tuple[Path, str]:
    """The path that was written, and what is there: a directory, something else, or nothing."""
    path = Path(text).expanduser().absolute()
    return path, "directory" if path.is_dir() else "file" if path.exists() else ""
