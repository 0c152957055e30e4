"""docs/rows.md names a test for every promise that is kept, and the test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
COUNTS = {"H": 16, "N": 13, "C": 9, "R": 10, "W": 10}
PROMISES = [f"{letter}{n}" for letter, count in COUNTS.items() for n in range(1, count + 1)]
ROW = re.compile(r"^\| ([A-Z]\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
ROWS: list[tuple[str, str, str]] = ROW.findall((PROJECT / "docs" / "rows.md").read_text())
TESTS = [test for _, _, cell in ROWS for test in re.findall(r"`(.+?)`", cell)]


@cache
def names_in(file: Path) -> set[str]:
    """The tests of a file as `test_…` or `TestClass::test_…`."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(inner.name if inner is node else f"{getattr(node, 'name', '')}::{inner.name}")
    return found


def test_every_promise_has_one_row_in_order() -> None:
    assert [row for row, _, _ in ROWS] == PROMISES


@pytest.mark.parametrize(("row", "cell"), [(row, cell) for row, _, cell in ROWS])
def test_a_row_names_tests_or_says_later(row: str, cell: str) -> None:
    assert cell.startswith("later") or re.findall(r"`(.+?)`", cell), row


@pytest.mark.parametrize("test", TESTS)
def test_a_named_test_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert (PROJECT / file).is_file(), f"there is no {file}"
    assert name in names_in(PROJECT / file), f"{file} has no {name}"
