"""Jump mode: a letter on each pane and each tab; the next key goes there. Imports layouts and Textual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static, Tab, Tabs

from widgets.dialog import Dialog
from widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from heliostui.workspace.actions import WorkspaceActions

LETTERS = "asdfghjklqwertyuiopzxcvbnm1234567890"


@dataclass(frozen=True)
class Target:
    """Somewhere to go: what to do, and the cell of the screen that the letter is on."""

    x: int
    y: int
    go: Callable[[], object]
    pane: bool = False


def targets(screen: WorkspaceActions) -> list[Target]:
    """Everything that can be gone to now: panes, then the tabs at the top, then those of the details."""
    found = list[Target]()
    workspace = screen.workspace
    left, top = workspace.region.offset
    for name, place in workspace.fitted.places.items():
        x, y = left + place.x + place.width // 2 - 2, top + place.y + place.height // 2
        found.append(Target(x, y, partial(screen.focus_region, name), pane=True))
    bar = screen.query_one(TabBar)
    if bar.is_on_screen:
        for key, at, _ in bar.spans():
            go = partial(bar.post_message, TabBar.Chosen(bar, key))
            found.append(Target(bar.region.x + at, bar.region.y, go))
    if "details" in workspace.seen and not workspace.welcoming:
        for tab in screen.details.query_one(Tabs).query(Tab):
            name = (tab.id or "").rpartition("--content-tab-")[2]
            if tab.is_on_screen and tab.region:
                found.append(Target(tab.region.x, tab.region.y, partial(_to_tab, screen, name)))
    return found[: len(LETTERS)]


def _to_tab(screen: WorkspaceActions, name: str) -> None:
    """A tab of the details, and into it."""
    screen.focus_region("details")
    screen.details.show_tab(name)
    screen.call_after_refresh(screen.details.focus_content)


class Jump(Dialog[Target | None]):
    """The letters, over the screen as it is."""

    CSS: ClassVar[str] = ""

    def __init__(self, found: Sequence[Target]) -> None:
        super().__init__()
        self._found = dict(zip(LETTERS, found, strict=False))

    def compose(self) -> ComposeResult:
        for letter, target in self._found.items():
            badge = Static(f"  {letter}  " if target.pane else letter, classes="jump -pane" if target.pane else "jump")
            badge.styles.offset = (target.x, target.y)
            yield badge

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(self._found.get(event.character or ""))

    def on_click(self) -> None:
        self.dismiss(None)
