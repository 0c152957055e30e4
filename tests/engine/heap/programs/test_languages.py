"""Interpreters and editors, at the work that the benchmark measures them with, and CPython's own tests."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.heap.programs.conftest import EVERY_WAY, WORK, Heap, needs

VIM = "-u NONE -i NONE -n -es -S".split()
# Each takes half a second or so, and passes wherever it can run at all.
MODULES = """test_list test_dict test_json test_bytes test_unicode test_array test_deque test_memoryview test_struct
    test_generators test_descr test_ast test_sort test_itertools test_long test_mmap test_zlib test_sqlite3 test_thread
    test_fork1""".split()
CHECKED = [("perl", "check"), ("node", "check"), ("sqlite3", "check"), ("vim", "check")]


@pytest.mark.parametrize(
    ("language", "heap"),
    [*((name, "") for name in ("perl", "bash", "node", "tclsh", "sqlite3", "vim")), *CHECKED],
    indirect=["heap"],
)
def test_what_a_program_writes_is_what_it_writes_without_the_heap(
    heap: Heap, none: Heap, language: str, tmp_path: Path
) -> None:
    command = work(language, tmp_path)
    assert heap.well(*command) == none.well(*command) != ""


def work(language: str, directory: Path) -> list[str | Path]:
    program = needs(language)
    match language:
        case "sqlite3":
            return [program, "-batch", "-init", WORK / "work.sql", ":memory:", ".quit"]
        case "vim":
            if "+eval" not in subprocess.run([program, "--version"], capture_output=True, text=True).stdout:
                pytest.skip("this vim was built without scripts")
            text = directory / "large.txt"
            text.write_text("".join(f"line {n} of a file with {n * 7919 % 6000} in it\n" for n in range(5000)))
            return [program, *VIM, WORK / "work.vim", text]
        case _:
            endings = {"perl": "pl", "bash": "sh", "node": "js", "tclsh": "tcl"}
            return [program, WORK / f"work.{endings[language]}"]


@pytest.mark.parametrize("heap", EVERY_WAY, indirect=True)
def test_python_writes_the_same_in_every_way_that_the_heap_can_work(heap: Heap, none: Heap) -> None:
    command = [sys.executable, WORK / "work.py"]
    assert heap.well(*command, PYTHONMALLOC="malloc") == none.well(*command) != ""


@pytest.mark.parametrize("heap", ["worst", "slabs=off"], indirect=True)
def test_perl_writes_the_same_whichever_block_is_taken(heap: Heap, none: Heap) -> None:
    command = [needs("perl"), WORK / "work.pl"]
    assert heap.well(*command) == none.well(*command) != ""


@pytest.mark.timeout(600)  # they may be run twice
def test_pythons_own_tests_pass(heap: Heap, none: Heap) -> None:
    modules = [each for each in MODULES if importlib.util.find_spec(f"test.{each}") is not None]
    if len(modules) < 10:
        pytest.skip("this Python was installed without its tests")
    command = [sys.executable, "-m", "test", "--timeout", "240"]
    ended = heap.run(*command, *modules, PYTHONMALLOC="malloc", seconds=280)
    if ended.status != 0 and (failed := failures(ended.output.decode())):
        without = none.run(*command, *failed, PYTHONMALLOC="malloc", seconds=280)
        assert failures(without.output.decode()) == failed, ended.output.decode()
    else:
        assert ended.status == 0, ended.output.decode() + ended.errors.decode()


def failures(output: str) -> set[str]:
    """Modules that CPython's test runner lists as failed."""
    found = re.search(r"tests? failed:\n((?: .*\n)+)", output)
    return set(found.group(1).split()) if found else set()


POOL = """
import concurrent.futures as futures
import multiprocessing

def squares(n):
    return [{"n": n, "square": k * k, "text": str(k) * (k % 50)} for k in range(n % 700)]

def total(pool):
    return sum(len(each) for each in pool.map(squares, range(150)))

if __name__ == "__main__":
    with futures.ThreadPoolExecutor(4) as threads:
        for method in ("fork", "spawn"):
            with futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as processes:
                print(method, total(threads), total(processes))
"""


@pytest.mark.parametrize("heap", ["", "check"], indirect=True)
def test_pools_of_processes_and_threads_work_together(heap: Heap, none: Heap, tmp_path: Path) -> None:
    program = tmp_path / "pool.py"
    program.write_text(POOL)
    assert heap.well(sys.executable, program, PYTHONMALLOC="malloc") == none.well(sys.executable, program) != ""
