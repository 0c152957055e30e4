"""A layout as a tree of splits over named parts, fitted into so many cells. Pure: no screen, no Textual.

The first line of each part is its heading, which is the border to the part above it as well; between two parts side by
side there is a column for the border. Sizes are cells; weights are shares of what is there, as of any unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias

Axis: TypeAlias = Literal["row", "column"]
"""Whether parts are side by side, or one below the other."""


class Cells(NamedTuple):
    """A size."""

    width: int
    height: int


SMALLEST = Cells(24, 5)


class Place(NamedTuple):
    """A rectangle."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def contains(self, x: int, y: int) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


@dataclass(frozen=True)
class Part:
    """A named part. `least`: the cells below which there is no point in showing it."""

    name: str
    weight: float = 1.0
    least: Cells = SMALLEST

    @property
    def key(self) -> str:
        return self.name


@dataclass(frozen=True)
class Split:
    """Nodes in a row or a column."""

    axis: Axis
    nodes: tuple[Node, ...]
    weight: float = 1.0
    whole: str = ""

    @property
    def key(self) -> str:
        """What its weight is remembered by: also while some of its parts are hidden (`whole`)."""
        return self.whole or "+".join(node.key for node in self.nodes)


Node: TypeAlias = Part | Split


def row(*nodes: Node, weight: float = 1.0) -> Split:
    return Split("row", nodes, weight)


def column(*nodes: Node, weight: float = 1.0) -> Split:
    return Split("column", nodes, weight)


def names(node: Node) -> Iterator[str]:
    """All parts, from the left to the right and from above to below."""
    if isinstance(node, Part):
        yield node.name
    else:
        for each in node.nodes:
            yield from names(each)


def pruned(node: Node, shown: Collection[str]) -> Node | None:
    """The tree with these parts only; None when none is in it."""
    if isinstance(node, Part):
        return node if node.name in shown else None
    nodes = tuple(found for each in node.nodes if (found := pruned(each, shown)) is not None)
    return replace(node, nodes=nodes, whole=node.key) if nodes else None


def least(node: Node) -> Cells:
    """The cells that a tree needs."""
    if isinstance(node, Part):
        return node.least
    sizes = [least(each) for each in node.nodes]
    widths, heights = [size.width for size in sizes], [size.height for size in sizes]
    if node.axis == "row":
        return Cells(sum(widths) + len(sizes) - 1, max(heights))
    return Cells(max(widths), sum(heights))


@dataclass(frozen=True)
class Border:
    """What can be moved between two neighbours of a split. `place`: the column between them, or the heading below."""

    axis: Axis
    keys: tuple[str, str]
    place: Place


@dataclass(frozen=True)
class Fitted:
    """Where everything is."""

    places: Mapping[str, Place] = field(default_factory=dict)
    borders: tuple[Border, ...] = ()

    def part_at(self, x: int, y: int) -> str | None:
        return next((name for name, place in self.places.items() if place.contains(x, y)), None)

    def border_at(self, x: int, y: int) -> Border | None:
        return next((border for border in self.borders if border.place.contains(x, y)), None)


@dataclass(frozen=True)
class Sizes:
    """What the user has changed of a tree, and what its parts ask for.

    `weights`: other weights than the tree's, by the nodes' keys. `most`: cells that a part has no use for more than,
    while the user has given it no weight.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, Cells] = field(default_factory=dict)

    def weight(self, node: Node) -> float:
        return self.weights.get(node.key, node.weight)

    def most_of(self, node: Node, axis: Axis) -> int | None:
        """The cells along an axis that a node has no use for more than."""
        if node.key in self.weights:
            return None
        if isinstance(node, Part):
            return self.most[node.name][0 if axis == "row" else 1] if node.name in self.most else None
        inside = [found for each in node.nodes if (found := self.most_of(each, axis)) is not None]
        if len(inside) < len(node.nodes):
            return None
        return max(inside) if node.axis != axis else sum(inside)


NO_SIZES = Sizes()


def kept(tree: Node, size: Cells, shown: Collection[str], first: Sequence[str] = ()) -> tuple[str, ...]:
    """Those of the parts that there is room for, at least one. `first`: who stays longest, the most important first."""
    wanted = [name for name in names(tree) if name in shown]
    wanted.sort(key=lambda name: first.index(name) if name in first else len(first))
    while len(wanted) > 1 and (excess := _excess(tree, wanted, size)):
        helping = (name for name in reversed(wanted[1:]) if _excess(tree, _without(wanted, name), size) < excess)
        wanted.remove(next(helping, wanted[-1]))
    return tuple(wanted)


def _without(wanted: Sequence[str], name: str) -> list[str]:
    return [each for each in wanted if each != name]


def _excess(tree: Node, shown: Collection[str], size: Cells) -> int:
    """How many cells too few there are, in both directions."""
    node = pruned(tree, shown)
    needed = least(node) if node else Cells(0, 0)
    return max(0, needed.width - size.width) + max(0, needed.height - size.height)


def fit(tree: Node, size: Cells, shown: Collection[str], first: Sequence[str] = (), sizes: Sizes = NO_SIZES) -> Fitted:
    """Place the parts that are to be shown and that there is room for; they share all of the room."""
    node = pruned(tree, kept(tree, size, shown, first))
    places: dict[str, Place] = {}
    borders: list[Border] = []
    if node is not None:
        _place(node, Place(0, 0, *size), sizes, places, borders)
    return Fitted(places, tuple(borders))


def _place(node: Node, place: Place, sizes: Sizes, places: dict[str, Place], borders: list[Border]) -> None:
    if isinstance(node, Part):
        places[node.name] = place
        return
    before: Node | None = None
    at = place.x if node.axis == "row" else place.y
    for each, cells in zip(node.nodes, _lengths(node, place, sizes), strict=True):
        if node.axis == "row":
            if before is not None:
                borders.append(Border("row", (before.key, each.key), Place(at, place.y, 1, place.height)))
                at += 1
            inside = Place(at, place.y, cells, place.height)
        else:
            if before is not None:
                borders.append(Border("column", (before.key, each.key), Place(place.x, at, place.width, 1)))
            inside = Place(place.x, at, place.width, cells)
        _place(each, inside, sizes, places, borders)
        at += cells
        before = each


def _lengths(node: Split, place: Place, sizes: Sizes) -> list[int]:
    """The cells of a split's nodes along its axis, without the columns between them."""
    if node.axis == "row":
        total, needed = place.width - len(node.nodes) + 1, [least(each).width for each in node.nodes]
    else:
        total, needed = place.height, [least(each).height for each in node.nodes]
    most = [sizes.most_of(each, node.axis) for each in node.nodes]
    return share(total, [sizes.weight(each) for each in node.nodes], needed, most)


