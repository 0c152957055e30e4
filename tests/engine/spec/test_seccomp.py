"""Profiles in Docker's format mean what Docker makes of them, and what is wrong in one is named by its JSON path."""

from __future__ import annotations

import errno
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec import seccomp, seccomp_default, validate
from engine.spec.seccomp_profile import Host, read, resolve, version
from engine.spec.structs import Seccomp, SeccompRule

PC = Host("x86_64", (6, 1))
ALLOW, ERRNO, LOG = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG"


def profile(*rules: dict[str, Any], **further: Any) -> str:
    return json.dumps({"defaultAction": ERRNO, "syscalls": rules, **further})


def names(text: str, *capabilities: str, host: Host = PC) -> list[str]:
    """The calls of the rules that apply."""
    return [name for rule in resolve(read(text), capabilities, host).syscalls for name in rule.names]


def fault(text: str) -> str:
    with pytest.raises(EngineError) as caught:
        seccomp.from_option(text, [], privileged=False)
    assert caught.value.code == ErrorCode.INVALID
    return caught.value.message


def test_unconfined_is_no_filter() -> None:
    assert seccomp.from_option("unconfined", [], privileged=False) is None


def test_a_privileged_container_has_a_filter_only_when_one_is_asked_for() -> None:
    assert seccomp.from_option(None, [], privileged=True) is None
    assert seccomp.from_option("builtin", [], privileged=True) == seccomp.default([])
    assert seccomp.from_option(profile(), [], privileged=True) == Seccomp(default_action=ERRNO)


def test_the_default_is_the_same_object_for_the_same_capabilities() -> None:
    assert seccomp.default(["CAP_KILL", "CAP_CHOWN"]) is seccomp.default(["CAP_CHOWN", "CAP_KILL"])


@pytest.mark.parametrize("capability", seccomp_default.BY_CAPABILITY)
def test_a_capability_brings_its_calls(capability: str) -> None:
    wanted = set(seccomp_default.BY_CAPABILITY[capability].split())
    allowed = {
        name
        for rule in seccomp.default([capability]).syscalls
        if rule.action == ALLOW and not rule.args
        for name in rule.names
    }
    without = {name for rule in seccomp.default([]).syscalls if not rule.args for name in rule.names} - {"clone3"}
    assert wanted <= allowed
    assert not wanted & without


def test_namespaces_through_clone_take_cap_sys_admin() -> None:
    def rules(*capabilities: str) -> list[SeccompRule]:
        return [rule for rule in seccomp.default(capabilities).syscalls if {"clone", "clone3"} & set(rule.names)]

    masked, nothing = rules()
    assert masked.names == ["clone"]
    assert masked.args[0].op == "SCMP_CMP_MASKED_EQ"
    assert (nothing.names, nothing.errno_ret) == (["clone3"], errno.ENOSYS)
    assert [rule.args for rule in rules("CAP_SYS_ADMIN")] == [[]]


def test_log_lets_everything_through_that_would_be_refused() -> None:
    logged = seccomp.from_option("log", ["CAP_KILL"], privileged=False)
    assert logged is not None
    assert (logged.default_action, logged.default_errno_ret) == (LOG, None)
    assert {rule.action for rule in logged.syscalls} == {ALLOW, LOG}
    assert [rule.names for rule in logged.syscalls] == [rule.names for rule in seccomp.default(["CAP_KILL"]).syscalls]


def test_includes_want_all_of_the_capabilities_and_excludes_any() -> None:
    caps = {"caps": ["CAP_A", "CAP_B"]}
    text = profile(
        {"names": ["included"], "action": ALLOW, "includes": caps},
        {"names": ["excluded"], "action": ALLOW, "excludes": caps},
    )
    assert names(text) == ["excluded"]
    assert names(text, "CAP_A") == []
    assert names(text, "CAP_A", "CAP_B") == ["included"]


def test_includes_and_excludes_know_architectures_by_gos_names() -> None:
    text = profile(
        {"names": ["pc"], "action": ALLOW, "includes": {"arches": ["amd64", "x86"]}},
        {"names": ["no_pc"], "action": ALLOW, "excludes": {"arches": ["amd64"]}},
    )
    assert names(text) == ["pc"]
    assert names(text, host=Host("aarch64", (6, 1))) == ["no_pc"]


@pytest.mark.parametrize(("kernel", "applies"), [((4, 7), False), ((4, 8), True), ((4, 10), True), ((5, 0), True)])
def test_a_rule_can_want_a_kernel(kernel: tuple[int, int], applies: bool) -> None:
    text = profile({"names": ["ptrace"], "action": ALLOW, "includes": {"minKernel": "4.8"}})
    assert bool(names(text, host=Host("x86_64", kernel))) == applies


@pytest.mark.parametrize(
    ("release", "expected"),
    [("6.1.0-18-amd64", (6, 1)), ("4.19", (4, 19)), ("5.10-rc3", (5, 10)), ("six", None), ("6", None)],
)
def test_a_kernels_version_is_read_from_its_release(release: str, expected: tuple[int, int] | None) -> None:
    assert version(release) == expected


def test_the_map_of_architectures_is_read_for_this_machine() -> None:
    text = profile(
        archMap=[
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": None},
        ]
    )
    assert resolve(read(text), [], PC).architectures == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
    assert resolve(read(text), [], Host("aarch64", (6, 1))).architectures == ["SCMP_ARCH_AARCH64"]


