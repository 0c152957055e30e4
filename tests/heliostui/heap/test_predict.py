"""The game of predicting: what counts as right."""

from __future__ import annotations

import pytest

from engine.protocol.messages import Peeked
from heliostui.heap.predict import Score, judged, possible_guess, question
from tests.heliostui.heap.test_words import FREE, MAP, SLOT, USED

TAKEN = Peeked(address=FREE.address, words=["Bin 4 has 256 bytes."])
ELSEWHERE = Peeked(address="0x7f0000009040")
MAPPED = Peeked(address="0x7f0001000040")


def test_the_block_that_is_taken_is_right_and_why_is_told() -> None:
    verdict = judged(FREE, TAKEN, MAP)
    assert verdict.right
    assert verdict.words == f"Right: it is {FREE.address}. Bin 4 has 256 bytes."


@pytest.mark.parametrize(("guess", "right"), [(FREE, False), (None, True)])
def test_new_memory_is_an_answer(guess: None, right: bool) -> None:
    assert judged(guess, MAPPED, MAP).right is right


@pytest.mark.parametrize("guess", [FREE, None])
def test_another_block_is_wrong(guess: None) -> None:
    verdict = judged(guess, ELSEWHERE, MAP)
    assert not verdict.right
    assert "0x7f0000009040" in verdict.words


def test_of_slots_the_slab_is_enough() -> None:
    there = MAP.segments[0]
    slot = Peeked(address=hex(int(there.address, 16) + 0x10050))
    guess = SLOT.__class__(
        address=hex(int(there.address, 16) + 0x10000),
        start=hex(int(there.address, 16) + 0x10000),
        size=80,
        requested=None,
        state="free",
        kind="slot",
        segment=there.address,
        slab=hex(int(there.address, 16) + 0x10000),
    )
    assert judged(guess, slot, MAP).right


def test_an_operation_that_ends_the_program_takes_no_block() -> None:
    verdict = judged(FREE, Peeked(address=None, ended="helios-heap: double free"), MAP)
    assert not verdict.right
    assert "double free" in verdict.words


def test_what_is_in_use_can_not_be_guessed() -> None:
    assert "in use" in possible_guess(USED)
    assert possible_guess(None)
    assert possible_guess(FREE) == possible_guess(SLOT) == ""


def test_the_question_names_operation_and_rule() -> None:
    words = question("alloc 200", "worst")
    assert "`alloc 200`" in words
    assert "the largest free block" in words


def test_the_score_counts_what_was_answered() -> None:
    score = Score()
    for right in (True, False, True):
        score.count(right)
    assert str(score) == "2 of 3 right"
