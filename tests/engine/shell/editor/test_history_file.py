"""The file of lines that were typed: shared, bounded, one's own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shell.editor import history_file
from engine.shell.editor.history_file import append, load, place


def test_what_was_added_is_loaded_in_its_order(tmp_path: Path) -> None:
    path = str(tmp_path / "sub" / "history")
    entries = ["echo 1", "cat <<E\n#123\nE", "", "#99", "é \udcff"]
    for entry in entries:
        append(path, entry)
    assert load(path) == ["echo 1", "cat <<E\n#123 \nE", "", "#99", "é \udcff"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "sub").st_mode) == 0o700


def test_no_file_is_an_empty_history(tmp_path: Path) -> None:
    assert load(str(tmp_path / "none")) == []


def test_a_file_of_bash_is_understood(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("one\ntwo\n")
    (tmp_path / "timed").write_text("#1700000000\none\n#1700000001\ntwo\nlines\n")
    assert load(str(tmp_path / "plain")) == ["one", "two"]
    assert load(str(tmp_path / "timed")) == ["one", "two\nlines"]


def test_bash_understands_it(tmp_path: Path) -> None:
    path = str(tmp_path / "history")
    for entry in ("echo 1", "cat <<E\nx\nE", "true"):
        append(path, entry)
    script = f"HISTTIMEFORMAT=; history -r {path}; history"
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:3] == ["    1  echo 1", "    2  cat <<E", "x"]


text = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r"))


@given(st.lists(text.filter(lambda entry: not any(line.startswith("#") for line in entry.split("\n")))))
def test_any_entries_come_back(entries: list[str]) -> None:
    written = b"".join(history_file._written(entry, 1) for entry in entries)
    assert history_file._entries(written.decode()) == entries


def test_the_file_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "MAX_BYTES", 2_000)
    path = str(tmp_path / "history")
    for number in range(300):
        append(path, f"echo {number}")
        assert os.path.getsize(path) < 2_100
    kept = load(path)
    assert kept == [f"echo {number}" for number in range(300 - len(kept), 300)]
    assert len(kept) > 20
    assert os.listdir(tmp_path) == ["history"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_shells_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "history")
    program = (
        "import sys; from engine.shell.editor import history_file as f\n"
        "f.MAX_BYTES = 20_000\n"
        "for n in range(200): f.append(sys.argv[1], f'{sys.argv[2]} {n}')"
    )
    shells = [subprocess.Popen([sys.executable, "-c", program, path, name]) for name in "abc"]
    assert [shell.wait() for shell in shells] == [0, 0, 0]
    kept = load(path)
    for name in "abc":
        numbers = [int(entry.split()[1]) for entry in kept if entry.startswith(name)]
        assert numbers == list(range(200 - len(numbers), 200))
    assert len(kept) > 300


def test_the_place_follows_the_directories_of_xdg() -> None:
    assert place({"HOME": "/h"}) == "/h/.local/share/heliostui/heliosh_history"
    assert place({"HOME": "/h", "XDG_DATA_HOME": "/d"}) == "/d/heliostui/heliosh_history"
    assert place({"HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s"}) == "/s/heliostui/heliosh_history"
