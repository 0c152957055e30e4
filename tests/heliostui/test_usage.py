"""The command line before any engine is asked."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from heliostui.commands import VERBS

from .conftest import HELIOSTUI, CommandLine


@pytest.fixture
def nobody(tmp_path: Path) -> CommandLine:
    """A command line whose engine can't be started."""
    line = CommandLine(tmp_path)
    (tmp_path / "run").touch()
    return line


def test_the_help_tells_every_verb_in_groups(nobody: CommandLine) -> None:
    overview = nobody.ok("--help")
    assert all(f"  {name} " in overview and verb.summary in overview for name, verb in VERBS.items())
    assert "Common verbs:" in overview
    assert nobody.ok("help") == nobody.ok("help", "help") == overview


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_its_options(nobody: CommandLine, verb: str) -> None:
    told = nobody.ok(verb, "--help")
    assert told.startswith(f"usage: heliostui {verb}")
    assert nobody.ok("help", verb) == told


def test_a_verb_that_is_not_there_suggests_one_that_is(nobody: CommandLine) -> None:
    assert "did you mean 'inspect'?" in nobody.refused("inspetc", status=2)
    assert "heliostui --help" in nobody.refused("zzz", status=2)


@pytest.mark.parametrize(
    "words",
    [
        ["--frobnicate"],
        ["ps", "--frobnicate"],
        ["ps", "--format", "xml"],
        ["rm"],
        ["exec", "web"],
        ["exec"],
        ["engine"],
        ["engine", "dance"],
        ["rename", "web"],
        ["stop", "-t", "soon", "web"],
        ["logs", "--tail", "some", "web"],
        ["logs", "--since", "whenever", "web"],
        ["run", "--restart", "never", "host"],
        ["run", "--rm", "--restart", "always", "host"],
        ["inspect", "--launch", "a", "b"],
        ["start", "-a", "a", "b"],
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_status_2(nobody: CommandLine, words: list[str]) -> None:
    nobody.refused(*words, status=2)


@pytest.mark.parametrize(
    ("words", "status"), [(["ps"], 1), (["inspect", "a"], 1), (["run", "host"], 125), (["start", "a"], 125)]
)
def test_an_engine_that_can_not_be_started_is_one_sentence(nobody: CommandLine, words: list[str], status: int) -> None:
    assert "is not a directory" in nobody.refused(*words, status=status)


def test_without_an_engine_its_status_is_a_failure_and_its_stop_is_none(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    assert "is not running" in line.refused("engine", "status", status=1)
    assert "is not running" in line.ok("engine", "stop")
    assert line.json("version", "--format", "json")["engine"] is None
    assert not list(tmp_path.iterdir())


def test_the_own_version_is_told_where_the_engine_s_can_not_be_asked(tmp_path: Path) -> None:
    line = CommandLine(tmp_path / ("x" * 120))
    result = line("version")
    assert result.stdout.startswith("heliostui ")
    assert "longer than the 107 bytes" in result.stderr
    assert result.returncode == 1


def test_the_console_needs_a_terminal(nobody: CommandLine) -> None:
    assert "the console needs a terminal" in nobody.refused(status=2)


def test_a_bad_env_file_is_named_with_its_line(nobody: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "variables").write_text("A=1\n=2\n")
    assert f"{tmp_path}/variables, line 2" in nobody.refused(
        "run", "--env-file", f"{tmp_path}/variables", "host", status=125
    )


def test_a_bad_configuration_file_is_named_with_line_and_key(nobody: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text('image = "host"\ntty = "yes"\n')
    sentence = nobody.refused("run", "--config", f"{tmp_path}/web.toml", status=125)
    assert f"{tmp_path}/web.toml, line 2: tty: expected true or false" in sentence


def test_keys_from_a_pipe_are_refused_as_docker_does(nobody: CommandLine) -> None:
    assert "the input device is not a TTY" in nobody.refused("run", "-it", "host", status=125)
    assert "the input device is not a TTY" in nobody.refused("exec", "-it", "web", "sh", status=125)


def test_a_reader_that_goes_away_is_no_error(nobody: CommandLine) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with nobody.popen("--help", stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 128 + signal.SIGPIPE


def test_a_full_disk_is_one_sentence(nobody: CommandLine) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [*HELIOSTUI, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, env=nobody.environment, check=False
        )
    assert result.stderr == "heliostui: what is said can not be written: No space left on device\n"
    assert result.returncode == 1


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_closed_descriptors_are_not_mistaken_for_the_engine(tmp_path: Path, closed: list[int]) -> None:
    line = CommandLine(tmp_path)

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    try:
        for words in (["run", "--rm", "-i", "host", "cat"], ["ps"], ["logs", "nonesuch"]):
            result = subprocess.run(
                [*HELIOSTUI, *words],
                env=line.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                preexec_fn=close,
            )
            assert result.returncode == (words[0] == "logs"), result.stderr
            assert "Traceback" not in result.stderr
    finally:
        line.ok("engine", "stop", "--all")
