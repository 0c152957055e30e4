"""A plan is data: it prints, it assembles, and both executors do the same with it."""

from __future__ import annotations

import errno
import mmap
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sandbox import fast, portable, program
from engine.sandbox.plan import CHANNEL, Buffer, Mode, Plan, Ref, strings
from engine.sandbox.process import begin

EXECUTORS = ["portable", "fast"]


def perform(executor: str, plan: Plan, inputs: list[int] | None = None) -> program.Outcome:
    """Walk the plan in a child of ours; returns what the block says when the child has ended."""
    assembled = plan.assemble()
    given_inputs = (inputs or []) + [-1] * (assembled.inputs - len(inputs or []))
    if executor == "portable":
        pid, pidfd, block = portable.launch(assembled, given_inputs)
    else:
        library = fast.load()
        if library is None:
            pytest.skip("the fast executor was not built")
        pid, pidfd, block = fast.launch(library, assembled, given_inputs)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (0, 125)
    os.close(pidfd)
    assert isinstance(block, mmap.mmap)
    return program.outcome(memoryview(block))


def test_a_step_prints_as_strace_would_with_its_reason() -> None:
    plan = Plan()
    begin(plan)
    directory = plan.call("openat", -100, "/", 0, why="the top", result="top")
    plan.call("mkdirat", directory, "new", Mode(0o755), why="a directory")
    assert str(plan.steps[-1]) == 'mkdirat(top, "new", 0755)  # a directory'
    assert str(plan.steps[0]) == "prctl(SET_PDEATHSIG, 9, 0, 0, 0)  # die if the keeper dies while this is going on"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_results_flow_into_later_calls(executor: str) -> None:
    plan = Plan()
    read_end, write_end = os.pipe()
    out = plan.input("out")
    copy = plan.call("dup", out, why="another")
    plan.call("write", copy, "hello", 5, why="through it")
    outcome = perform(executor, plan, [-1, -1, -1, -1, write_end])
    assert os.read(read_end, 10) == b"hello"
    assert outcome.values[1] == 5
    assert outcome.failed == 3  # fell off the end
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failing_step_stops_the_walk_and_names_itself(executor: str) -> None:
    plan = Plan()
    plan.call("getpid", why="fine")
    plan.call("chdir", "/no/such/place", why="fails")
    plan.call("getpid", why="not reached")
    outcome = perform(executor, plan)
    assert outcome.failed == 2
    assert outcome.values[1:] == (-errno.ENOENT, program.NOT_REACHED)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_allowed_failure_is_passed_over_and_what_depends_on_it_is_skipped(executor: str) -> None:
    plan = Plan()
    opened = plan.call("openat", -100, "/no/such/place", 0, why="may fail", allow=[errno.ENOENT])
    plan.call("fchdir", opened, why="needs it")
    plan.call("getppid", why="instead of it", if_failed=opened)
    worked = plan.call("getpid", why="works")
    plan.call("getppid", why="not needed", if_failed=worked)
    outcome = perform(executor, plan)
    assert outcome.failed == 6
    assert outcome.values[:2] == (-errno.ENOENT, program.SKIPPED)
    assert outcome.values[2] == os.getpid()
    assert outcome.values[4] == program.SKIPPED


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_missing_input_skips_its_steps(executor: str) -> None:
    plan = Plan()
    plan.call("sendto", CHANNEL, "S", 1, 0, None, 0, why="nobody listens")
    assert perform(executor, plan).values == (program.SKIPPED,)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_structs_may_point_to_structs(executor: str) -> None:
    read_end, write_end = os.pipe()
    plan = Plan()
    out = plan.input("out")
    words = [Buffer(word, "") for word in (b"one ", b"two ", b"three")]
    vector = Buffer(
        b"".join(struct.pack("=QQ", 0, len(w.data)) for w in words),
        "[…]",
        tuple((16 * i, w) for i, w in enumerate(words)),
    )
    plan.call("writev", out, vector, 3, why="gather")
    perform(executor, plan, [-1, -1, -1, -1, write_end])
    assert os.read(read_end, 100) == b"one two three"
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_execve_ends_the_walk(executor: str) -> None:
    plan = Plan()
    plan.call("execve", "/no/true", strings(["true"], ""), strings([], ""), why="not here", allow=[errno.ENOENT])
    plan.call("execve", "/bin/true", strings(["true"], ""), strings([], ""), why="here")
    outcome = perform(executor, plan)
    assert (outcome.failed, outcome.current) == (0, 2)
    assert outcome.values == (-errno.ENOENT, program.UNDERWAY)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_times_never_run_backwards(executor: str) -> None:
    plan = Plan()
    for _ in range(20):
        plan.call("getpid", why="again")
    times = perform(executor, plan).times
    assert list(times) == sorted(times)
    assert times[0] > 0


def test_equal_strings_are_placed_once() -> None:
    once, twice = Plan(), Plan()
    once.call("chdir", "/" + "x" * 400, why="long")
    for _ in range(2):
        twice.call("chdir", "/" + "x" * 400, why="long")
    assert len(twice.assemble().image) - len(once.assemble().image) < 200


@given(st.lists(st.integers(min_value=-4095, max_value=1 << 40), max_size=20), st.integers(0, 21))
def test_a_receipt_reads_back_as_the_outcome(values: list[int], failed: int) -> None:
    plan = Plan()
    for _ in values:
        plan.call("getpid", why="x")
    block = bytearray(plan.assemble().image)
    header = program.HEADER.unpack_from(block)
    for i, value in enumerate(values):
        struct.pack_into("=q", block, header[6] + 8 * (plan.inputs + i), value)
    struct.pack_into("=i", block, program.FAILED_AT, failed)
    outcome = program.read_receipt(program.receipt(memoryview(block)))
    assert outcome == program.outcome(memoryview(block))
    assert outcome.values == tuple(values)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_descriptor_is_stored_in_a_struct_that_a_later_call_reads(executor: str) -> None:
    """writev(2) of a vector whose length is the descriptor that was stored there."""
    plan = Plan()
    read_end, write_end = os.pipe()
    out = plan.input("out")
    content = bytes(number % 256 for number in range(1, write_end + 100))
    vector = Buffer(struct.pack("=QQ", 0, 0), "[…]", ((0, Buffer(content, "bytes")),))
    plan.store(out, vector, 8, why="a number for a length")
    plan.call("writev", out, vector, 1, why="so many bytes")
    outcome = perform(executor, plan, [-1, -1, -1, -1, write_end])
    assert outcome.values == (0, write_end)
    assert os.read(read_end, len(content)) == content[:write_end]
    os.close(read_end)
    os.close(write_end)


def test_what_looks_at_the_hosts_files_is_moved_to_the_go_between() -> None:
    plan = Plan()
    plan.call("getpid", why="before")
    door = len(plan.steps)
    plan.call("setns", 3, 0, why="the door")
    plan.born()
    failed = plan.call("chdir", "/a", why="inside")
    opened = plan.call("open_tree", -100, "/b", 0, why="outside", outside=True)
    plan.call("fchdir", opened, why="uses it", if_failed=failed)
    plan.hoist(door)
    assert [step.why for step in plan.steps] == ["before", "outside", "the door", "inside", "uses it"]
    assert plan.before == 3
    last = plan.steps[-1]
    assert (last.args, last.if_failed) == ((Ref(1, opened.name),), Ref(3, failed.name))