def test_an_old_profile_as_go_writes_it_is_read() -> None:
    old = {"name": "mkdir", "action": ERRNO, "args": None, "comment": "", "includes": {}, "excludes": {}, "more": 1}
    (rule,) = resolve(read(profile(old)), [], PC).syscalls
    assert rule == SeccompRule(names=["mkdir"], action=ERRNO)


def test_what_is_no_json_is_refused() -> None:
    assert "is no JSON" in fault("/etc/profile.json")


RULE: dict[str, Any] = {"names": ["mkdir"], "action": ALLOW}
ARGUMENT = {"index": 0, "op": "SCMP_CMP_EQ", "value": 1}
FAULTS = [
    ('{"defaultAction": 1}', "$.defaultAction: expected"),
    ("{}", "$: object missing required field `defaultAction`"),
    ('{"defaultAction": "ALLOW"}', '$.defaultAction: "ALLOW" is no seccomp action'),
    ('{"defaultAction": "SCMP_ACT_NOTIFY"}', "$.defaultAction: SCMP_ACT_NOTIFY hands calls to an agent"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}', "$.defaultErrnoRet: SCMP_ACT_ALLOW gives no errno"),
    (profile(defaultErrnoRet=5000), "$.defaultErrnoRet: 5000 is no errno"),
    (profile(RULE, {"names": ["mkdir"], "action": LOG}), '$.syscalls[1].names[0]: "mkdir" is to be SCMP_ACT_LOG'),
    (profile({"names": ["a"], "action": "SCMP_ACT_NOTIFY"}), "$.syscalls[0].action: SCMP_ACT_NOTIFY"),
    (profile(RULE, {"names": [], "action": ALLOW}), "$.syscalls[1].names: there is no call"),
    (profile({"names": ["a"], "name": "b", "action": ALLOW}), "$.syscalls[0].name: it and names exclude"),
    (profile({**RULE, "errnoRet": 2}), "$.syscalls[0].errnoRet: SCMP_ACT_ALLOW gives no errno"),
    (profile({**RULE, "args": [{**ARGUMENT, "op": "=="}]}), '$.syscalls[0].args[0].op: "==" is no comparison'),
    (profile({**RULE, "args": [ARGUMENT, {**ARGUMENT, "index": 6}]}), "$.syscalls[0].args[1].index: expected"),
    (profile({**RULE, "args": [{**ARGUMENT, "value": -1}]}), "$.syscalls[0].args[0].value: expected"),
    (profile({**RULE, "includes": {"minKernel": "new"}}), '$.syscalls[0].includes.minKernel: "new" is no version'),
    (profile(architectures=["x86"]), '$.architectures: "x86" is no architecture'),
    (profile(flags=["FAST"]), '$.flags[0]: "FAST" is no flag'),
    (profile(flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]), "$.flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
    (profile(archMap=[{"architecture": "SCMP_ARCH_X86"}] * 2), "$.archMap[1].architecture: SCMP_ARCH_X86 has an entry"),
    (
        profile(architectures=["SCMP_ARCH_X86"], archMap=[{"architecture": "SCMP_ARCH_X86"}]),
        "$.archMap: it and $.architectures exclude",
    ),
]


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_a_fault_is_named_by_its_path(text: str, said: str) -> None:
    sentence = fault(text)
    assert said in sentence
    assert "\n" not in sentence


def test_a_value_of_64_bits_is_the_limit() -> None:
    assert "does not fit 64 bits" in fault(profile({**RULE, "args": [{**ARGUMENT, "value": 1 << 64}]}))
    assert names(profile({**RULE, "args": [{**ARGUMENT, "value": (1 << 64) - 1}]})) == ["mkdir"]


def test_the_same_call_may_be_named_twice_with_one_outcome() -> None:
    assert names(profile(RULE, RULE)) == ["mkdir", "mkdir"]


def test_rules_that_do_not_apply_here_contradict_nothing() -> None:
    other = {"names": ["mkdir"], "action": LOG, "includes": {"arches": ["s390x"]}}
    assert names(profile(RULE, other)) == ["mkdir"]


def test_a_bundles_filter_is_named_by_its_own_path() -> None:
    config = {
        "ociVersion": "1.2.0",
        "root": {"path": "rootfs"},
        "process": {"cwd": "/", "args": ["true"], "user": {"uid": 0, "gid": 0}},
        "linux": {"seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}},
    }
    with pytest.raises(EngineError) as caught:
        validate.read(json.dumps(config).encode())
    assert caught.value.message.startswith("$.linux.seccomp.defaultAction: SCMP_ACT_NOTIFY hands calls to an agent")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 65) | st.text(max_size=4) | st.sampled_from([ALLOW, ERRNO]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["defaultAction", "defaultErrnoRet", "syscalls", "archMap", "architectures", "flags"])
RULE_KEYS = st.sampled_from(["names", "name", "action", "args", "errnoRet", "includes", "excludes", "comment"])


@given(st.dictionaries(KEYS, JSON) | JSON, st.lists(st.dictionaries(RULE_KEYS, JSON), max_size=2))
def test_no_profile_whatever_it_holds_ends_in_a_traceback(base: Any, rules: list[Any]) -> None:
    text = json.dumps({"defaultAction": ERRNO, **base, "syscalls": rules} if isinstance(base, dict) else base)
    with suppress(EngineError):
        assert isinstance(seccomp.from_option(text, ["CAP_KILL"], privileged=False), Seccomp)
