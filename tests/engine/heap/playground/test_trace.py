"""The text format of traces, and traces of recorded programs."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.heap.playground.trace import (
    LARGEST,
    LONGEST,
    Operation,
    TraceError,
    from_recording,
    lines_of,
    operation,
    parse,
)

_SIZES = st.integers(0, LARGEST)


@st.composite
def programs(draw: st.DrawFn) -> list[Operation]:
    """Operations that speak of blocks that were made before."""
    found: list[Operation] = []
    made = 0
    for kind in draw(st.lists(st.sampled_from(["alloc", "calloc", "memalign", "realloc", "free", "write", "trim"]))):
        block = draw(st.integers(1, made)) if made else 0
        size = draw(_SIZES)
        match kind:
            case "alloc":
                found.append(Operation("alloc", size=size))
            case "calloc":
                found.append(Operation("calloc", size=size, factor=draw(_SIZES)))
            case "memalign":
                found.append(Operation("memalign", size=size, factor=1 << draw(st.integers(0, 63))))
            case "trim":
                found.append(Operation("trim"))
            case "free":
                found.append(Operation("free", block=block, offset=size))
            case "realloc" if block:
                found.append(Operation("realloc", block=block, size=size))
            case "write" if block:
                found.append(Operation("write", block=block, size=size))
        made += kind in ("alloc", "calloc", "memalign")
    return found


@given(programs())
def test_what_is_written_is_read_as_the_same(program: list[Operation]) -> None:
    assert list(parse(map(str, program))) == program


@given(programs())
def test_comments_blanks_and_empty_lines_change_nothing(program: list[Operation]) -> None:
    lines = ["# a trace", "", "   "]
    for step in program:
        lines += [f"  {step}\t# so it is", "#1 is a comment at the start of a line"]
    assert list(parse(lines)) == program


@given(st.text(max_size=30), st.integers(0, 5))
def test_any_text_is_an_operation_or_refused_with_one_sentence(text: str, made: int) -> None:
    refused = ""
    try:
        found = operation(text, made)
    except TraceError as error:
        found, refused = None, str(error)
    assert found is None or operation(str(found), made) == found
    assert refused == "" or (refused.endswith(".") and "\n" not in refused)


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("alloc 4k", Operation("alloc", size=4096)),
        ("alloc 1M", Operation("alloc", size=1 << 20)),
        ("calloc 2 3g", Operation("calloc", factor=2, size=3 << 30)),
        ("memalign 4k 1", Operation("memalign", factor=4096, size=1)),
        ("free #2 # the second", Operation("free", block=2)),
        ("free #2+16", Operation("free", block=2, offset=16)),
        ("free 0x7F00", Operation("free", offset=0x7F00)),
        ("realloc #1 0 #", Operation("realloc", block=1)),
        ("write #3 300", Operation("write", block=3, size=300)),
    ],
)
def test_a_line_means(line: str, means: Operation) -> None:
    assert operation(line, 3) == means


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("free #9", "free #9: there is no block #9 yet; the blocks are #1 to #8."),
        ("free #0", "free #0: there is no block #0 yet; the blocks are #1 to #8."),
        ("free 3", '"3" is no block: free takes its number, as in "free #3".'),
        ("realloc #1+2 3", '"#1+2" is no block: realloc takes its number, as in "realloc #3".'),
        ("alloc", '"alloc" is not complete or says too much: it is written alloc SIZE.'),
        ("alloc 1 2", '"alloc 1 2" is not complete or says too much: it is written alloc SIZE.'),
        ("free #1 #2", '"free #1 #2" is not complete or says too much: it is written free #BLOCK.'),
        ("alloc many", '"many" is no size: it is written as a number of bytes, or as 4k, 1m, 2g.'),
        ("alloc -1", '"-1" is no size: it is written as a number of bytes, or as 4k, 1m, 2g.'),
        ("memalign 24 100", "24 is no alignment: it is a power of two, as 64 or 4k."),
        ("memalign 0 100", "0 is no alignment: it is a power of two, as 64 or 4k."),
        ("alloc 99999999999g", "99999999999g is more than a size can be: the largest is 18446744073709551615."),
        (
            "malloc 3",
            'There is no operation "malloc"; the operations are alloc, calloc, memalign, realloc, free, write, trim.',
        ),
    ],
)
def test_a_bad_line_is_refused_with_a_sentence(line: str, sentence: str) -> None:
    with pytest.raises(TraceError) as refused:
        operation(line, 8)
    assert str(refused.value) == sentence


def test_where_there_are_no_blocks_yet_that_is_said() -> None:
    with pytest.raises(TraceError, match=r"there is no block #1 yet; there are no blocks yet\.$"):
        operation("free #1", 0)
    with pytest.raises(TraceError, match=r"the only block is #1\.$"):
        operation("free #2", 1)


def test_a_bad_line_of_a_trace_is_named() -> None:
    with pytest.raises(TraceError, match=r"^Line 3: free #2: there is no block #2 yet; the only block is #1\.$"):
        list(parse(["# one", "alloc 1", "free #2"]))


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[str], list[Operation]]:
    """What the allocator writes of a program whose blocks have a few addresses, and the trace that it should be."""
    lines: list[str] = []
    trace: list[Operation] = []
    numbers: dict[int, int] = {}
    made = 0
    for kind in draw(st.lists(st.sampled_from("armf"), max_size=30)):
        free = sorted(set(range(1, 6)) - set(numbers))
        size = draw(st.integers(1, 5000))
        if kind in "am" and free:
            address = draw(st.sampled_from(free))
            made += 1
            numbers[address] = made
            lines.append(f"a {size} {address:#x}\n" if kind == "a" else f"m 48 {size} {address:#x}\n")
            trace.append(Operation("alloc", 0, size) if kind == "a" else Operation("memalign", 0, size, 64))
        elif kind == "r" and numbers:
            old = draw(st.sampled_from(sorted(numbers)))
            new = draw(st.sampled_from([old, *free]))
            number = numbers[new] = numbers.pop(old)
            lines.append(f"r {old:#x} {size} {new:#x}\n")
            trace.append(Operation("realloc", number, size))
        elif kind == "f" and numbers:
            address = draw(st.sampled_from(sorted(numbers)))
            lines.append(f"f {address:#x}\n")
            trace.append(Operation("free", numbers.pop(address)))
    return lines, trace


@given(recordings(), st.sampled_from(["a 100 0x7", "r 0x1 5", "f 0x1", "", "\0\0\0\0", "a 3 0x1\0\0"]))
def test_a_recording_becomes_a_trace_and_a_last_line_that_was_cut_off_is_left_out(
    recorded: tuple[list[str], list[Operation]], last: str
) -> None:
    lines, trace = recorded
    assert list(from_recording(["# helios-heap trace of process 7\n", *lines, last])) == trace
    assert list(parse(map(str, trace))) == trace


def test_what_was_there_before_a_recording_is_left_out_until_it_is_reallocated() -> None:
    lines = ["f 0x10\n", "r 0x20 300 0x30\n", "f 0x30\n"]
    assert list(map(str, from_recording(lines))) == ["alloc 300", "free #1"]


def test_an_address_that_is_given_anew_was_freed() -> None:
    lines = ["a 1 0x10\n", "a 2 0x10\n", "r 0x10 3 0x20\n", "a 4 0x10\n", "f 0x20\n"]
    words = ["alloc 1", "free #1", "alloc 2", "realloc #2 3", "alloc 4", "free #2"]
    assert list(map(str, from_recording(lines))) == words


@given(st.text())
def test_what_is_said_of_a_line_is_fit_for_a_terminal(line: str) -> None:
    try:
        operation(line, 0)
    except TraceError as error:
        said = str(error)
    else:
        said = ""
    assert said.isprintable()
    assert said.replace("…", "").isascii()


def test_a_line_is_never_read_whole_if_it_has_no_end() -> None:
    file = io.StringIO("alloc 5\n" + "#" * 3 * LONGEST)
    with pytest.raises(TraceError, match=r"^Line 2 has more than"):
        list(lines_of(file))
    assert file.tell() < 2 * LONGEST
    assert list(lines_of(io.StringIO("alloc 5\r\n\nfree #1"))) == ["alloc 5\r\n", "\n", "free #1"]
