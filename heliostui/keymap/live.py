"""Which keys mean what now, with the user's own: for the palette and for help. Imports keymap and settings.

Asked of the bindings as they are, not of what they declare: a key that the user gave to one command was taken from
another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.binding import ActiveBinding, Binding, BindingsMap, BindingType
from textual.screen import Screen

from heliostui.keymap import ON_JOBS, ON_SCREEN, ON_TERMINALS, Command
from heliostui.keymap.command import NO_KEY
from heliostui.settings.keys import spelled
from widgets.own_keys import OwnKeys, rebound

Rows = list[tuple[str, str]]
"""Keys as people write them, and what they do."""
_MOVES = ("up", "down", "left", "right", "pageup", "pagedown", "home", "end")
_LETTERS_OF_MOVES = frozenset("hjklgG")


def own_keys(app: object) -> Mapping[str, Sequence[str]]:
    """The user's own keys, by the ids of bindings."""
    return app.own_keys if isinstance(app, OwnKeys) else {}


def by_id(own: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The keys of each command of the key map."""
    found: dict[str, list[str]] = {}
    for bindings in (ON_SCREEN, ON_TERMINALS, ON_JOBS):
        for key, binding in rebound(BindingsMap(bindings), own):
            if binding.id is not None and key != NO_KEY:
                found.setdefault(binding.id.removesuffix(".in-terminal"), []).append(key)
    return found


def keys_of(command: Command, keys: Mapping[str, Sequence[str]]) -> list[str]:
    """A command's keys as people write them, of those that `by_id` found."""
    return list(dict.fromkeys(spelled(key) for key in keys.get(command.id, ())))


def declared(own: Mapping[str, Sequence[str]], *widgets: type) -> Rows:
    """The keys that these widgets declare themselves."""
    rows: Rows = []
    for widget in widgets:
        bindings: Iterable[BindingType] = widget.__dict__.get("BINDINGS", ())
        rows += _rows(rebound(BindingsMap(bindings), own))
    return rows


def here(screen: Screen[object]) -> tuple[Rows, Rows]:
    """The keys of what has the focus, and those of the screen it is on."""
    inside = [each for each in screen.active_bindings.values() if each.node not in (screen, screen.app)]
    own = [each for each in screen.active_bindings.values() if each.node is screen]
    return _rows((each.binding.key, each.binding) for each in inside), _rows((e.binding.key, e.binding) for e in own)


def inside(screen: Screen[object]) -> list[ActiveBinding]:
    """The bindings of what has the focus that are possible now and say what they do, each once."""
    found: dict[str, ActiveBinding] = {}
    active = screen.active_bindings.values()
    moves = {each.binding.action for each in active if each.binding.key.startswith(_MOVES)}
    for each in active:
        told = each.binding.tooltip and not _is_move(each.binding.key, each.binding.action in moves)
        if each.enabled and told and each.node is not screen.app:
            found.setdefault(each.binding.action, each)
    return list(found.values())


def words(binding: Binding) -> str:
    return binding.tooltip or binding.description


def _is_move(key: str, moves: bool) -> bool:
    """Arrows and their like need no telling, nor do vi's letters beside them."""
    return key.startswith(_MOVES) or (moves and key in _LETTERS_OF_MOVES)


def _rows(bindings: Iterable[tuple[str, Binding]]) -> Rows:
    """One row for what means the same."""
    found: dict[str, list[str]] = {}
    bindings = list(bindings)
    moves = {words(binding) for key, binding in bindings if key.startswith(_MOVES)}
    for key, binding in bindings:
        if words(binding) and key != NO_KEY and not _is_move(key, words(binding) in moves):
            found.setdefault(words(binding), []).append(spelled(key))
    return [(" ".join(dict.fromkeys(keys)), told) for told, keys in found.items()]
