"""A style sheet that does nothing before it is needed. Imports Textual.

The style of a component is worked out when it is first drawn with, and the source is not read again for the same
variables, as it would be twice at each start. Textual works out all of them for every widget, again and again while a
screen starts: a widget with colours of its own has a dozen, most of them never looked at, and they were most of the
time until the first picture.
"""

from __future__ import annotations

from textual.css.styles import RenderStyles
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode


class LazyStylesheet(Stylesheet):
    """Gives widgets `ComponentStyles`, and has those drawn anew whose look has changed."""

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        if self._require_parse:
            super().reparse()

    def _process_component_classes(self, node: DOMNode) -> None:
        names = node._get_component_classes()
        if not names:
            return
        before, now = node._component_styles, ComponentStyles(self, node, names)
        node._component_styles = now
        if any(now[name] != style for name, style in before.items() if name in names):
            node.refresh()  # a style that was not used yet is not on the screen

    def component(self, node: DOMNode, name: str) -> RenderStyles:
        """The style of one component, as the style sheet is now."""
        virtual = DOMNode(classes=name)
        virtual._attach(node)
        self.apply(virtual)
        return virtual.styles


class ComponentStyles(dict[str, RenderStyles]):
    """The styles of a widget's components by name; `in` tells of all there are, `items` of those used so far."""

    def __init__(self, sheet: LazyStylesheet, node: DOMNode, names: frozenset[str]) -> None:
        super().__init__()
        self._sheet, self._node, self._names = sheet, node, names

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __missing__(self, name: str) -> RenderStyles:
        if name not in self._names:
            raise KeyError(name)
        self[name] = style = self._sheet.component(self._node, name)
        return style
