"""`heliostui config`: the settings as the command line tells of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heliostui.__main__ import main
from heliostui.commands.config import EXAMPLE


def test_it_tells_where_the_file_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HELIOSTUI_CONFIG", "/some/where.toml")
    assert main(["config", "path"]) == 0
    assert capsys.readouterr().out == "/some/where.toml\n"
    monkeypatch.delenv("HELIOSTUI_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/other")
    main(["config", "path"])
    assert capsys.readouterr().out == "/other/heliostui/config.toml\n"


def test_the_example_is_right_with_and_without_its_comments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, file = re.sub(r'(?m)^# (?=[a-z_]+ =|\[|")', "", EXAMPLE), tmp_path / "config.toml"
    assert given != EXAMPLE
    for text in (EXAMPLE, given):
        file.write_text(text)
        assert main(["config", "check", str(file)]) == 0
        assert "nothing is wrong" in capsys.readouterr().out


def test_each_fault_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.toml"
    file.write_text('theme = "mono"\n[keys]\nquit = "q"\n')
    assert main(["config", "check", str(file)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert f"{file}, line 1: theme: there is no theme 'mono': did you mean" in first
    assert f"{file}, line 3: keys.quit: there is no command 'quit'" in second


def test_ids_are_listed_with_their_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "keys"]) == 0
    rows = [line.split("   ") for line in capsys.readouterr().out.splitlines()]
    assert next(row for row in rows if row[0] == "console.help")[-1].strip() == "All keys"


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "/nonexistent.toml"]) == 1
    assert "there is no such file" in capsys.readouterr().err
