"""Isolation and metrics as the console words them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from engine.protocol.isolation import CapabilitySets, DeviceRule, IdMap, MountView, NamespaceView, SeccompRow
from engine.protocol.messages import AnyRequest, Event, Isolation, SeccompFilter
from engine.protocol.metrics import METRICS
from heliostui.graphs.words import LABELS, LIMIT_OF, rows, value_text
from heliostui.isolation.words import device, fences, verbs
from heliostui.state import limit_met


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (DeviceRule(allow=True, type="c", major=1, minor=3, access="rwm"), "allow c 1:3       rwm  /dev/null"),
        (DeviceRule(allow=False, type="a", major=None, minor=None, access="rwm"), "deny  a *:*       rwm  all devices"),
        (DeviceRule(allow=True, type="c", major=136, minor=None, access="rw"), "allow c 136:*     rw   /dev/pts/*"),
        (DeviceRule(allow=True, type="b", major=8, minor=0, access="r"), "allow b 8:0       r"),
    ],
)
def test_a_device_rule_says_which_device_it_is_about(rule: DeviceRule, words: str) -> None:
    assert device(rule) == words


def test_the_verbs_are_all_that_the_engine_can_be_asked() -> None:
    told = verbs()
    assert len(told) == len(get_args(AnyRequest))
    changes = {verb.name: verb.changes for verb in told}
    assert changes["kill_container"]
    assert not changes["list_containers"]


def test_what_the_engine_tells_of_isolation_arrives_whole() -> None:
    reply = Isolation(
        pid=7,
        namespaces=[NamespaceView(type="pid", inode=2, host_inode=1, shared=False, containers=["web"])],
        uid_map=[IdMap(inside=0, outside=100_000, size=65_536)],
        gid_map=[],
        capabilities=CapabilitySets(effective=["KILL"]),
        seccomp="filter",
        seccomp_default="errno EPERM",
        seccomp_rules=[SeccompRow(calls=["read"], action="allow")],
        no_new_privileges=True,
        label="",
        mounts=[MountView(destination="/", type="overlay", source="overlay", options=["rw"])],
        masked=["/proc/kcore"],
        read_only=[],
        devices=[],
        cgroups=["/sys/fs/cgroup/a"],
    )
    shown = fences(reply, None)
    assert shown.namespaces[0].others == ("web",)
    assert shown.held("effective") == {"KILL"}
    assert shown.rules[0].calls == ("read",)
    more = SeccompFilter(
        mode="filter",
        default="errno EPERM",
        rules=[SeccompRow(calls=["write"], action="allow")],
        architectures=["x86_64"],
        program=["(000) ret #0"],
    )
    assert fences(reply, more).rules[0].calls == ("write",)
    assert fences(reply, more).program == ("(000) ret #0",)


def test_every_metric_is_shown_once() -> None:
    shown = [name for labels in LABELS.values() for name in labels]
    assert sorted(shown) == sorted(METRICS)
    assert set(LIMIT_OF) | set(LIMIT_OF.values()) <= set(METRICS)


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("cpu", 0.4211, "0.42 cores"),
        ("memory", 3 * 2**20, "3.00 MiB"),
        ("io.read", 2**20, "1.00 MiB/s"),
        ("pids", 1234, "1,234"),
        ("network.drops", 0.25, "0.2/s"),
        ("switches", 1234.5, "1,234/s"),
        ("pressure.cpu", 12.34, "12.3 %"),
    ],
)
def test_a_value_has_its_unit(metric: str, value: float, words: str) -> None:
    assert value_text(metric, value) == words


def test_what_was_refused_or_is_nearly_full_stands_out() -> None:
    values = {"memory": 97.0, "memory.limit": 100.0, "pids": 3.0, "pids.limit": 64.0, "pids.limit_hits": 2.0}
    alarming = {row.key for row in rows(values) if row.alarming}
    assert alarming == {"memory", "pids.limit_hits"}
    told = {row.key: row.value for row in rows(values)}
    assert told["cpu.limit"] == "none"
    assert told["network.in"] == "–"


@pytest.mark.parametrize(
    ("action", "attributes", "words"),
    [
        ("oom", {"pid": "7", "command": "hog"}, "a ran out of memory: hog (7) was killed."),
        ("oom", {}, "a ran out of memory: a process was killed."),
        ("pids_limit", {"refused": "1"}, "a has as many processes as it may: 1 fork was refused."),
        ("pids_limit", {"refused": "9"}, "a has as many processes as it may: 9 forks were refused."),
    ],
)
def test_a_limit_that_was_met_is_told_in_a_sentence(action: str, attributes: dict[str, Any], words: str) -> None:
    event = Event(time=datetime.now(UTC), action=action, container="1", name="a", attributes=attributes)
    assert limit_met(event) == words
