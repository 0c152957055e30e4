"""Programs with no heap of ours, and processes that end, change or may not be read: one sentence each."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.heap import layout, library
from engine.heap.inspector.inspection import Inspection
from engine.heap.inspector.target import _unsuited
from engine.protocol.heap import HeapView
from engine.protocol.messages import ErrorCode
from tests.engine.heap.inspector.conftest import NOBODY, PUPPET, Puppet, as_nobody, inspecting, root_of

Puppets = Callable[..., Puppet]

FOREIGN = """
#include <stdint.h>
struct { uint64_t magic; uint32_t version, size; void *self; char rest[4096]; }
    heap __attribute__((aligned(4096))) = {%#x, %d, %d, %s};
"""


def refused(pid: int) -> EngineError:
    """What a question about a heap comes to that can't be read."""

    def question() -> None:
        inspection = Inspection(pid)
        try:
            inspection.answer(inspection.report)
        finally:
            inspection.close()

    with pytest.raises(EngineError) as caught:
        question()
    assert caught.value.message.endswith(".")
    assert str(pid) in caught.value.message
    return caught.value


def foreign_library(directory: Path, version: int, size: int, own_address: str) -> str:
    source, made = directory / "foreign.c", directory / "foreign.so"
    source.write_text(FOREIGN % (layout.ROOT_MAGIC, version, size, own_address))
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", made, source], check=True, timeout=60)
    return str(made)


def test_the_root_is_found_where_the_library_has_it(puppets: Puppets) -> None:
    puppet = puppets()
    with inspecting(puppet) as inspection:
        inspection.answer(inspection.process)
        assert inspection._root == root_of(puppet)


def test_a_program_without_our_allocator_has_no_heap(puppets: Puppets) -> None:
    error = refused(puppets(preload="").pid)
    assert error.code is ErrorCode.NO_HEAP
    assert "it was started without --heap" in error.message


def test_a_library_that_could_not_be_loaded_is_told_from_none(puppets: Puppets) -> None:
    error = refused(puppets(preload="/nowhere/heap.so").pid)
    assert "it was to have one, but the library is not in it" in error.message


def test_a_heap_of_another_version_is_named(puppets: Puppets, tmp_path: Path) -> None:
    made = foreign_library(tmp_path, 999, layout.HeapRoot.SIZE, "&heap")
    error = refused(puppets(preload=made).pid)
    assert error.code is ErrorCode.NO_HEAP
    assert f"version 999, and this engine reads version {layout.LAYOUT_VERSION}" in error.message


@pytest.mark.parametrize(("size", "own"), [(layout.HeapRoot.SIZE, "0"), (8, "&heap")])
def test_what_only_looks_like_a_root_is_none(puppets: Puppets, tmp_path: Path, size: int, own: str) -> None:
    made = foreign_library(tmp_path, layout.LAYOUT_VERSION, size, own)
    assert "started without" in refused(puppets(preload=made).pid).message


def test_a_statically_linked_program_says_so(tmp_path: Path) -> None:
    program = tmp_path / "static"
    made = subprocess.run(["gcc", "-static", "-w", "-o", program, PUPPET], capture_output=True, timeout=60, check=False)
    if made.returncode:
        pytest.skip("this machine has no static libc")
    puppet = Puppet(program)
    try:
        assert "statically linked" in refused(puppet.pid).message
    finally:
        puppet.end()


def elf(bits: int, loader: bytes) -> bytes:
    """The beginning of a program with one header, which names its loader."""
    head = bytearray(64 + 56 + len(loader))
    head[:5] = b"\x7fELF" + bytes([bits])
    head[32:40], head[54:56], head[56:58] = (64).to_bytes(8, "little"), b"\x38\0", b"\1\0"
    head[64:68], head[72:80] = b"\3\0\0\0", (120).to_bytes(8, "little")
    head[96:104], head[120:] = len(loader).to_bytes(8, "little"), loader
    return bytes(head)


def test_programs_for_musl_and_for_32_bits_say_so() -> None:
    assert "musl (/lib/ld-musl-x86_64.so.1)" in _unsuited(elf(2, b"/lib/ld-musl-x86_64.so.1\0"))
    assert "32-bit" in _unsuited(elf(1, b""))
    assert _unsuited(elf(2, b"/lib64/ld-linux-x86-64.so.2\0")) == ""
    assert _unsuited(b"#!/bin/sh") == ""


def test_a_kernel_thread_and_a_number_that_nobody_has_are_no_processes() -> None:
    assert refused(2**22 + 1).code in (ErrorCode.WRONG_STATE, ErrorCode.INVALID)
    with pytest.raises(EngineError) as caught:
        Inspection(-7)
    assert caught.value.code is ErrorCode.INVALID


def test_a_process_that_has_ended_says_so(puppets: Puppets) -> None:
    puppet = puppets()
    with inspecting(puppet) as inspection:
        inspection.answer(inspection.report)
        puppet.process.kill()
        os.waitid(os.P_PID, puppet.pid, os.WEXITED | os.WNOWAIT)  # a zombie, whose number nobody else can have
        for question in (inspection.report, lambda: inspection.picture(HeapView(still=True))):
            with pytest.raises(EngineError) as caught:
                inspection.answer(question)
            assert (caught.value.code, "has ended" in caught.value.message) == (ErrorCode.WRONG_STATE, True)
    assert refused(puppet.pid).code is ErrorCode.WRONG_STATE


def test_a_process_that_ends_while_it_is_read_is_no_heap_of_somebody_else(puppets: Puppets) -> None:
    puppet = puppets()
    with inspecting(puppet) as inspection:

        def question() -> object:
            report = inspection.report()
            puppet.process.kill()
            os.waitid(os.P_PID, puppet.pid, os.WEXITED | os.WNOWAIT)
            return report

        with pytest.raises(EngineError, match="has ended"):
            inspection.answer(question)


def test_another_program_in_the_same_process_is_read_anew(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.alloc(100_000)
    with inspecting(puppet) as inspection:
        before = inspection.answer(inspection.report)
        puppet.say("x")  # exec, with the same environment
        puppet.tell("f", 0)
        after = inspection.answer(inspection.report)
        assert after.totals.used < before.totals.used
        assert len(after.history) == 1
        puppet.say("y")  # exec, without the library
        puppet.tell("f", 0)
        with pytest.raises(EngineError, match="started without"):
            inspection.answer(inspection.report)


def test_a_heap_may_have_nothing_in_it_yet(puppets: Puppets) -> None:
    with inspecting(puppets()) as inspection:
        report = inspection.answer(inspection.report)
        map = inspection.answer(lambda: inspection.picture(HeapView()))
    assert (report.totals.mapped, report.segments, map.rows, map.all_rows) == (0, [], [], 0)


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@root_only
def test_what_the_kernel_does_not_permit_is_said(puppets: Puppets) -> None:
    puppet = puppets()

    def question() -> tuple[ErrorCode, str]:
        error = refused(puppet.pid)
        return error.code, error.message

    code, message = as_nobody(question)
    assert code is ErrorCode.UNSUPPORTED
    assert "may not be read: it is not a process of this user" in message


@pytest.fixture
def for_everybody(puppet_program: Path) -> Iterator[Path]:
    """A directory that all may read, with the puppet and the library."""
    with tempfile.TemporaryDirectory(prefix="heliostui-test-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        shutil.copy(puppet_program, directory / "puppet")
        shutil.copy(library.needed(), directory / "heap.so")
        yield directory


@root_only
@pytest.mark.parametrize("before", [(), ("unshare", "--user", "--map-root-user")])
def test_an_ordinary_user_reads_what_is_theirs(for_everybody: Path, before: tuple[str, ...]) -> None:
    """Its own processes; those in a user namespace that it has made, too: so are rootless containers."""

    def used() -> int:
        puppet = Puppet(*before, for_everybody / "puppet", preload=str(for_everybody / "heap.so"))
        try:
            puppet.alloc(100_000)
            with inspecting(puppet) as inspection:
                return inspection.answer(inspection.report).totals.used
        finally:
            puppet.end()

    try:
        assert as_nobody(used) >= 100_000
    except RuntimeError as error:
        if not before or subprocess.run(["unshare", "--user", "true"], user=NOBODY, check=False).returncode == 0:
            raise
        pytest.skip(f"this machine gives ordinary users no user namespaces: {error}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read it all the same")
def test_a_program_that_closes_itself_is_not_read(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("d")
    assert refused(puppet.pid).code is ErrorCode.UNSUPPORTED


def test_a_standing_program_is_read_like_any_other(puppets: Puppets) -> None:
    puppet = puppets()
    puppet.tell("b", 2000, 9000)
    puppet.stop()
    with inspecting(puppet) as inspection:
        assert inspection.answer(inspection.report).consistent
    os.kill(puppet.pid, signal.SIGCONT)


def test_asking_about_many_processes_answers_for_each(puppets: Puppets) -> None:
    with_heap, without = puppets("policy=worst"), puppets(preload="")
    with_heap.alloc(3000)
    with inspecting(with_heap) as inspection:
        found = inspection.process()
    assert (found.host_pid, found.reason, found.options and found.options.policy) == (with_heap.pid, "", "worst")
    assert found.used >= 3000
    assert found.command.endswith("puppet")
    with inspecting(without) as inspection:
        found = inspection.process()
    assert (found.reason, found.options) == ("it was started without --heap", None)


def test_the_engine_that_asks_has_no_numpy() -> None:
    look = "import sys, engine.heap.inspector.client; print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == "False\n"
