"""A class that only rules for the widget itself ask for. Imports Textual.

Textual styles everything inside a widget anew when one of its classes changes, with all component classes: for a pane
full of tables that takes longer than a key may.
"""

from __future__ import annotations

from textual.widget import Widget


def set_own_class(widget: Widget, on: bool, name: str) -> None:
    """Set or remove a class, and style that widget alone. No rule may need the class for anything inside of it."""
    if widget.has_class(name) != on:
        widget.set_class(on, name, update=False)
        if widget.is_attached:
            widget.app.stylesheet.update_nodes([widget])
