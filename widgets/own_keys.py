"""The user's own keys in place of those that bindings declare. Imports Textual only.

Textual's own `App.set_keymap` loses the other binding where two share a key, and can't take a key away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.screen import Screen, ScreenResultType


@runtime_checkable
class OwnKeys(Protocol):
    """An app whose user has keys of their own."""

    own_keys: Mapping[str, Sequence[str]]
    """By the ids of bindings, in Textual's spelling; none: the binding has no key any more."""


def rebound(bindings: BindingsMap, own: Mapping[str, Sequence[str]]) -> BindingsMap:
    """The bindings of one widget with these keys. A key that was given to one is taken from those that had it."""
    if not any(binding.id in own for _, binding in bindings):
        return bindings
    kept: dict[str, list[Binding]] = {}
    given: dict[str, list[Binding]] = {}
    for key, binding in bindings:
        if binding.id is None or binding.id not in own:
            kept.setdefault(key, []).append(binding)
            continue
        for new in own[binding.id]:
            others = given.setdefault(new, [])
            if all(other.id != binding.id for other in others):
                others.append(binding.with_key(new, key_display=None))
    made = BindingsMap()
    made.key_to_bindings = {**kept, **given}
    return made


class RebindingScreen(Screen[ScreenResultType]):
    """A screen on which the user's own keys mean what the user says, and which is closed once only: the second of two
    quick keys finds it on its way already."""

    _dismissed = False

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        if self._dismissed:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)

    @property
    def _binding_chain(self) -> list[tuple[DOMNode, BindingsMap]]:
        chain, app = super()._binding_chain, self.app
        if not isinstance(app, OwnKeys) or not app.own_keys:
            return chain
        return [(node, rebound(bindings, app.own_keys)) for node, bindings in chain]
