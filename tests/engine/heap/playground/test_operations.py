"""The list of operations, and which blocks a program has at any step of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.heap.playground import operations
from engine.heap.playground.operations import Living, Operations
from engine.heap.playground.trace import Operation, TraceError
from tests.engine.heap.playground.test_trace import programs


def _filled(program: list[Operation]) -> Operations:
    found = Operations()
    found.extend(map(str, program))
    found.answers[: len(program)] = [1] * len(program)  # there was always memory
    return found


def _alive(program: list[Operation]) -> dict[int, int]:
    """Blocks and what was asked for them, by simply doing it."""
    alive: dict[int, int] = {}
    made = 0
    for step in program:
        made += step.makes_block
        if step.makes_block:
            alive[made] = (step.size * step.factor if step.kind == "calloc" else step.size) % 2**64
        elif step.kind == "realloc" and step.size and step.block in alive:
            alive[step.block] = step.size
        elif (step.kind == "realloc" and not step.size) or (step.kind == "free" and step.block and not step.offset):
            alive.pop(step.block, None)
    return alive


def _sensible(program: list[Operation]) -> list[Operation]:
    """Without a second free, and reallocs of what was freed: those end a program."""
    kept: list[Operation] = []
    alive: set[int] = set()
    made = 0
    for step in program:
        if step.block and step.block not in alive:
            continue
        made += step.makes_block
        alive |= {made} if step.makes_block else set()
        if step.block and not step.offset and (step.kind == "free" or (step.kind == "realloc" and not step.size)):
            alive.discard(step.block)
        kept.append(step)
    return kept


@given(programs())
def test_operations_are_kept_as_they_are(program: list[Operation]) -> None:
    kept = _filled(program)
    assert [kept[index] for index in range(len(kept))] == program
    assert kept.made(len(kept)) == sum(step.makes_block for step in program)


@settings(max_examples=200)
@given(programs(), st.lists(st.integers(0, 40), max_size=6))
def test_at_any_step_it_is_known_which_blocks_there_are(program: list[Operation], steps: list[int]) -> None:
    program = _sensible(program)
    kept = _filled(program)
    living = Living(kept)
    for step in (min(step, len(program)) for step in [*steps, 0, len(program)]):
        living.go(step)
        alive = _alive(program[:step])
        assert living.newest(1000) == sorted(alive)
        assert living.newest(2) == sorted(alive)[-2:]
        assert {block: kept.requested(block, step) % 2**64 for block in alive} == alive


@given(programs(), st.integers(0, 40), programs())
def test_what_is_cut_off_leaves_nothing_behind(program: list[Operation], step: int, further: list[Operation]) -> None:
    kept, step = _filled(program), min(step, len(program))
    kept.truncate(step)
    kept.extend(str(each) for each in further)
    again = _filled([*program[:step]])
    again.extend(str(each) for each in further)
    assert [kept[index] for index in range(len(kept))] == [again[index] for index in range(len(again))]
    assert [kept.block(index) for index in range(len(kept))] == [again.block(index) for index in range(len(again))]


def test_a_line_that_is_wrong_adds_none_of_them() -> None:
    kept = Operations()
    with pytest.raises(TraceError):
        kept.extend(["alloc 1", "free #2"])
    assert len(kept) == 0
    kept.extend(["alloc 1", "free #1"])
    assert len(kept) == 2


def test_a_playground_has_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LIMIT", 3)
    kept = Operations()
    kept.extend(["alloc 1"] * 3)
    with pytest.raises(TraceError, match=r"^That makes 4 operations; a playground takes 3\.$"):
        kept.extend(["alloc 1"])


def test_mistakes_and_trims_are_not_replayed_with_the_others() -> None:
    kept = Operations()
    kept.extend(["alloc 1", "free #1", "write #1 1", "alloc 1", "trim", "free #1+1", "free 0x1"])
    assert [kept.together(start, len(kept)) for start in range(len(kept))] == [2, 2, 2, 4, 4, 5, 6]
