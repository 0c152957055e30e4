"""The playground's operations: those that are built in, and files of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from heliostui.heap_traces import BUILT_IN, Trace, read


@pytest.mark.parametrize("trace", BUILT_IN, ids=lambda trace: trace.name)
def test_built_in_traces_free_only_what_they_have_made(trace: Trace) -> None:
    made = 0
    for operation in trace.operations:
        word, *rest = operation.split()
        if word == "alloc":
            made += 1
            assert int(rest[0]) > 0
        else:
            assert 1 <= int(rest[0].removeprefix("#")) <= made
    doubled = [each for each in trace.operations if each.startswith("free") and trace.operations.count(each) > 1]
    assert bool(doubled) == (trace.name == "A double free")


def test_a_file_has_operations_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "t.trace"
    file.write_text("# of a program\nalloc 200\n\n  free #1 # at once\nrealloc #1 300\n")
    assert read(file) == ["alloc 200", "free #1", "realloc #1 300"]


@pytest.mark.parametrize(("data", "words"), [(b"# nothing\n", "no operations"), (b"\xff\xfe", "is no text")])
def test_a_file_without_operations_is_refused_in_a_sentence(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "t.trace"
    file.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        read(file)
