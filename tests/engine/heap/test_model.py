"""The allocator against a model of it, step by step, for every policy; and what must hold with slabs and caches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from engine.heap import library
from tests.engine.heap.model import Model

pytestmark = pytest.mark.skipif(library.path() is None, reason=library.why_missing())

FEW = settings(max_examples=15, stateful_step_count=40)
SIZES = st.one_of(
    st.integers(0, 200),
    st.integers(200, 5_000),
    st.builds(lambda granules, more: granules * 64 - 16 + more, st.integers(1, 40), st.integers(-1, 1)),
    st.sampled_from([20_000, 100_000, 400_000, 900_000]),
)
ALIGNMENTS = st.integers(0, 13).map(lambda power: 1 << power)


class Driven:
    """The process that has the heap."""

    def __init__(self, settings: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("driver.py")), library.path() or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "HELIOS_HEAP": settings, "PYTHONPATH": str(Path(__file__).parents[3])},
            text=True,
        )

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        found: dict[str, Any] = json.loads(answer)
        assert "ended" not in found, "the heap's process has ended: see what it said"
        return found

    def end(self) -> None:
        self._process.communicate()


class Machine(RuleBasedStateMachine):
    """Operations of all kinds; `said`: what the heap was like after the last of them."""

    driven: ClassVar[Driven]

    def __init__(self) -> None:
        super().__init__()
        self.driven.ask("fresh")
        self.said: dict[str, Any] = {}
        self.blocks: dict[int, int] = {}  # addresses and sizes

    def do(self, *operation: object) -> int:
        self.said = self.driven.ask(json.dumps(operation))
        return int(self.said["address"])

    def has_blocks(self) -> bool:
        return bool(self.blocks)

    @rule(size=SIZES)
    def alloc(self, size: int) -> None:
        self.made(self.do("alloc", size), size, 16)

    @rule(count=st.integers(1, 10), size=st.integers(0, 1_000))
    def calloc(self, count: int, size: int) -> None:
        self.made(self.do("calloc", count, size), count * size, 16)

    @rule(alignment=ALIGNMENTS, size=SIZES)
    def memalign(self, alignment: int, size: int) -> None:
        self.made(self.do("memalign", alignment, size), size, alignment)

    @precondition(has_blocks)
    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(sorted(self.blocks)))
        self.do("free", address)
        del self.blocks[address]
        self.freed(address)

    @precondition(has_blocks)
    @rule(data=st.data(), size=SIZES)
    def realloc(self, data: st.DataObject, size: int) -> None:
        old = data.draw(st.sampled_from(sorted(self.blocks)))
        new = self.do("realloc", old, size)
        del self.blocks[old]
        if not size:
            assert not new
            self.freed(old)
            return
        self.blocks[new] = size
        self.moved(old, new, size)

    def made(self, address: int, size: int, alignment: int) -> None:
        assert address, "there was no memory"
        assert address % max(alignment, 16) == 0
        self.blocks[address] = size

    def freed(self, address: int) -> None:
        pass

    def moved(self, old: int, new: int, size: int) -> None:
        assert new % 16 == 0

    @invariant()
    def no_two_blocks_overlap(self) -> None:
        ordered = sorted(self.blocks.items())
        for (start, size), (following, _) in pairwise(ordered):
            assert start + max(size, 1) <= following

    @invariant()
    def all_content_is_kept(self) -> None:
        assert not self.said.get("damaged")

    @invariant()
    def the_heap_is_sound(self) -> None:
        assert not self.said.get("unsound")


class Blocks(Machine):
    """With blocks only: the model knows what must become of each operation."""

    policy: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(self.policy)
        self.arenas: set[int] = set()

    def made(self, address: int, size: int, alignment: int) -> None:
        super().made(address, size, alignment)
        self.take(address, size, max(alignment, 64))

    def take(self, address: int, size: int, alignment: int) -> None:
        new = [(first, end) for first, end in self.said["arenas"] if first not in self.arenas]
        assert bool(new) == (not self.model.suffice(size, alignment)), "an arena is mapped if and only if it is needed"
        for first, end in new:
            self.arenas.add(first)
            self.model.add_arena(first, end)
        self.model.take(size, alignment, address)

    def freed(self, address: int) -> None:
        self.model.release(address)

    def moved(self, old: int, new: int, size: int) -> None:
        if self.model.resize(old, size):
            assert new == old, "it could have stayed"
        else:
            self.take(new, size, 64)
            self.model.release(old)

    @rule()
    def trim(self) -> None:
        self.do("trim")
        gone = self.arenas - {first for first, _ in self.said["arenas"]}
        for first in gone:
            del self.model.free[first]
        self.arenas -= gone

    @invariant()
    def the_free_blocks_are_those_of_the_model(self) -> None:
        if self.said:
            assert {int(start): size for start, size in self.said["free"].items()} == self.model.free

    @invariant()
    def no_free_block_has_a_free_neighbour(self) -> None:
        free = {int(start): size for start, size in self.said.get("free", {}).items()}
        assert not [start for start, size in free.items() if start + size in free]

    @invariant()
    def the_totals_are_true(self) -> None:
        if self.said:
            assert self.said["used_bytes"] == self.model.used_bytes
            assert self.said["free_bytes"] == self.model.free_bytes


class Served(Machine):
    """With all that serves requests: slabs, blocks and mappings of their own."""

    @rule(size=st.sampled_from([1 << 20, 1_500_000, 3 << 20]))
    def alloc_huge(self, size: int) -> None:
        self.alloc(size)

    @rule(alignment=st.integers(14, 23).map(lambda power: 1 << power), size=SIZES)
    def memalign_far(self, alignment: int, size: int) -> None:
        self.memalign(alignment, size)

    @precondition(Machine.has_blocks)
    @rule(data=st.data(), size=st.sampled_from([1 << 20, 5 << 20]))
    def realloc_huge(self, data: st.DataObject, size: int) -> None:
        self.realloc(data, size)

    @rule()
    def trim(self) -> None:
        self.do("trim")


def _run(machine: type[Machine], asked: str) -> None:
    machine.driven = Driven(f"{asked},base=0x600000000000")
    try:
        run_state_machine_as_test(machine, settings=FEW)
    finally:
        machine.driven.end()


@pytest.mark.parametrize("policy", ["best", "first", "next", "worst"])
def test_blocks_are_chosen_split_and_joined_as_the_policy_says(policy: str) -> None:
    _run(type(policy, (Blocks,), {"policy": policy}), f"policy={policy},slabs=off,cache=off")


@pytest.mark.parametrize(
    "asked", ["policy=best", "policy=first", "cache=off", "slabs=off", "check", "check,policy=worst,slabs=off"]
)
def test_with_slabs_and_caches_nothing_overlaps_and_all_content_is_kept(asked: str) -> None:
    _run(type("Machine", (Served,), {}), asked)
