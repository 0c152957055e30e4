"""The arithmetic of layouts: nothing overlaps, nothing is left over, and what there is no room for goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.workspace.tree import (
    Border,
    Cells,
    Fitted,
    Node,
    Part,
    Sizes,
    border_of,
    column,
    fit,
    kept,
    least,
    moved,
    names,
    pruned,
    row,
    share,
)

LETTERS = "abcdefgh"


@st.composite
def trees(draw: st.DrawFn) -> Node:
    """Trees of up to eight parts, rows and columns in turn."""
    count = draw(st.integers(1, len(LETTERS)))
    parts: list[Node] = [
        Part(
            letter,
            draw(st.floats(0.1, 10)),
            Cells(draw(st.integers(1, 60)), draw(st.integers(1, 20))),
        )
        for letter in LETTERS[:count]
    ]
    while len(parts) > 1:
        taken = draw(st.integers(2, len(parts)))
        split = draw(st.sampled_from([row, column]))
        parts = [split(*parts[:taken], weight=draw(st.floats(0.1, 10))), *parts[taken:]]
    return parts[0]


sizes = st.builds(Cells, st.integers(1, 320), st.integers(1, 90))
shown = st.frozensets(st.sampled_from(LETTERS))


def covered(fitted: Fitted) -> list[tuple[int, int]]:
    """Every cell of a part, or of a column between two."""
    gaps = [border.place for border in fitted.borders if border.axis == "row"]
    return [
        (x, y)
        for place in [*fitted.places.values(), *gaps]
        for x in range(place.x, place.right)
        for y in range(place.y, place.bottom)
    ]


@given(trees(), sizes, shown)
def test_parts_and_the_columns_between_them_tile_the_area_exactly(
    tree: Node, size: Cells, shown: frozenset[str]
) -> None:
    fitted = fit(tree, size, shown)
    if not set(names(tree)) & shown:
        assert not fitted.places
        return
    cells = covered(fitted)
    assert len(cells) == len(set(cells)) == size.width * size.height


@given(trees(), sizes, shown)
def test_what_is_shown_of_several_has_the_cells_that_it_needs(tree: Node, size: Cells, shown: frozenset[str]) -> None:
    fitted = fit(tree, size, shown)
    parts = {part.name: part for part in leaves(tree)}
    if len(fitted.places) > 1:
        for name, place in fitted.places.items():
            assert place.width >= parts[name].least.width
            assert place.height >= parts[name].least.height


def leaves(node: Node) -> list[Part]:
    return [node] if isinstance(node, Part) else [part for each in node.nodes for part in leaves(each)]


@given(trees(), sizes, st.sampled_from(LETTERS))
def test_the_most_important_part_is_never_dropped(tree: Node, size: Cells, first: str) -> None:
    if first in names(tree):
        assert first in fit(tree, size, LETTERS, [first]).places


@given(trees(), sizes)
def test_where_there_is_room_for_all_nothing_is_dropped(tree: Node, size: Cells) -> None:
    needed = least(tree)
    if size.width >= needed.width and size.height >= needed.height:
        assert set(kept(tree, size, LETTERS)) == set(names(tree))


@given(trees(), sizes, shown, st.sampled_from(LETTERS))
def test_what_is_hidden_and_shown_again_is_where_it_was(
    tree: Node, size: Cells, shown: frozenset[str], one: str
) -> None:
    assert fit(tree, size, (shown - {one}) | {one}) == fit(tree, size, shown | {one})
    rest = fit(tree, size, shown - {one})
    if rest.places:  # the others have got its room
        assert len(covered(rest)) == size.width * size.height


@given(trees(), sizes, shown, st.integers(-400, 400), st.data())
def test_a_moved_border_goes_as_far_as_both_sides_allow_and_moves_nothing_else(
    tree: Node, size: Cells, shown: frozenset[str], by: int, data: st.DataObject
) -> None:
    before = fit(tree, size, shown)
    if not before.borders:
        return
    border = data.draw(st.sampled_from(before.borders))
    after = fit(tree, size, shown, sizes=Sizes(moved(tree, before, border, by)))
    assert after.places.keys() == before.places.keys()
    new = next(each for each in after.borders if each.keys == border.keys)
    at, now = (border.place.x, new.place.x) if border.axis == "row" else (border.place.y, new.place.y)
    assert min(0, by) <= now - at <= max(0, by)
    for other in before.borders:
        if other.axis == border.axis and other.keys != border.keys and not related(other, border):
            assert other.place in [each.place for each in after.borders]


def related(one: Border, other: Border) -> bool:
    """Whether one of them is inside of a neighbour of the other's."""
    mine, theirs = set("+".join(one.keys).split("+")), set("+".join(other.keys).split("+"))
    return bool(mine & theirs)


