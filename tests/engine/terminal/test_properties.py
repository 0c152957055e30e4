"""Promises that hold for every stream."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from wcwidth import wcwidth

from engine.terminal import Terminal, plain_text

from .streams import broken_streams, shown, streams

sizes = st.sampled_from([(10, 4), (20, 6), (2, 1), (7, 3)])


def fed(size: tuple[int, int], *pieces: bytes) -> Terminal:
    terminal = Terminal(*size, history=50)
    for piece in pieces:
        terminal.feed(piece)
    return terminal


@given(sizes, st.binary(max_size=300) | broken_streams)
def test_no_bytes_whatever_make_it_raise(size: tuple[int, int], data: bytes) -> None:
    terminal = fed(size, data)
    terminal.text()
    terminal.redraw(10)
    plain_text(data.decode(errors="replace"))


@given(sizes, broken_streams | streams)
@example((10, 4), b"\x1b[?7labcdefghij" + "日".encode() + "\u0301".encode())
def test_how_a_stream_is_chunked_makes_no_difference(size: tuple[int, int], data: bytes) -> None:
    whole, bytewise = fed(size, data), fed(size, *(data[i : i + 1] for i in range(len(data))))
    assert shown(bytewise) == shown(whole)


@given(sizes, streams, sizes)
def test_rows_fit_the_screen_and_no_wide_character_is_cut_in_half(
    size: tuple[int, int], data: bytes, new: tuple[int, int]
) -> None:
    terminal = fed(size, data)
    for columns in (size[0], new[0]):
        for y in range(-terminal.scrollback, terminal.lines):
            row = terminal.row(y)
            width = sum(max(0, wcwidth(character)) for character in row.text)
            assert width == len(row.line[0]) == len(row.line[1]) <= columns
            assert not row.wrapped or (len(row.line[0]) >= columns - 1 and y < terminal.lines - 1)
        terminal.resize(*new)


@given(sizes, streams, streams)
def test_a_redraw_recreates_the_terminal_and_it_goes_on_the_same(
    size: tuple[int, int], data: bytes, more: bytes
) -> None:
    terminal = fed(size, data)
    copy = fed(size, terminal.redraw(history=50))
    assert shown(copy) == shown(terminal)
    terminal.feed(more)
    copy.feed(more)
    assert shown(copy) == shown(terminal)


@given(sizes, broken_streams, broken_streams)
def test_a_redraw_in_the_middle_of_a_sequence_continues_it(size: tuple[int, int], data: bytes, more: bytes) -> None:
    terminal = fed(size, data)
    copy = fed(size, terminal.redraw(history=50), more)
    terminal.feed(more)
    assert shown(copy) == shown(terminal)


@given(sizes, streams, sizes, streams)
def test_after_a_resize_the_cursor_is_on_the_screen_and_a_redraw_is_exact(
    size: tuple[int, int], data: bytes, new: tuple[int, int], more: bytes
) -> None:
    terminal = fed(size, data)
    terminal.resize(*new)
    assert 0 <= terminal.cursor[0] < new[0]
    assert 0 <= terminal.cursor[1] < new[1]
    copy = fed(new, terminal.redraw(history=50))
    assert shown(copy) == shown(terminal)
    terminal.feed(more)
    copy.feed(more)
    assert shown(copy) == shown(terminal)


@given(sizes, streams, sizes)
def test_a_late_client_reflows_as_the_original(size: tuple[int, int], data: bytes, new: tuple[int, int]) -> None:
    terminal = fed(size, data)
    copy = fed(size, terminal.redraw(history=50))
    for each in (terminal, copy):
        each.resize(*new)
    assert shown(copy) == shown(terminal)


@given(sizes, streams, streams)
def test_a_row_is_the_same_object_until_it_changes(size: tuple[int, int], data: bytes, more: bytes) -> None:
    terminal = fed(size, data)
    before = [terminal.row(y) for y in range(terminal.lines)]
    texts = [row.spans() for row in before]
    generation = terminal.generation
    assert [terminal.row(y) for y in range(terminal.lines)] == before
    terminal.feed(more)
    assert [row.spans() for row in before] == texts
    if any(terminal.row(y).spans() != text for y, text in enumerate(texts)):
        assert terminal.generation > generation
