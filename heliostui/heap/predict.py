"""The game of the playground: which block will be taken? What was guessed, what was right and why.

Imports the protocol and words; no screen, no connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.protocol.heap import HeapBlock, HeapMap, Policy
from engine.protocol.messages import Peeked
from heliostui.heap.words import POLICIES, POLICY_RULES, operation_words

SLAB = 64 << 10  # bytes of a slab, which lies at a multiple of that (layout.h: SLAB_BYTES)


@dataclass
class Score:
    """How many questions were answered, and how many of them rightly."""

    asked: int = 0
    right: int = 0

    def count(self, right: bool) -> None:
        self.asked += 1
        self.right += right

    def __str__(self) -> str:
        return f"{self.right} of {self.asked} right"


class Verdict(NamedTuple):
    right: bool
    words: str


def question(operation: str, policy: Policy) -> str:
    """What is asked before an operation."""
    return (
        f"Which block will `{operation}` take, for {operation_words(operation)} by {POLICIES[policy]} "
        f"({POLICY_RULES[policy]})? Cursor on a free one and Enter; m: none, it needs new memory; space shows it."
    )


def possible_guess(block: HeapBlock | None) -> str:
    """Why what the cursor is on can't be meant; empty: it can."""
    if block is None:
        return "There is nothing under the cursor. Move it to a free block."
    if block.state == "used":
        return "That one is in use. Move the cursor to a free block, or one that is cached."
    if block.state == "meta":
        return "That is the allocator's own. Move the cursor to a free block."
    return ""


def judged(guess: HeapBlock | None, answer: Peeked, map: HeapMap) -> Verdict:
    """Whether it was right. `guess` None: that none is taken that is there; `map`: how it was when it was asked."""
    if answer.ended:
        return Verdict(False, f"No block: the program ends there. {answer.ended}")
    if answer.address is None:
        return _told(guess is None, "no block at all", answer)
    address = int(answer.address, 16)
    mapped = any(0 <= address - int(each.address, 16) < each.size for each in map.segments)
    if not mapped:
        return _told(guess is None, f"new memory, from a new segment; its block is at {answer.address}", answer)
    if guess is None:
        return _told(False, f"there was room: {answer.address}", answer)
    if 0 <= address - int(guess.start, 16) < guess.size:
        return _told(True, f"it is {answer.address}", answer)
    if guess.slab is not None and address // SLAB == int(guess.slab, 16) // SLAB:
        return _told(True, f"that slab, and of its slots the one at {answer.address}", answer)
    return _told(False, f"it is the block at {answer.address}", answer)


def _told(right: bool, what: str, answer: Peeked) -> Verdict:
    return Verdict(right, " ".join([f"{'Right' if right else 'Wrong'}: {what}.", *answer.words]))
