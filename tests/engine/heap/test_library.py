"""Where the allocator is, how its options are written, and what makes programs use it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.heap import library
from engine.protocol.heap import HeapOptions
from engine.protocol.messages import ErrorCode

OPTIONS = st.builds(
    HeapOptions,
    policy=st.sampled_from(library.POLICIES),
    slabs=st.booleans(),
    cache=st.booleans(),
    check=st.booleans(),
)
compiled = pytest.mark.skipif(library.path() is None, reason=library.why_missing())


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a compiler."""
    monkeypatch.setattr(library, "path", lambda: None)


@given(OPTIONS)
def test_options_are_spelled_as_they_are_read(options: HeapOptions) -> None:
    assert library.parse(library.spelled(options)) == options


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", HeapOptions()),
        ("first", HeapOptions(policy="first")),
        ("policy=next", HeapOptions(policy="next")),
        ("check,slabs=off,cache=off,worst", HeapOptions(policy="worst", slabs=False, cache=False, check=True)),
        ("slabs=on,cache=on,best", HeapOptions()),
        ("first,first,,check,", HeapOptions(policy="first", check=True)),
    ],
)
def test_options_are_read_in_any_order(text: str, options: HeapOptions) -> None:
    assert library.parse(text) == options


@given(st.text())
def test_text_is_options_or_refused_in_a_sentence(text: str) -> None:
    try:
        assert isinstance(library.parse(text), HeapOptions)
    except ValueError as error:
        assert "write some of" in str(error) or "contradicts" in str(error)  # noqa: PT017 - either is fine


@compiled
@given(OPTIONS)
def test_the_allocator_understands_all_options(options: HeapOptions) -> None:
    """It says in a line what it does not understand."""
    path = library.path()
    assert path is not None
    environment = library.environment(options, {}, path)
    done = subprocess.run(["/bin/true"], env=environment, capture_output=True, check=True)
    assert done.stderr == b""


def test_what_was_preloaded_stays_preloaded_behind_ours() -> None:
    ours = library.environment(HeapOptions(), {"LD_PRELOAD": "/a.so:/b.so", "HELIOS_HEAP": "events"})
    assert ours == {"LD_PRELOAD": f"{library.INSIDE}:/a.so:/b.so", "HELIOS_HEAP": "policy=best,events"}


@pytest.mark.parametrize(
    ("before", "asked", "kept"),
    [
        ([], ["LD_PRELOAD=/a.so"], ["LD_PRELOAD=/a.so"]),
        ([f"LD_PRELOAD={library.INSIDE}"], ["A=b"], ["A=b"]),
        ([f"LD_PRELOAD={library.INSIDE}"], ["LD_PRELOAD=/a.so"], [f"LD_PRELOAD={library.INSIDE}:/a.so"]),
        ([f"LD_PRELOAD={library.INSIDE}:/x.so"], ["LD_PRELOAD=/a.so"], [f"LD_PRELOAD={library.INSIDE}:/a.so"]),
        ([f"LD_PRELOAD={library.INSIDE}"], ["LD_PRELOAD="], ["LD_PRELOAD="]),
    ],
)
def test_a_further_program_has_it_beside_a_preload_of_its_own(
    before: list[str], asked: list[str], kept: list[str]
) -> None:
    assert library.kept(before, asked) == kept


@compiled
def test_what_is_laid_out_is_a_copy_that_everybody_may_read(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        library.lay_out(tmp_path / "heap")
    finally:
        os.umask(before)
    assert (tmp_path / "heap").stat().st_mode & 0o777 == 0o755
    found = tmp_path / "heap" / library.NAME
    assert found.stat().st_mode & 0o777 == 0o755
    path = library.path()
    assert path is not None
    assert found.read_bytes() == Path(path).read_bytes()
    for link in library.LINKS:
        assert (tmp_path / "heap" / link / library.NAME).samefile(found)
    assert (tmp_path / "heap" / "lib" / library.MULTIARCH / library.NAME).samefile(found)


@compiled
def test_what_is_laid_out_already_is_left_alone_and_an_old_one_is_replaced(tmp_path: Path) -> None:
    library.lay_out(tmp_path)
    first = (tmp_path / library.NAME).stat()
    library.lay_out(tmp_path)
    assert (tmp_path / library.NAME).stat().st_ino == first.st_ino
    with (tmp_path / library.NAME).open("rb") as in_use:
        (tmp_path / library.NAME).chmod(0o700)
        os.utime(tmp_path / library.NAME, (0, 0))
        library.lay_out(tmp_path)
        assert os.fstat(in_use.fileno()).st_size == first.st_size  # who has it mapped keeps what it mapped
    assert (tmp_path / library.NAME).stat().st_ino != first.st_ino
    assert sorted(os.listdir(tmp_path)) == sorted([library.NAME, *library.LINKS])


@compiled
def test_what_somebody_put_there_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    there = tmp_path / "heap"
    there.mkdir()
    for name in (library.NAME, f"{library.NAME}.{os.getpid()}"):
        (there / name).symlink_to(precious)
    library.lay_out(there)
    assert precious.read_text() == "mine"
    assert not (there / library.NAME).is_symlink()


@compiled
def test_what_can_not_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / library.NAME / "deep").mkdir(parents=True)
    with pytest.raises(OSError, match=library.NAME):
        library.lay_out(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([library.NAME, *library.LINKS])


@compiled
def test_the_loader_finds_it_where_it_was_laid_out(tmp_path: Path) -> None:
    library.lay_out(tmp_path)
    environment = library.environment(HeapOptions(), {}, library.preload(str(tmp_path)))
    shown = subprocess.run(["/bin/cat", "/proc/self/maps"], env=environment, capture_output=True, text=True, check=True)
    assert str(tmp_path / library.NAME) in shown.stdout
    assert shown.stderr == ""


def test_where_it_was_not_compiled_that_is_said(missing: None, tmp_path: Path) -> None:
    for work in (library.needed, lambda: library.lay_out(tmp_path / "heap")):
        with pytest.raises(EngineError) as refusal:
            work()
        assert refusal.value.code is ErrorCode.UNSUPPORTED
        assert "gcc" in refusal.value.message
    assert not (tmp_path / "heap").exists()
