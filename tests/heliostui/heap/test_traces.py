"""The playground's operations: those that are built in, and files of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliostui.heap.traces import BUILT_IN, Trace, read


@pytest.mark.parametrize("trace", BUILT_IN, ids=lambda trace: trace.name)
def test_built_in_traces_have_a_name_and_operations(trace: Trace) -> None:
    assert len(trace.operations) >= 4
    assert 0 < len(trace.name) <= 60
    assert len(trace.about) <= 110


def test_a_file_has_operations_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text("# of a program\nalloc 200\n\n  free #1 # at once\nrealloc #1 300\n")
    found = read(file)
    assert found.operations == ("alloc 200", "free #1", "realloc #1 300")
    assert found.notes == {2: "At once"}


def test_what_a_trace_says_between_its_operations_is_of_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text("alloc 200 # the first\n# and more\nfree #1\n")
    assert read(file).notes == {1: "The first and more"}


def test_sizes_may_have_letters(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text("alloc 4k\n")
    assert read(file).operations == ("alloc 4096",)


def test_a_line_that_is_no_operation_is_named(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text("alloc 200\nfree #2\n")
    with pytest.raises(ValueError, match=r"Line 2: .*no block #2"):
        read(file)


@pytest.mark.parametrize(("data", "words"), [(b"# nothing\n", "no operations"), (b"\xff\xfe", "is no text")])
def test_a_file_without_operations_is_refused_in_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "t.trace"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        read(file)


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no file"):
        read(Path("/dev/zero"))
    file = tmp_path / "t.trace"
    file.write_text("1" * 1_000_000)
    with pytest.raises(ValueError, match="Line 1 has more than"):
        read(file)
