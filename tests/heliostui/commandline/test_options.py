"""The options of `run` and `create`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.protocol.messages import ContainerOptions, RestartPolicy
from heliostui.commandline.failures import Failure, UsageError
from heliostui.commandline.options import add_container_options, container_options
from heliostui.commandline.parser import verb_parser

OWN = {"HOME": "/home/me"}


def options(*words: str) -> ContainerOptions:
    parser = verb_parser("run", "", "run")
    add_container_options(parser)
    return container_options(parser.parse_args(words), OWN)


def test_all_flags_arrive() -> None:
    words = "--name web -it --rm -w /srv -e A=1 --env HOME -h box -u 1:2 --read-only --init -l a=b --label c busybox sh"
    assert options(*words.split()) == ContainerOptions(
        image="busybox",
        command=["sh"],
        name="web",
        tty=True,
        interactive=True,
        remove=True,
        workdir="/srv",
        env=["A=1", "HOME=/home/me"],
        hostname="box",
        user="1:2",
        read_only=True,
        init=True,
        labels={"a": "b", "c": ""},
    )


def test_options_after_the_image_belong_to_the_command() -> None:
    given = options("-i", "busybox", "ls", "-t", "--name", "x", "--", "-e")
    assert given.command == ["ls", "-t", "--name", "x", "--", "-e"]
    assert (given.interactive, given.tty, given.name) == (True, False, None)


@pytest.mark.parametrize("words", [(), ("-i",)])
def test_without_words_image_and_command_are_the_defaults(words: tuple[str, ...]) -> None:
    assert (options(*words).image, options(*words).command) == (None, [])


def test_a_double_dash_may_stand_before_the_image() -> None:
    assert (options("--", "busybox", "sh").image, options("--", "busybox", "sh").command) == ("busybox", ["sh"])


def test_with_a_rootfs_all_words_are_the_command() -> None:
    given = options("--rootfs", "tree", "sh", "-c", "true")
    assert (given.rootfs, given.image, given.command) == (os.path.abspath("tree"), None, ["sh", "-c", "true"])


def test_quoting_is_honoured() -> None:
    assert options("busybox", "sh", "-c", "echo 'a  b'").command == ["sh", "-c", "echo 'a  b'"]


def test_restart_policies_arrive() -> None:
    assert options("--restart", "on-failure:3", "busybox").restart == RestartPolicy(name="on-failure", maximum=3)


def test_rm_and_restart_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        options("--rm", "--restart", "always", "busybox")


def test_a_later_variable_overrides_a_file_and_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "variables").write_text("A=file\nB=file\n")
    (tmp_path / "web.toml").write_text('env = ["A=config", "B=config", "C=config"]\n')
    given = options("--config", f"{tmp_path}/web.toml", "--env-file", f"{tmp_path}/variables", "-e", "A=flag")
    assert given.env == ["A=flag", "B=file", "C=config"]


def test_flags_override_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text(
        'image = "busybox"\nname = "old"\nhostname = "box"\n[labels]\na = "1"\nb = "1"\n'
    )
    given = options("--config", f"{tmp_path}/web.toml", "--name", "new", "-l", "a=2", "sleep", "5")
    assert (given.image, given.name, given.hostname) == ("busybox", "new", "box")
    assert given.command == ["sleep", "5"]
    assert given.labels == {"a": "2", "b": "1"}


def test_a_rootfs_on_the_command_line_takes_the_place_of_a_configured_image(tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text('image = "busybox"\n')
    given = options("--config", f"{tmp_path}/web.toml", "--rootfs", "/srv/tree", "sh")
    assert (given.image, given.rootfs, given.command) == (None, "/srv/tree", ["sh"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--env-file", "/nonexistent/file", "busybox"], "the env file /nonexistent/file can't be read: No such file"),
        (
            ["--config", "/nonexistent/file", "busybox"],
            "the configuration file /nonexistent/file can't be read: No such",
        ),
        (["--env-file", "/", "busybox"], "the env file / can't be read: Is a directory"),
    ],
)
def test_a_file_that_can_not_be_read_is_named(words: list[str], reason: str) -> None:
    with pytest.raises(Failure, match=reason):
        options(*words)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--nmae", "x"], "unrecognized arguments: --nmae"),
        (["--na", "x", "busybox"], "--na"),
        (["--name"], "expected one argument"),
        (["-l", "=x", "busybox"], "is no label"),
        (["-e", "=x", "busybox"], "is no variable"),
        (["--restart", "never", "busybox"], "is no restart policy"),
        (["--rootfs", "", "true"], "is no directory"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        options(*words)
