"""`volume`, and `run` with volumes, mounts and tmpfs, with a real engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CommandLine


@pytest.fixture(autouse=True)
def nothing_stays(cli: CommandLine) -> Iterator[None]:
    yield
    if cli.containers():
        cli.ok("rm", "--force", "--volumes", *cli.containers())
    cli.ok("volume", "prune", "--all")


def test_a_life_from_create_to_prune(cli: CommandLine) -> None:
    assert cli.ok("volume", "create", "db", "--label", "tier=gold") == "db"
    assert re.fullmatch("[0-9a-f]{64}", cli.ok("volume", "create"))
    assert any(line.startswith("db ") for line in cli.ok("volume", "ls").splitlines())
    assert cli.ok("volume", "ls", "--quiet", "--filter", "label=tier") == "db"
    (detail,) = cli.json("volume", "inspect", "db")
    assert (detail["labels"], detail["used_by"], detail["size"] >= 0) == ({"tier": "gold"}, [], True)
    assert re.fullmatch("[0-9a-f]{64}", cli.ok("volume", "prune"))
    assert [each["name"] for each in cli.json("volume", "ls", "--format", "json")] == ["db"]
    assert cli.ok("volume", "rm", "db") == "db"
    assert "There is no volume 'db'" in cli.refused("volume", "rm", "db", status=1)


def test_run_makes_what_it_is_given_and_rm_volumes_takes_what_has_no_name(cli: CommandLine, tmp_path: Path) -> None:
    script = "echo x > /b/file; touch /c /d/x; stat -f -c %T /e"
    cli.ok(
        "run", "--name", "user", "-v", f"{tmp_path}/new:/b", "-v", "/d", "--mount", "src=db,dst=/f", "--tmpfs",
        "/e:size=1m", "host", "sh", "-c", script,
    )  # fmt: skip
    assert (tmp_path / "new" / "file").read_text() == "x\n"
    assert "tmpfs" in cli.ok("logs", "user")
    assert "in use" in cli.refused("volume", "rm", "db", status=1)
    assert len(cli.json("volume", "ls", "--format", "json")) == 2
    assert cli.ok("rm", "--volumes", "user") == "user"
    assert cli.ok("volume", "ls", "-q") == "db"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("-v", "a:b"), 2, "absolute path"),
        (("--mount", "type=bind,src=/none/such,dst=/x"), 125, "/none/such"),
        (("--mount", "type=tmpfs,dst=/x,size=lots"), 125, "size=lots"),
        (("--tmpfs", "/x", "-v", "/x"), 125, "two mounts at '/x'"),
        (("--tmpfs", "/proc/sys"), 125, "/proc/sys"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(
    cli: CommandLine, words: tuple[str, ...], status: int, sentence: str
) -> None:
    assert sentence in cli.refused("run", "--rm", *words, "host", "true", status=status)
