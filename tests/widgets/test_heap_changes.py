"""What became of cells between two pictures of a heap."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from widgets.heap import HeapRow
from widgets.heap_changes import changes


def rows(*states: str, fills: Sequence[str] = ()) -> dict[int, HeapRow]:
    return {
        n: HeapRow(0, 64 * n, each, fills[n] if fills else "".join("9" if letter in "uU" else "0" for letter in each))
        for n, each in enumerate(states)
    }


def kinds(before: dict[int, HeapRow], after: dict[int, HeapRow]) -> list[str]:
    """A letter for each cell of each row: what happened to it."""
    found = changes(before, after)
    return ["".join(found.get((n, c), ".")[0] for c in range(len(row.states))) for n, row in after.items()]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["UuuuFfff"], ["UuuuFfff"], ["........"]),
        (["UuuuFfff"], ["UuuuUuFf"], ["....tts."]),  # a free block is split
        (["UuuuUuuu"], ["UuuuFfff"], ["....ffff"]),  # freed between used ones
        (["FfffUuuu"], ["Ffffffff"], ["jjjjjjjj"]),  # joined with the one before
        (["UuuuFfff"], ["Ffffffff"], ["jjjjjjjj"]),  # with the one after
        (["FfUuFfUu"], ["FfffffUu"], ["jjjjjj.."]),  # with both
        (["UuuuuFff", "ffUuuuUu"], ["UuuuuFff", "ffffffUu"], [".....jjj", "jjjjjj.."]),  # over the end of a row
        (["UuFf"], ["UuCc"], ["..cc"]),
        (["UuUu"], ["UuCc"], ["..ff"]),
        (["SSUS"], ["SUUS"], [".t.."]),
    ],
)
def test_what_happened_is_told_apart(before: list[str], after: list[str], expected: list[str]) -> None:
    assert kinds(rows(*before), rows(*after)) == expected


def test_in_large_cells_it_is_told_whether_more_or_less_is_in_use() -> None:
    assert kinds(rows("uuu", fills=["345"]), rows("uuu", fills=["354"])) == [".tf"]


def test_rows_that_are_elsewhere_or_new_do_not_count() -> None:
    moved = {0: HeapRow(0, 640, "FFFF", "0000")}
    assert changes(rows("UUUU"), moved) == {}
    assert changes({}, rows("UUUU")) == {}


def test_what_is_joined_ends_with_the_segment() -> None:
    before = {0: HeapRow(0, 0, "UuFf", "9900"), 1: HeapRow(1, 64, "ffff", "0000")}
    after = {0: HeapRow(0, 0, "Ffff", "0000"), 1: HeapRow(1, 64, "ffff", "0000")}
    assert set(changes(before, after)) == {(0, n) for n in range(4)}