def test_a_border_moved_by_three_is_three_cells_farther() -> None:
    tree = row(Part("a"), Part("b"))
    before = fit(tree, Cells(101, 20), "ab")
    assert before.places["a"].width == before.places["b"].width == 50
    after = fit(tree, Cells(101, 20), "ab", sizes=Sizes(moved(tree, before, before.borders[0], 3)))
    assert (after.places["a"].width, after.places["b"].width) == (53, 47)


def test_weights_of_hidden_parts_stay_what_they_are() -> None:
    tree = row(Part("a"), column(Part("b"), Part("c")), Part("d"))
    before = fit(tree, Cells(122, 40), "abd")
    weights = moved(tree, before, before.borders[0], 10)
    assert set(weights) == {"a", "b+c", "d"}
    assert fit(tree, Cells(122, 40), "abcd", sizes=Sizes(weights)).places["a"].width == 50


@pytest.mark.parametrize(
    ("name", "axis", "found"),
    [
        ("a", "row", (("a", "b+c"), 1)),
        ("b", "row", (("a", "b+c"), -1)),
        ("b", "column", (("b", "c"), 1)),
        ("c", "column", (("b", "c"), -1)),
        ("a", "column", None),
    ],
)
def test_a_part_grows_over_the_nearest_border(name: str, axis: str, found: object) -> None:
    fitted = fit(row(Part("a"), column(Part("b"), Part("c"))), Cells(120, 40), "abc")
    border = border_of(fitted, name, "row" if axis == "row" else "column")
    assert (border and (border[0].keys, border[1])) == found


def test_a_part_gets_no_more_than_it_has_use_for_until_the_user_says_so() -> None:
    tree = column(Part("list"), Part("rest"))
    sizes = Sizes(most={"list": Cells(200, 7)})
    assert fit(tree, Cells(80, 40), ["list", "rest"], sizes=sizes).places["list"].height == 7
    given = Sizes({"list": 1.0, "rest": 1.0}, sizes.most)
    assert fit(tree, Cells(80, 40), ["list", "rest"], sizes=given).places["list"].height == 20


def test_a_part_alone_has_everything_whatever_it_needs() -> None:
    tree = row(Part("a", least=Cells(100, 100)), Part("b", least=Cells(100, 100)))
    assert fit(tree, Cells(80, 24), "ab", ["b"]).places == {"b": (0, 0, 80, 24)}


def test_only_what_helps_is_dropped() -> None:
    """There are too few lines: to drop what is beside would be of no use."""
    tree = row(column(Part("a", least=Cells(20, 10)), Part("b", least=Cells(20, 10))), Part("c", least=Cells(20, 5)))
    assert set(kept(tree, Cells(80, 15), "abc", ["a", "b", "c"])) == {"a", "c"}


@given(
    st.integers(0, 300),
    st.lists(
        st.tuples(st.floats(0.01, 50), st.integers(0, 40), st.none() | st.integers(0, 90)), min_size=1, max_size=6
    ),
)
def test_shares_are_all_there_is(total: int, wanted: list[tuple[float, int, int | None]]) -> None:
    cells = share(total, [w for w, _, _ in wanted], [n for _, n, _ in wanted], [m for _, _, m in wanted])
    assert sum(cells) == total
    assert min(cells) >= 0
    if sum(n for _, n, _ in wanted) <= total:
        assert all(got >= needed for got, (_, needed, _) in zip(cells, wanted, strict=True))


def test_a_tree_without_any_of_its_parts_is_none() -> None:
    assert pruned(row(Part("a"), Part("b")), ()) is None
    assert fit(row(Part("a")), Cells(10, 10), ()).places == {}