def share(total: int, weights: Sequence[float], needed: Sequence[int], most: Sequence[int | None]) -> list[int]:
    """Cells in proportion to weights, none below what it needs and above its most, as long as that can be; in all
    `total`. What those with a most leave over, goes to the others, and to all where there are no others."""
    fixed: dict[int, float] = {}
    while len(fixed) < len(weights):
        free = [n for n in range(len(weights)) if n not in fixed]
        left, whole = total - sum(fixed.values()), sum(weights[n] for n in free)
        ideal = {n: left * weights[n] / whole for n in free}
        bound = {n: _between(ideal[n], needed[n], most[n]) for n in free}
        moved = sum(bound.values()) - left
        # Those that need more come first: what they take may spare others from having too much.
        out = {n: size for n, size in bound.items() if (size > ideal[n] if moved >= 0 else size < ideal[n])}
        fixed.update(out or {n: ideal[n] for n in free})
    spare = total - sum(fixed.values())
    whole = sum(weights)
    return _rounded(total, [fixed[n] + spare * weights[n] / whole for n in range(len(weights))], needed)


def _between(size: float, low: int, high: int | None) -> float:
    return max(low, size if high is None else min(size, high))


def _rounded(total: int, sizes: Sequence[float], needed: Sequence[int]) -> list[int]:
    """Whole cells, `total` in all; none below what it needs because of that."""
    cells = [max(0, int(size + 1e-9)) for size in sizes]
    order = sorted(range(len(sizes)), key=lambda n: (cells[n] >= needed[n], cells[n] - sizes[n]))
    for n in (order * (1 + total // max(1, len(order))))[: max(0, total - sum(cells))]:
        cells[n] += 1
    while (excess := sum(cells) - total) > 0:  # there is less than all of them need
        largest = max(range(len(cells)), key=cells.__getitem__)
        cells[largest] -= min(excess, max(1, cells[largest] - total // len(cells)))
    return cells


# --- moving borders ---


def moved(tree: Node, fitted: Fitted, border: Border, by: int, sizes: Sizes = NO_SIZES) -> dict[str, float]:
    """The weights after a border was moved `by` cells to the right or down, as far as both sides keep their least."""
    split = _split_with(tree, border.keys)
    if split is None:
        return dict(sizes.weights)
    nodes = [node for each in split.nodes if (node := pruned(each, fitted.places.keys())) is not None]
    index = [node.key for node in nodes].index(border.keys[0])
    lengths = [_length(node, fitted, split.axis) for node in nodes]
    needed = [least(node)[0 if split.axis == "row" else 1] for node in nodes]
    by = max(min(by, lengths[index + 1] - needed[index + 1]), -max(0, lengths[index] - needed[index]))
    if lengths[index + 1] < needed[index + 1]:
        by = 0
    lengths[index] += by
    lengths[index + 1] -= by
    whole = sum(sizes.weight(node) for node in nodes)
    changed = {node.key: max(length, 1) / sum(lengths) * whole for node, length in zip(nodes, lengths, strict=True)}
    return {**sizes.weights, **changed} if by else dict(sizes.weights)


def _split_with(node: Node, keys: tuple[str, str]) -> Split | None:
    """The split in which two nodes are."""
    if isinstance(node, Part):
        return None
    if {each.key for each in node.nodes} >= set(keys):
        return node
    return next((split for each in node.nodes if (split := _split_with(each, keys)) is not None), None)


def _length(node: Node, fitted: Fitted, axis: Axis) -> int:
    places = [fitted.places[name] for name in names(node)]  # all of them are shown: the tree is pruned
    if axis == "row":
        return max(place.right for place in places) - min(place.x for place in places)
    return max(place.bottom for place in places) - min(place.y for place in places)


def border_of(fitted: Fitted, name: str, axis: Axis) -> tuple[Border, int] | None:
    """The border that makes a part larger along an axis, and in which direction (1: right or down, -1: left or up).

    The nearest one around the part; that after it where there are two.
    """
    place = fitted.places.get(name)
    if place is None:
        return None
    beside = [border for border in fitted.borders if border.axis == axis and _around(border, name)]
    beside.sort(key=lambda border: sum(key.count("+") for key in border.keys))
    for border in beside:
        if name in border.keys[0].split("+"):
            return border, 1
    return (beside[0], -1) if beside else None


def _around(border: Border, name: str) -> bool:
    return any(name in key.split("+") for key in border.keys)
