"""The command palette: what is possible now, with its keys as they are. Imports live keys, compositor, main screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from rich.text import Text
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from heliostui.keymap import COMMANDS, Command
from heliostui.keymap.containers import BULK
from heliostui.keymap.live import by_id, inside, keys_of, own_keys, words
from heliostui.screens.main import MainScreen
from heliostui.settings.keys import spelled
from widgets.compositor import LeanCompositor


class Palette(CommandPalette):
    """Textual's, of which only cells that differ are sent: its own sends all that lies under it at each blink."""

    def __init__(
        self, providers: Sequence[type[Provider]] | None = None, *, placeholder: str = "Search for commands…"
    ) -> None:
        super().__init__(providers, placeholder=placeholder)
        self._compositor = LeanCompositor()


class Entry(NamedTuple):
    """A line of the palette."""

    name: str
    keys: str
    help: str
    run: Callable[[], object]


class Commands(Provider):
    """The keys of what has the focus first, then the commands of the key map."""

    def _entries(self) -> list[Entry]:
        screen = self.screen
        entries = self._of_key_map(screen) if isinstance(screen, MainScreen) else []
        known = {entry.help for entry in entries}
        for each in inside(screen):
            binding = each.binding
            if words(binding) not in known and binding.action not in ("palette", "command_palette"):
                run = partial(self.app.run_action, binding.action, each.node)
                entries.insert(0, Entry(binding.description, spelled(binding.key), words(binding), run))
        return entries

    def _of_key_map(self, screen: MainScreen) -> list[Entry]:
        keys = by_id(own_keys(self.app))
        return [
            Entry(
                _name(screen, each), " ".join(keys_of(each, keys)), each.help, partial(screen.run_action, each.action)
            )
            for each in COMMANDS
            if each.action != "palette" and screen.possible(each)
        ]

    async def discover(self) -> Hits:
        for entry in self._entries():
            yield DiscoveryHit(_line(entry, Text(entry.name)), entry.run, text=entry.name, help=entry.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for entry in self._entries():
            score = max(matcher.match(entry.name), matcher.match(entry.help) / 2)
            if score > 0:
                yield Hit(score, _line(entry, Text(entry.name)), entry.run, text=entry.name, help=entry.help)


def _name(screen: MainScreen, command: Command) -> str:
    """The command with what it acts on."""
    container, job = screen.state.selected, screen.selected_job
    if command.place == "jobs" and job is not None:
        return f"{command.label} job {job.command}"
    if command.id in BULK and len(screen.state.targets) > 1:
        return f"{command.label} {len(screen.state.targets)} marked"
    return f"{command.label} {container.name}" if command.states and container else command.label


def _line(entry: Entry, name: Text) -> Text:
    return Text.assemble(name, (f"  {entry.keys}", "bold") if entry.keys else "")
