"""Limits, priorities and labels that a program begins with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.protocol.messages import Scheduler as Asked
from engine.spec.process import INFINITY, io_priority, oom_score_adj, personality, rlimits, scheduler, umask
from engine.spec.security import APPARMOR, SELINUX, apparmor_profile, selinux_labels
from engine.spec.structs import IOPriority, Personality, Rlimit, Scheduler


def test_ulimits_have_a_soft_and_a_hard_part() -> None:
    assert rlimits(["nofile=10", "core=0:5", "memlock=-1", "nofile=7:9"]) == [
        Rlimit(type="RLIMIT_NOFILE", soft=7, hard=9),
        Rlimit(type="RLIMIT_CORE", soft=0, hard=5),
        Rlimit(type="RLIMIT_MEMLOCK", soft=INFINITY, hard=INFINITY),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nofile", "is no ulimit: write NAME=SOFT"),
        ("nofile=a", "is no ulimit"),
        ("nofile=1:2:3", "is no ulimit"),
        ("nofiles=1", "no ulimit 'nofiles': there are cpu, fsize"),
        ("nofile=2:1", "can't be above the second"),
        ("nofile=-1:1", "can't be above the second"),
        ("nofile=99999999999999999999", "can't be above the second"),
    ],
)
def test_what_is_no_ulimit_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        rlimits([text])


@given(st.integers(0, 0o777))
def test_a_umask_is_octal(mode: int) -> None:
    assert umask(f"{mode:03o}") == umask(f"0{mode:03o}") == mode


@pytest.mark.parametrize("text", ["", "8", "0o22", "1777", "-22", "٢٢"])
def test_what_is_no_umask_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="is no umask"):
        umask(text)


def test_the_oom_score_goes_from_minus_to_plus_1000() -> None:
    assert (oom_score_adj(None), oom_score_adj(1000)) == (None, 1000)
    for out in (-1001, 1001):
        with pytest.raises(EngineError, match="from -1000 to 1000"):
            oom_score_adj(out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("best-effort:7", ("IOPRIO_CLASS_BE", 7)),
        ("be", ("IOPRIO_CLASS_BE", 4)),
        ("2:0", ("IOPRIO_CLASS_BE", 0)),
        ("realtime:0", ("IOPRIO_CLASS_RT", 0)),
        ("idle", ("IOPRIO_CLASS_IDLE", 0)),
    ],
)
def test_an_io_priority_has_class_and_level(text: str, expected: tuple[str, int]) -> None:
    assert io_priority(text) == IOPriority(class_=expected[0], priority=expected[1])


@pytest.mark.parametrize("text", ["", "fast", "be:8", "be:", "be:-1", "idle:3", "be:1:2"])
def test_what_is_no_io_priority_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="is no I/O priority"):
        io_priority(text)


def test_a_scheduler_is_as_sched_setattr_takes_it() -> None:
    assert scheduler(Asked(policy="fifo", priority=5, flags=["reset-on-fork"])) == Scheduler(
        policy="SCHED_FIFO", priority=5, flags=["SCHED_FLAG_RESET_ON_FORK"]
    )
    assert scheduler(Asked(policy="deadline", runtime=10**6, deadline=10**7)) == Scheduler(
        policy="SCHED_DEADLINE", runtime=10**6, deadline=10**7
    )


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(nice=20), "nice goes from -20 to 19"),
        (Asked(policy="rr"), "its priority goes from 1 to 99"),
        (Asked(policy="fifo", priority=100), "its priority goes from 1 to 99"),
        (Asked(policy="batch", priority=1), "only fifo and rr have a priority"),
        (Asked(policy="idle", runtime=1), "only deadline has runtime"),
        (Asked(policy="deadline", runtime=2000, deadline=1000), "runtime <= deadline <= period"),
        (Asked(policy="deadline"), "1024 ns <= runtime"),
        (Asked(flags=["faster"]), "there is no flag 'faster'"),
    ],
)
def test_a_scheduler_that_cannot_be_is_refused(asked: Asked, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        scheduler(asked)


def test_a_personality_is_a_domain() -> None:
    assert personality("linux32") == Personality(domain="LINUX32")
    assert personality(None) is None


def test_without_a_word_there_are_no_labels() -> None:
    assert apparmor_profile(None) == ""
    assert selinux_labels([]) == selinux_labels(["type:x", "disable"]) == ("", "")


@pytest.mark.skipif(APPARMOR.exists(), reason="this kernel runs with AppArmor")
def test_without_apparmor_a_profile_is_refused_and_unconfined_is_what_all_are() -> None:
    assert apparmor_profile("unconfined") == ""
    with pytest.raises(EngineError, match="this kernel runs without AppArmor") as caught:
        apparmor_profile("docker-default")
    assert caught.value.code is ErrorCode.UNSUPPORTED


@pytest.mark.skipif(SELINUX.exists(), reason="this machine runs with SELinux")
def test_without_selinux_a_label_is_refused() -> None:
    with pytest.raises(EngineError, match="this machine runs without SELinux") as caught:
        selinux_labels(["type:svirt_t"])
    assert caught.value.code is ErrorCode.UNSUPPORTED


@pytest.mark.parametrize("text", ["", "type", "type:", "colour:red", "enable"])
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="is no SELinux label"):
        selinux_labels([text])
