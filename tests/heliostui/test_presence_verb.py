"""`heliostui presence`, and what `--viewer` and `--read-only` mean before a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from engine.client.blocking import Connection
from engine.places import Places
from engine.protocol.messages import FollowPresenter, JoinPresence, PresenceTold, Present, Presentation

from .conftest import CommandLine


def until(told: Iterator[object], true: Callable[[Presentation], bool]) -> None:
    """Read on until somebody presents, and so; of who comes is told as well."""
    for each in told:
        if isinstance(each, PresenceTold) and each.presentation is not None and true(each.presentation):
            return
    raise AssertionError("nothing more is told")


def test_who_is_there_is_told_as_a_table_and_as_json(cli: CommandLine) -> None:
    cli.ok("engine", "start")
    places = Places(Path(cli.environment["HELIOSTUI_RUNTIME"]), Path(cli.environment["HELIOSTUI_STATE"]))
    assert cli.ok("presence") == "NAME   ROLE   DOES"
    with Connection.connect(places) as ada, Connection.connect(places) as bob:
        told = ada.stream(JoinPresence(name="ada"))
        next(told)
        heard = bob.stream(JoinPresence(name="bob"))
        next(heard)
        ada.send(Present())
        until(told, lambda presentation: True)
        bob.send(FollowPresenter())
        until(told, lambda presentation: presentation.following == 1)
        lines = cli.ok("presence").splitlines()
        assert [line.split() for line in lines] == [
            ["NAME", "ROLE", "DOES"],
            ["ada", "operator", "presents"],
            ["bob", "operator", "follows"],
        ]
        found = cli.json("presence", "--format", "json")
        assert found["presentation"]["presenter_name"] == "ada"
        assert found["presentation"]["following"] == 1
        assert [person["name"] for person in found["people"]] == ["ada", "bob"]
        cli.ok("presence", "end")
        assert cli.json("presence", "--format", "json")["presentation"] is None


def test_a_viewer_s_verbs_look_and_do_not_act(cli: CommandLine, container: str) -> None:
    for option in ("--viewer", "--read-only"):
        assert container in cli.ok(option, "ps")
        sentence = cli.refused(option, "kill", container, status=1)
        assert "look at this engine's containers but not act on them" in sentence
        assert cli.refused(option, "presence", "end", status=1)
    assert cli.containers()[container]["status"] == "running"


def test_a_viewer_sees_no_values_of_variables(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "secretive", "-e", "PASSWORD=hunter2", "host", "sleep", "600")
    assert "hunter2" in cli.ok("inspect", "secretive")
    seen = cli.ok("--viewer", "inspect", "secretive")
    assert "hunter2" not in seen
    assert "PASSWORD=…" in seen
    assert "hunter2" not in cli.ok("--viewer", "inspect", "--launch", "secretive")
    assert "hunter2" not in cli.ok("--viewer", "ps", "-a", "--format", "json")


def test_a_viewer_starts_no_engine(tmp_path: Path) -> None:
    nobody = CommandLine(tmp_path)
    assert "a viewer starts none" in nobody.refused("--viewer", "ps", status=1)
    assert not (tmp_path / "run").exists()
