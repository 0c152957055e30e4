"""Each example shows what it says."""

from __future__ import annotations

import pytest

from engine.heap.playground import examples
from engine.heap.playground.client import BASE, Playgrounds
from engine.heap.playground.examples import EXAMPLES, Example
from engine.heap.playground.trace import parse
from engine.protocol.heap import HeapOptions, Playground, Policy

ARENA = 4 << 20


async def _played(
    playgrounds: Playgrounds, example: Example, policy: Policy = "best", check: bool = False
) -> Playground:
    opened = await playgrounds.open(HeapOptions(policy=policy, cache=False, check=check))
    return await playgrounds.play(opened.id, example.lines)


def _where(shown: Playground) -> int:
    """In which segment the last operation's block is."""
    assert shown.last is not None
    return (int(shown.last.address or "", 16) - BASE) // ARENA


def test_all_have_names_and_can_be_read() -> None:
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)
    for example in EXAMPLES:
        assert list(parse(example.lines))


async def test_what_three_neighbours_were_is_one_free_block(playgrounds: Playgrounds) -> None:
    shown = await _played(playgrounds, examples.COALESCING)
    assert shown.last is not None
    assert "bin 143 has 9,152 bytes" in shown.last.words[0]
    shown = await playgrounds.seek(shown.id, 7)
    assert shown.last is not None
    assert len([words for words in shown.last.words if words.startswith("Joined")]) == 2


async def test_half_of_it_is_free_and_nothing_larger_fits(playgrounds: Playgrounds) -> None:
    shown = await _played(playgrounds, examples.ALTERNATING)
    shown = await playgrounds.seek(shown.id, 61)
    assert shown.last is not None
    assert shown.last.address == f"{max(int(block.address, 16) for block in shown.blocks):#x}"


@pytest.mark.parametrize(
    ("example", "better", "worse"),
    [(examples.FIRST_BEATS_BEST, "first", "best"), (examples.BEST_BEATS_FIRST, "best", "first")],
)
async def test_one_policy_needs_an_arena_less(
    example: Example, better: Policy, worse: Policy, playgrounds: Playgrounds
) -> None:
    assert _where(await _played(playgrounds, example, better)) == 0
    shown = await _played(playgrounds, example, worse)
    assert _where(shown) == 1
    assert shown.last is not None
    assert "A new arena is mapped" in shown.last.words[1]


async def test_a_sawtooth_asks_the_kernel_once(playgrounds: Playgrounds) -> None:
    shown = await _played(playgrounds, examples.SAWTOOTH)
    assert shown.blocks == []
    asked = 0
    for step in range(1, 61):
        shown = await playgrounds.seek(shown.id, step)
        asked += bool(shown.last and any(event.kind == "map" for event in shown.last.events))
    assert asked == 1


async def test_a_full_slab_is_followed_by_another_and_an_empty_one_dropped(playgrounds: Playgrounds) -> None:
    shown = await _played(playgrounds, examples.SLABS)
    assert shown.last is not None
    assert shown.last.words[0].startswith("Slot 30 of 64")
    assert "any size can have it next" in shown.last.words[1]
    shown = await playgrounds.seek(shown.id, 65)
    assert shown.last is not None
    assert shown.last.words[0].startswith("A new slab")


async def test_a_block_grows_where_it_can(playgrounds: Playgrounds) -> None:
    shown = await _played(playgrounds, examples.GROWING)
    listed = await playgrounds.operations(shown.id)
    assert len({each.result for each in listed if each.result.startswith("#1 ")}) == 2
    assert shown.blocks == []


@pytest.mark.parametrize(
    ("example", "check", "step", "line"),
    [
        (examples.DOUBLE_FREE, False, 4, "double free"),
        (examples.DOUBLE_FREE, True, 4, "double free"),
        (examples.STALE_POINTER, False, 6, "double free"),
        (examples.STALE_POINTER, True, 4, "double free"),
        (examples.OVERFLOW, False, 5, "overwritten header"),
        (examples.OVERFLOW, True, 6, "overflow"),
    ],
)
async def test_mistakes_end_the_program_where_they_can_be_noticed(
    example: Example, check: bool, step: int, line: str, playgrounds: Playgrounds
) -> None:
    shown = await _played(playgrounds, example, check=check)
    assert shown.step == step
    assert line in shown.ended
    assert "not recorded" not in shown.ended
