"""The keys that are possible now, in one line. Imports Textual.

Textual's Footer has a widget for each key, and makes all of them anew whenever a binding may have changed: at each key
that moves the focus, that takes longer than everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

HELP = "question_mark"


class Key(NamedTuple):
    """A binding as it is shown."""

    name: str
    shown: str
    label: str
    help: str

    @property
    def width(self) -> int:
        return Text(f"{self.shown} {self.label}").cell_len


def fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """Those from the first on that are whole in so many cells; where not all are, the key that lists them is one."""
    if sum(key.width + 1 for key in keys) <= width + 1:
        return list(keys)
    last = [key for key in keys if key.name.startswith(HELP)][:1]
    room = width - sum(key.width for key in last)
    shown: list[Key] = []
    for key in keys:
        room -= key.width + 1
        if key in last or room < 0:
            break
        shown.append(key)
    return shown + last


class KeyLine(Widget):
    """Shows the bindings of what has the focus, as many as there is room for; a click on one presses it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        color: $footer-description-foreground;
        background: $footer-background;
        & .key-line--key { color: $footer-key-foreground; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key"}

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[Key, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show)

    def _show(self, screen: Screen[object]) -> None:
        found: dict[str, Key] = {}
        for _, binding, _, tooltip in screen.active_bindings.values():
            if binding.show and binding.action not in found:
                shown = self.app.get_key_display(binding)
                found[binding.action] = Key(binding.key, shown, binding.description, tooltip or binding.description)
        keys = tuple(found.values())
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Text:
        style = self.get_component_rich_style("key-line--key", partial=True)
        line = Text(no_wrap=True, overflow="crop")
        for key in fitting(self._keys, self.size.width):
            line.append(key.shown, style).append(f" {key.label} ")
        return line

    def _key_at(self, x: int) -> Key | None:
        at = 0
        for key in fitting(self._keys, self.size.width):
            if at <= x < at + key.width:
                return key
            at += key.width + 1
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self._key_at(event.x)
        self.tooltip = key.help if key is not None else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        key = self._key_at(event.x)
        if key is not None:
            self.app.simulate_key(key.name)
