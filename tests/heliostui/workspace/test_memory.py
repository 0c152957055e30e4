"""What is remembered of layouts: nothing that is wrong with the file matters, and nobody's home is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.places import Places, usual
from heliostui.workspace.layouts import LAYOUTS, REGIONS
from heliostui.workspace.memory import Memory, Remembered, encoded, file_of, read, write
from heliostui.workspace.tree import names


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "console.json"
    kept = Remembered("shell", {"shell": Memory({"wide": {"terminals": 2.5}}, ["graphs"], "terminals")})
    write(file, encoded(kept))
    assert read(file) == kept
    assert [each.name for each in file.parent.iterdir()] == ["console.json"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"layout": 3}', b'{"layouts": {"shell": {"weights": 1}}}', b"\xff", b"[" * 10_000]
)
def test_a_file_that_makes_no_sense_is_no_file(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "console.json"
    file.write_bytes(data)
    assert read(file) == Remembered()


def test_what_another_version_knows_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "console.json"
    file.write_text(
        '{"layout": "attic", "new": 1, "layouts": {"attic": {}, "console":'
        ' {"hidden": ["heap", "moon"], "zoomed": "moon", "weights": {"wide": {"a": 0, "b": 2, "c": -1}}}}}'
    )
    assert read(file) == Remembered("", {"console": Memory({"wide": {"b": 2.0}}, ["heap"], None)})


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    write(tmp_path / "file" / "console.json", b"{}")
    assert read(tmp_path / "file" / "console.json") == Remembered()


def test_a_home_that_does_not_exist_stays_that_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELIOSTUI_STATE", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    file = file_of(Places(tmp_path, Path(usual()[1]).absolute()))
    assert file.is_relative_to(tmp_path / "nowhere")
    write(file, b"{}")
    assert not (tmp_path / "nowhere").exists()


def test_an_engine_that_was_moved_has_its_layouts_with_it(tmp_path: Path) -> None:
    assert file_of(Places(tmp_path / "run", tmp_path / "state")) == tmp_path / "state" / "console.json"


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=lambda layout: layout.name)
@pytest.mark.parametrize("wide", [True, False])
def test_every_layout_has_a_place_for_every_region(layout: object, wide: bool) -> None:
    found = LAYOUTS[layout.name]  # type: ignore[attr-defined]
    assert sorted(names(found.tree(wide))) == sorted(REGIONS)
    assert found.hidden < set(REGIONS)
