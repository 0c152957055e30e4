"""What a file of settings says, and how its faults are told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.settings.file import Known, read
from heliostui.settings.presets import PRESETS
from heliostui.settings.start import known
from heliostui.settings.values import OwnTheme, Settings

KNOWN = Known(
    themes=("helios-dark", "nord"),
    layouts=("console", "lecture"),
    commands=("container.stop", "container.start", "tab.logs"),
)


def settings(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return read(file, KNOWN)


def test_without_a_file_there_are_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path / "none.toml", KNOWN) == Settings()


def test_all_that_may_be_set(tmp_path: Path) -> None:
    given = """
theme = "mine"
layout = "lecture"
prefix = "ctrl+b"
image = "busybox"
slow_line = true

[rates]
numbers = 2
graphs = 0.5

[keys]
container.stop = "x"
"tab.logs" = ["F2", "?"]
container.start = ""

[themes.mine]
dark = false
primary = "#123456"
chart-0 = "orange"
"""
    assert settings(tmp_path, given) == Settings(
        theme="mine",
        layout="lecture",
        prefix="ctrl+b",
        image="busybox",
        slow_line=True,
        numbers_period=2.0,
        graphs_period=0.5,
        keys={"container.stop": ("x",), "tab.logs": ("f2", "question_mark"), "container.start": ()},
        themes={"mine": OwnTheme(dark=False, colors={"primary": "#123456", "chart-0": "orange"})},
    )


@pytest.mark.parametrize(
    ("text", "line", "key", "reason"),
    [
        ("theme == 3", 1, "", "not TOML"),
        ("\ntheme = 3", 2, "theme", "expected text in quotes"),
        ('theme = "nrod"', 1, "theme", "did you mean 'nord'?"),
        ('layout = "x"', 1, "layout", "there are console, lecture"),
        ('preset = "emacs"', 1, "preset", "no preset 'emacs'; there are k9s, lazydocker, tmux"),
        ('prefix = "ctl+b"', 1, "prefix", "'ctl' is none of ctrl, alt"),
        ('image = " "', 1, "image", "the name of an image"),
        ("slow_line = 1", 1, "slow_line", "true or false"),
        ('colour = "red"', 1, "colour", "no such setting"),
        ("\n[rates]\ngraphs = 0", 3, "rates.graphs", "seconds from 0.1 to 60"),
        ("[rates]\ngraphs = true", 2, "rates.graphs", "seconds from 0.1 to 60"),
        ("[rates]\nlist = 1", 2, "rates.list", "no such setting"),
        ("rates = 3", 1, "rates", "a table of names and values"),
        ('[keys]\ncontainer.stpo = "x"', 2, "keys.container.stpo", "did you mean 'container.stop'?"),
        ('[keys]\n\n"container.stop" = "fx"', 3, "keys.container.stop", "'fx' is no key"),
        ("[keys]\ncontainer.stop = 3", 2, "keys.container.stop", "expected a key"),
        ("[keys]\n" + "x." * 3000 + "y = 1", 2, "keys.x.x.x.x.x.x.x.x.x", "no command"),
        ("[themes.mine]\ndark = true", 1, "themes.mine", "at least the colour primary"),
        ('[themes.mine]\nprimary = "blu"', 2, "themes.mine.primary", "expected a colour"),
        ('[themes.mine]\ndark = "no"', 2, "themes.mine.dark", "true or false"),
    ],
)
def test_a_fault_is_told_by_line_and_key(tmp_path: Path, text: str, line: int, key: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"config\.toml") as told:
        settings(tmp_path, text)
    sentence = str(told.value)
    assert f"config.toml, line {line}: " in sentence
    assert f" {key}: " in sentence or not key
    assert reason in sentence


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="theme") as told:
        settings(tmp_path, 'theme = 1\nlayout = 2\n[keys]\nnothing = "x"')
    assert len(str(told.value).splitlines()) == 3


def test_what_can_not_be_read_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        read(tmp_path / "bytes", KNOWN)


@pytest.mark.parametrize("kind", ["fifo", "directory", "socket", "/dev/zero"])
def test_what_is_no_regular_file_is_refused_in_a_sentence_at_once(tmp_path: Path, kind: str) -> None:
    """In a process of its own, which can be ended when it reads for ever."""
    file = tmp_path / "config.toml"
    match kind:
        case "fifo":
            os.mkfifo(file)
        case "directory":
            file.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(file))
        case _:
            file.symlink_to(kind)
    at_start = "from heliostui.settings.start import settings; print(*settings(), sep='\\n')"
    started = subprocess.run(
        [sys.executable, "-c", f"import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30,) * 2); {at_start}"],
        env={**os.environ, "HELIOSTUI_CONFIG": str(file)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    settings, fault = started.stdout.splitlines()
    assert settings == str(Settings())
    assert fault.startswith(f"{file}: ")


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text('image = "busybox"')
    (tmp_path / "config.toml").symlink_to("real.toml")
    assert read(tmp_path / "config.toml", KNOWN).image == "busybox"


@given(st.text())
def test_any_text_is_settings_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        told: Settings | str = read(file, KNOWN)
    except ValueError as error:
        told = str(error)
    assert isinstance(told, Settings) or str(file) in told


def test_own_keys_stand_before_those_of_the_preset(tmp_path: Path) -> None:
    found = settings(tmp_path, 'preset = "lazydocker"\n[keys]\ncontainer.stop = "f"')
    assert found.keys["container.stop"] == ("f",)
    assert found.keys["container.start"] == PRESETS["lazydocker"].keys["container.start"]


def test_the_preset_of_tmux_has_its_prefix(tmp_path: Path) -> None:
    assert settings(tmp_path, 'preset = "tmux"').prefix == "ctrl+b"
    assert settings(tmp_path, 'preset = "tmux"\nprefix = "ctrl+a"').prefix == "ctrl+a"


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_only_commands_that_there_are(preset: str) -> None:
    assert PRESETS[preset].keys.keys() <= set(known().commands)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_of_a_preset_has_two_meanings(preset: str) -> None:
    """Within the preset; what a key meant before, it no longer does."""
    given = [(key, name.endswith(".in-terminal")) for name, keys in PRESETS[preset].keys.items() for key in keys]
    assert len(given) == len(set(given))
