"""The dialog that makes a container. Everything has a default: Enter makes one and opens its shell.

It opens at once and has the keys, whatever the engine takes to say which images and networks there are.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Checkbox, Input, Label, Select, Static

from engine.client.errors import ClientError
from engine.protocol import ports
from engine.protocol.heap import HeapOptions, Policy
from engine.protocol.messages import ContainerOptions, ContainerRef, ImageSummary
from engine.protocol.network import NetworkDetail, NetworkOption
from heliostui.heap.words import POLICIES
from heliostui.screens.limit_fields import LimitFields
from heliostui.settings.use import settings_of
from widgets.dialog import Dialog
from widgets.key_turns import hold_keys, let_keys_go

DEFAULT, ALONE, ON_HOST = " default", " none", " host"
"""What is no name of a network."""
HEAPS = [
    ("the programs' own", OWN := " own"),
    *((f"ours: {name}", policy) for policy, name in POLICIES.items()),
    ("ours: checked", CHECKED := " check"),
]
"""Whose malloc the programs have, and what is chosen by it."""
Run = Callable[[ContainerOptions], Awaitable[ContainerRef]]


@dataclass(frozen=True)
class Choices:
    """What the engine has."""

    images: Sequence[ImageSummary]
    networks: Sequence[NetworkDetail] = ()


def heap_options(chosen: str) -> HeapOptions | None:
    """The allocator that was chosen of `HEAPS`; None: none of ours."""
    if chosen == OWN:
        return None
    return HeapOptions(check=True) if chosen == CHECKED else HeapOptions(policy=cast(Policy, chosen))


class NewContainer(Dialog[ContainerRef | None]):
    """Asks for what `heliostui run` takes, starts the container, and answers with it.

    `choices` and `run` raise ClientError; then the sentence is shown here and nothing that was typed is lost.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False, id="new.cancel", tooltip="Make no container"),
        Binding(
            "enter", "submit", "Start", show=False, id="new.enter", tooltip="The same, while no field has the keys"
        ),
        Binding("ctrl+s", "submit", "Start", show=False, id="new.start", tooltip="Make the container and start it"),
        Binding("f2", "more", "More limits", show=False, id="new.more", tooltip="Show all limits, or the usual ones"),
        Binding("down", "app.focus_next", "Next field", show=False, id="form.next", tooltip="To the next field"),
        Binding(
            "up", "app.focus_previous", "Field before", show=False, id="form.previous", tooltip="To the field before"
        ),
    ]
    AUTO_FOCUS = "#command"

    def __init__(
        self,
        choices: Callable[[], Awaitable[Choices]],
        run: Run,
        columns: int = 80,
        lines: int = 24,
    ) -> None:
        super().__init__()
        self._choices = choices
        self._images: list[ImageSummary] = []
        self._absent: list[ImageSummary] = []
        self._known = asyncio.Event()
        self._starting = False
        self._run = run
        self._cells = columns, lines

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="new") as dialog:
            dialog.border_title = "New container"
            dialog.border_subtitle = "Enter starts it · F2 more limits · Escape cancels"
            with Horizontal(classes="field", id="image-field"):
                yield Label("Image", classes="field-label")
                yield Static("…", id="no-image")
            yield Static(id="image-note", classes="field-note", markup=False)
            with Horizontal(classes="field"):
                yield Label("Command", classes="field-label")
                yield Input(id="command", compact=True)
            with Horizontal(classes="field"):
                yield Label("Name", classes="field-label")
                yield Input(id="name", compact=True, placeholder="one is made up")
                yield Label("Heap", classes="field-label -second")
                yield Select(HEAPS, allow_blank=False, compact=True, id="heap", tooltip="Whose malloc (--heap)")
            with Horizontal(classes="field checks"):
                yield Label("", classes="field-label")
                yield Checkbox("terminal", True, id="tty", compact=True, tooltip="Give it a terminal (-t)")
                yield Checkbox("input", True, id="interactive", compact=True, tooltip="Keep its input open (-i)")
                yield Checkbox(
                    "remove at end", False, id="remove", compact=True, tooltip="Remove it when it ends (--rm)"
                )
            with Horizontal(classes="field", id="network-fields"):
                yield Label("Network", classes="field-label")
                yield Select(_networks([]), allow_blank=False, compact=True, id="network")
                yield Label("Ports", classes="field-label -second")
                yield Input(
                    id="ports", compact=True, placeholder="8080:80, 5353:53/udp", tooltip="Published ports (-p)"
                )
            yield LimitFields()
            yield Static(id="problem", markup=False)
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Start", id="start", variant="primary", compact=True)

    def _usual(self) -> str:
        """The image that the settings name, where it is available."""
        names, wanted = [image.name for image in self._images], settings_of(self.app).image
        return wanted if wanted in names else names[0]

    @work
    async def on_mount(self) -> None:
        """Offer what there is."""
        try:
            choices = await self._choices()
            if not self._pruning:  # it was left meanwhile, and its widgets go before its workers
                await self._offer(choices)
        except ClientError as error:
            self._complain(str(error))
        finally:
            self._known.set()

    async def _offer(self, choices: Choices) -> None:
        self._images = [image for image in choices.images if image.available]
        self._absent = [image for image in choices.images if not image.available]
        await self._offer_images()
        network = self.query_one("#network", Select)
        chosen = network.value
        network.set_options(_networks(choices.networks))
        network.value = chosen
        self._describe()

    async def _offer_images(self) -> None:
        none = self.query_one("#no-image", Static)
        if not self._images:
            none.update("none is available")
            return
        names = [(image.name, image.name) for image in self._images]
        select = Select(names, value=self._usual(), allow_blank=False, compact=True, id="image")
        await self.query_one("#image-field").mount(select)
        await none.remove()

    @on(Select.Changed, "#image")
    def _describe(self) -> None:
        """Say what the image is, and which command it runs by itself."""
        image = self._image()
        if image is None:
            self._complain(" ".join(f"{absent.name}: {absent.reason}" for absent in self._absent))
            return
        note = image.description
        if self._absent:
            note += f" ({', '.join(absent.name for absent in self._absent)}: not available)"
        self.query_one("#image-note", Static).update(note)
        self.query_one("#command", Input).placeholder = shlex.join(image.command)

    def _image(self) -> ImageSummary | None:
        if not self._images:
            return None
        chosen = self.query_one("#image", Select).value
        return next((image for image in self._images if image.name == chosen), None)

    def _complain(self, sentence: str) -> None:
        if sentence:
            let_keys_go(self.app)
        if self._pruning:
            return
        problem = self.query_one("#problem", Static)
        problem.update(sentence)
        problem.set_class(bool(sentence), "-shown")

    def _options(self) -> ContainerOptions:
        """What was filled in. Raises ValueError with one sentence."""
        image = self._image()
        columns, lines = self._cells
        try:
            command = shlex.split(self.query_one("#command", Input).value)
        except ValueError as error:
            raise ValueError(f"The command can't be split into words: {str(error).lower()}.") from None
        chosen = str(self.query_one("#network", Select).value)
        namespaces = {ALONE: {"network": "private"}, ON_HOST: {"network": "host"}}.get(chosen, {})
        return ContainerOptions(
            image=image.name if image else None,
            command=command,
            name=self.query_one("#name", Input).value.strip() or None,
            tty=self.query_one("#tty", Checkbox).value,
            interactive=self.query_one("#interactive", Checkbox).value,
            remove=self.query_one("#remove", Checkbox).value,
            namespaces=namespaces,
            networks=[NetworkOption(name=chosen)] if chosen not in (DEFAULT, ALONE, ON_HOST) else [],
            ports=[ports.parse(text) for text in self.query_one("#ports", Input).value.replace(",", " ").split()],
            heap=heap_options(str(self.query_one("#heap", Select).value)),
            limits=self.query_one(LimitFields).limits(),
            columns=columns,
            lines=lines,
        )

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def action_submit(self) -> None:
        if not self._starting:
            self._starting = True
            hold_keys(self.app)  # for the container's terminal
            self._submit()

    @work
    async def _submit(self) -> None:
        try:
            await self._known.wait()
            await self._start(self._options())
        except ValueError as error:
            words = str(error)
            self._complain(f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}")
        finally:
            self._starting = False

    async def _start(self, options: ContainerOptions) -> None:
        self._complain("")
        start, dialog, focused = self.query_one("#start", Button), self.query_one("#new"), self.focused
        start.label, dialog.disabled = "Starting…", True
        try:
            self.dismiss(await self._run(options))
        except ClientError as error:
            self._complain(str(error))
        finally:
            start.label, dialog.disabled = "Start", False
            self.set_focus(focused)

    def action_more(self) -> None:
        self.query_one(LimitFields).toggle()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _networks(known: Sequence[NetworkDetail]) -> list[tuple[str, str]]:
    """What a container can be in; the default network may be one that is made only now."""
    others = [network.name for network in known if not network.default]
    return [
        ("default", DEFAULT),
        *((name, name) for name in sorted(others)),
        ("none: loopback only", ALONE),
        ("host: the host's own", ON_HOST),
    ]
