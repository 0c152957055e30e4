"""The options before the verb."""

from __future__ import annotations

import pytest

from heliostui.commandline.globals import Globals, WrongOption, hosts_of_console, parse


@pytest.mark.parametrize(
    "words", [["-H", "ssh://a"], ["-Hssh://a"], ["-H=ssh://a"], ["--host", "ssh://a"], ["--host=ssh://a"]]
)
def test_a_host_is_named_as_with_docker(words: list[str]) -> None:
    said, rest = parse([*words, "ps", "-a"])
    assert (said.hosts, rest) == (("ssh://a",), ["ps", "-a"])


def test_what_follows_the_verb_is_the_verbs_own() -> None:
    said, rest = parse(["--viewer", "run", "-H", "x", "--viewer"])
    assert (said, rest) == (Globals(viewer=True), ["run", "-H", "x", "--viewer"])


def test_an_option_without_its_value_is_named() -> None:
    with pytest.raises(WrongOption, match="'--config' needs a value"):
        parse(["--config"])


def test_what_is_no_option_of_ours_is_left_to_be_named() -> None:
    assert parse(["--hots", "ps"]) == (Globals(), ["--hots", "ps"])


def test_several_hosts_come_with_this_machine_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HELIOSTUI_HOST", raising=False)
    assert hosts_of_console(Globals()) == ("local",)
    assert hosts_of_console(Globals(hosts=("ssh://a",))) == ("ssh://a",)
    assert hosts_of_console(Globals(hosts=("ssh://a", "ssh://b"))) == ("local", "ssh://a", "ssh://b")
    assert hosts_of_console(Globals(hosts=("ssh://a", "ssh://b"), no_local=True)) == ("ssh://a", "ssh://b")
    assert hosts_of_console(Globals(hosts=("ssh://a", "local"))) == ("ssh://a", "local")
    monkeypatch.setenv("HELIOSTUI_HOST", "ssh://c")
    assert hosts_of_console(Globals()) == ("ssh://c",)
