"""The options of `run` and `create`."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.messages import ContainerOptions, RestartPolicy, Scheduler
from heliostui.commandline.failures import Failure, UsageError
from heliostui.commandline.namespaces import way
from heliostui.commandline.options import add_container_options, container_options
from heliostui.commandline.parser import verb_parser
from heliostui.commandline.priorities import scheduler

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
    made = options("-i", "busybox", "ls", "-t", "--name", "x", "--", "-e")
    assert made.command == ["ls", "-t", "--name", "x", "--", "-e"]
    assert (made.interactive, made.tty, made.name) == (True, False, None)


@pytest.mark.parametrize("words", [(), ("-i",)])
def test_without_words_image_and_command_are_the_defaults(words: tuple[str, ...]) -> None:
    assert (options(*words).image, options(*words).command) == (None, [])


def test_a_double_dash_may_stand_before_the_image() -> None:
    assert (options("--", "busybox", "sh").image, options("--", "busybox", "sh").command) == ("busybox", ["sh"])


def test_with_a_rootfs_all_words_are_the_command() -> None:
    made = options("--rootfs", "tree", "sh", "-c", "true")
    assert (made.rootfs, made.image, made.command) == (os.path.abspath("tree"), None, ["sh", "-c", "true"])


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
    made = options("--config", f"{tmp_path}/web.toml", "--env-file", f"{tmp_path}/variables", "-e", "A=flag")
    assert made.env == ["A=flag", "B=file", "C=config"]


def test_flags_override_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text(
        'image = "busybox"\nname = "old"\nhostname = "box"\n[labels]\na = "1"\nb = "1"\n'
    )
    made = options("--config", f"{tmp_path}/web.toml", "--name", "new", "-l", "a=2", "sleep", "5")
    assert (made.image, made.name, made.hostname) == ("busybox", "new", "box")
    assert made.command == ["sleep", "5"]
    assert made.labels == {"a": "2", "b": "1"}


def test_a_rootfs_on_the_command_line_takes_the_place_of_a_configured_image(tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text('image = "busybox"\n')
    made = options("--config", f"{tmp_path}/web.toml", "--rootfs", "/srv/tree", "sh")
    assert (made.image, made.rootfs, made.command) == (None, "/srv/tree", ["sh"])


def test_flags_about_isolation_arrive() -> None:
    words = (
        "--pid host --net container:web --ipc shareable --userns auto --time private --uidmap 0:1:2 "
        "--boottime -3.5 --cap-add net_admin --cap-drop ALL --privileged --device /dev/fuse "
        "--device-cgroup-rule c_1:*_r --security-opt apparmor=mine "
        "--security-opt label:type:t --security-opt no-new-privileges=false "
        "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    )
    made = options(*(word.replace("_1:*_", " 1:* ") for word in words.split()), "busybox")
    assert made == ContainerOptions(
        image="busybox",
        namespaces={"pid": "host", "network": "container:web", "ipc": "private", "user": "private", "time": "private"},
        uid_map=["0:1:2"],
        time_offsets={"boottime": -3.5},
        cap_add=["net_admin"],
        cap_drop=["ALL"],
        privileged=True,
        devices=["/dev/fuse"],
        device_rules=["c 1:* r"],
        apparmor="mine",
        selinux=["type:t"],
        no_new_privileges=False,
        seccomp="unconfined",
        unmasked=True,
    )


def test_flags_about_the_program_arrive() -> None:
    words = (
        "--domainname nis --group-add audio --group-add 7 --annotation a=b=c --shm-size 1m --cgroup-parent /machines "
        "--ulimit nofile=10:20 --sysctl net.core.somaxconn=9 --umask 027 --oom-score-adj -5 --ioprio idle "
        "--personality linux32 --scheduler deadline,runtime=5ms,deadline=10ms,period=1s,flag=reclaim"
    )
    assert options(*words.split(), "busybox") == ContainerOptions(
        image="busybox",
        domainname="nis",
        groups=["audio", "7"],
        annotations={"a": "b=c"},
        shm_size=1 << 20,
        cgroup_parent="/machines",
        ulimits=["nofile=10:20"],
        sysctls={"net.core.somaxconn": "9"},
        umask="027",
        oom_score_adj=-5,
        io_priority="idle",
        personality="linux32",
        scheduler=Scheduler(policy="deadline", runtime=5 * 10**6, deadline=10**7, period=10**9, flags=["reclaim"]),
    )


def test_flags_about_mounts_and_limits_arrive() -> None:
    made = options("-v", "data:/srv:ro", "--tmpfs", "/run", "--memory", "1g", "--cpus", "0.5", "busybox")
    assert [mount.destination for mount in made.mounts] == ["/srv", "/run"]
    assert (made.limits.memory, made.limits.cpus) == (1 << 30, 0.5)


def test_a_seccomp_profile_is_read_here(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    made = options("--security-opt", f"seccomp={tmp_path}/profile.json", "busybox")
    assert made.seccomp == '{"defaultAction": "SCMP_ACT_ALLOW"}'
    with pytest.raises(Failure, match=r"none\.json can't be read: No such file"):
        options("--security-opt", f"seccomp={tmp_path}/none.json", "busybox")


def test_lists_and_names_of_the_configuration_file_are_added_to(tmp_path: Path) -> None:
    (tmp_path / "web.toml").write_text(
        'image = "busybox"\ncap_drop = ["CHOWN"]\n[sysctls]\na = "1"\nb = "1"\n[limits]\nmemory = "1g"\npids = 5\n'
    )
    made = options("--config", f"{tmp_path}/web.toml", "--cap-drop", "KILL", "--sysctl", "a=2", "--memory", "2g")
    assert made.cap_drop == ["CHOWN", "KILL"]
    assert made.sysctls == {"a": "2", "b": "1"}
    assert (made.limits.memory, made.limits.pids) == (2 << 30, 5)


def test_a_bundle_says_itself_what_is_run() -> None:
    made = options("--bundle", "dir", "--name", "web")
    assert (made.bundle, made.image, made.command, made.name) == (os.path.abspath("dir"), None, [], "web")
    with pytest.raises(UsageError, match="a bundle says itself what is run"):
        options("--bundle", "dir", "sh")


@given(st.text(max_size=30))
def test_any_text_is_a_scheduler_or_one_sentence(text: str) -> None:
    assert refusal(scheduler, text).startswith(("'", "nothing"))


@given(st.text(max_size=20))
def test_any_text_is_a_namespace_or_one_sentence(text: str) -> None:
    assert refusal(partial(way, "pid"), text).endswith(("container:NAME or ns:PATH", "nothing"))


def refusal(parse: Callable[[str], object], text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return "nothing"


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
        (["--rootfs", "a", "--bundle", "b"], "exclude each other"),
        (["--uts", "bridge", "busybox"], "'bridge' can't be: it is private, host, container:NAME or ns:PATH"),
        (["--pid", "ns:relative", "busybox"], "can't be"),
        (["--pid", "container:", "busybox"], "can't be"),
        (["--security-opt", "selinux=x", "busybox"], "'selinux=x' can't be: write seccomp=FILE"),
        (["--security-opt", "no-new-privileges=maybe", "busybox"], "can't be"),
        (["--sysctl", "net.core.somaxconn", "busybox"], "write NAME=VALUE"),
        (["--annotation", "=x", "busybox"], "write NAME=VALUE"),
        (["--shm-size", "much", "busybox"], "is no size"),
        (["--scheduler", "best", "busybox"], "'best' is no scheduling policy"),
        (["--scheduler", "fifo,urgent", "busybox"], "'urgent' says nothing"),
        (["--personality", "bsd", "busybox"], "invalid choice"),
        (["--oom-score-adj", "low", "busybox"], "is no score: write a whole number from"),
        (["--boottime", "nan", "busybox"], "is no number of seconds"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(words: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        options(*words)
