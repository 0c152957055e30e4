"""git: many short processes, deltas, threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.heap.programs.conftest import Heap, needs

WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Somebody", "EMAIL": "somebody@example.org", "DATE": "2024-02-03T04:05:06Z"}.items()
} | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "HOME": "/nonexistent"}
COMMITS = 8


@pytest.mark.parametrize("heap", ["", "check", "slabs=off"], indirect=True)
def test_a_repository_is_the_same_with_the_heap(heap: Heap, none: Heap, tmp_path: Path) -> None:
    with_heap, without = history(heap, tmp_path / "with"), history(none, tmp_path / "without")
    assert with_heap == without
    assert with_heap.count("\ncommit ") == COMMITS - 1


def history(heap: Heap, place: Path) -> str:
    """What `log -p` shows of a repository made, checked and packed."""
    program = needs("git")

    def git(*words: str) -> str:
        return heap.well(program, *words, cwd=place, **WHO)

    place.mkdir()
    git("init", "--quiet", "--initial-branch", "main")
    for number in range(COMMITS):
        for name in range(20):
            lines = (f"line {k} of {name}, as of {number * k % 7}\n" for k in range(100 * name + 10 * number))
            (place / f"file{name}.txt").write_text("".join(lines))
        git("add", "--all")
        git("commit", "--quiet", "-m", f"Change number {number}")
    git("-c", "pack.threads=4", "repack", "-adfq", "--depth", "50", "--window", "50")
    git("gc", "--quiet", "--prune=now")
    git("fsck", "--strict", "--no-progress")
    return git("log", "-p", "--stat") + git("rev-parse", "HEAD") + git("count-objects")
