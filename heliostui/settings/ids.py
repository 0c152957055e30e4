"""The ids by which the user's own keys name commands: those of the key map, and those of the keys that panes have.

Imports every screen that there is, since it asks what bindings they declare.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from textual.binding import Binding, BindingType
from textual.dom import DOMNode


def bindings() -> dict[str, Binding]:
    """What can be bound, by id, in the order of the alphabet."""
    found: dict[str, Binding] = {}
    for _, binding in declared():
        if isinstance(binding, Binding) and binding.id:
            found.setdefault(binding.id, binding)
    return dict(sorted(found.items()))


def declared() -> Iterator[tuple[type[DOMNode], BindingType]]:
    """All that our screens and widgets declare themselves."""
    for package in ("heliostui", "widgets"):
        paths = import_module(package).__path__
        for module in walk_packages(paths, f"{package}."):
            if not module.name.startswith(("heliostui.command", "heliostui.__main__", "heliostui.screenshots")):
                import_module(module.name)
    for kind in dict.fromkeys(_kinds(DOMNode)):
        for binding in kind.__dict__.get("BINDINGS", ()):
            yield kind, binding


def _kinds(of: type[DOMNode]) -> Iterator[type[DOMNode]]:
    """The classes of ours below this one."""
    for kind in of.__subclasses__():
        if kind.__module__.startswith(("heliostui.", "widgets.")):
            yield kind
        yield from _kinds(kind)
