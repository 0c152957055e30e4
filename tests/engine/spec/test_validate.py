"""config.json: what is read, and what is refused with its JSON path."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec.default import from_options
from engine.spec.structs import Linux, Process, Spec, User
from engine.spec.user import Account
from engine.spec.validate import check, read

IMAGE = Image("test", "", layers=("/layer",), command=("/bin/sh",))
DEFAULT = from_options(ContainerOptions(), IMAGE, "0123456789ab", "/run/root", Account(User()))
DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(DEFAULT))
MAPS = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def refusal(text: bytes) -> str:
    with pytest.raises(EngineError) as caught:
        read(text)
    assert caught.value.code is ErrorCode.INVALID
    return caught.value.message


def changed(path: str, value: object) -> bytes:
    """The default spec with another value at a dotted path; a number is a place in a list, `+` one after its last."""
    document = copy.deepcopy(DOCUMENT)
    *way, last = path.split(".")
    place: Any = document
    for key in way:
        place = place[int(key)] if isinstance(place, list) else place.setdefault(key, {})
    if isinstance(place, list):
        place[int(last) : int(last) + 1] = [value]
    else:
        place[last] = value
    return msgspec.json.encode(document)


def test_our_own_default_is_read_back() -> None:
    assert read(msgspec.json.encode(DEFAULT)) == DEFAULT


@pytest.mark.parametrize("runtime", [["runc"], ["crun"], ["runc", "--rootless"]])
def test_the_defaults_of_other_runtimes_are_read_and_nothing_of_them_is_lost(
    runtime: list[str], tmp_path: Path
) -> None:
    program, *rootless = runtime
    try:
        subprocess.run([program, "spec", *rootless], cwd=tmp_path, check=True)
    except FileNotFoundError:
        pytest.skip(f"{program} is not installed")
    text = (tmp_path / "config.json").read_bytes()
    assert not list(lost(msgspec.json.decode(text), msgspec.to_builtins(read(text))))


def lost(given: Any, kept: Any) -> list[Any]:
    """What is in one document and not in another; empty lists do not count."""
    if isinstance(given, dict):
        return [entry for key, value in given.items() if value for entry in lost(value, kept.get(key))]
    if isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        return [entry for one, other in zip(given, kept, strict=True) for entry in lost(one, other)]
    return [] if given == kept else [given]


def test_what_the_specification_does_not_know_is_passed_over() -> None:
    assert read(changed("linux.fromTheFuture", {"a": [1]})) == DEFAULT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("linux.resources.cpu", {"shares": 0, "quota": 0, "period": 0}),
        ("linux.resources.memory", {"limit": 0, "swap": 0, "swappiness": 0}),
        ("linux.resources.blockIO", {"weight": 0}),
        ("linux.resources.pids", {"limit": 0}),
        ("linux.resources.network", {}),
        ("process.rlimits", [{"type": "RLIMIT_MEMLOCK", "soft": 2**64 - 1, "hard": 2**64 - 1}]),
        ("mounts.0", {"destination": "proc", "type": "proc"}),
        ("process.capabilities.ambient", ["CAP_KILL"]),
        ("linux.rootfsPropagation", ""),
        ("ociVersion", "1.0.2-dev"),
    ],
)
def test_what_other_tools_write_for_nothing_is_accepted(path: str, value: object) -> None:
    read(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("ociVersion", "2.0.0", '$.ociVersion: "2.0.0" is no version'),
        ("root.path", "", "$.root.path: the path is empty"),
        ("root.path", 3, "$.root.path: expected text, got a whole number."),
        ("process.args", [], "$.process.args: it names no program."),
        ("process.cwd", "tmp", '$.process.cwd: "tmp" is no absolute path.'),
        ("process.env", ["A=1", "B"], '$.process.env[1]: "B" is not of the form NAME=value.'),
        ("process.args", ["sh", "a\0b"], "$.process.args[1]: the text holds a NUL byte."),
        ("process.user.uid", -1, "$.process.user.uid: expected a whole number >= 0."),
        ("process.user.gid", 2**32, "$.process.user.gid: expected a whole number <= 4294967295."),
        ("process.user.umask", 0o7777, "$.process.user.umask: 4095 can't be: it goes from 0 to 511."),
        ("process.oomScoreAdj", 1001, "$.process.oomScoreAdj: 1001 can't be: it goes from -1000 to 1000."),
        ("process.capabilities.bounding", ["CAP_SYS_ADMN"], '$.process.capabilities.bounding[0]: "CAP_SYS_ADMN" is no'),
        (
            "process.capabilities.permitted",
            [],
            "$.process.capabilities.effective[0]: CAP_CHOWN is not in the permitted",
        ),
        ("process.rlimits", [{"type": "NOFILE", "soft": 1, "hard": 1}], '$.process.rlimits[0].type: "NOFILE" is no'),
        (
            "process.rlimits",
            [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}],
            "$.process.rlimits[0].soft: 2 is above the hard limit, 1.",
        ),
        ("process.rlimits", [{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2, "[1].type: RLIMIT_CPU is there twice."),
        ("process.scheduler", {"policy": "SCHED_BEST"}, '$.process.scheduler.policy: "SCHED_BEST" is no scheduling'),
        ("process.scheduler", {"policy": "SCHED_FIFO"}, "$.process.scheduler.priority: 0 can't be: it goes from 1 to"),
        (
            "process.scheduler",
            {"policy": "SCHED_DEADLINE", "runtime": 2, "deadline": 1},
            "runtime <= deadline <= period",
        ),
        ("process.ioPriority", {"class": "BE", "priority": 1}, '$.process.ioPriority.class: "BE" is no class of I/O'),
        ("hostname", "x" * 65, "$.hostname: 64 bytes are the most."),
        ("mounts.0", {"destination": "/x", "type": "bind"}, "$.mounts[0].source: a bind mount needs one."),
        ("mounts.0", {"destination": "/x", "type": ""}, "$.mounts[0].type: it is empty."),
        (
            "mounts.1",
            {"destination": "/x", "source": "/x", "uidMappings": MAPS},
            "$.mounts[1]: uidMappings and gidMappings",
        ),
        ("hooks", {"poststop": [{"path": "sh"}]}, '$.hooks.poststop[0].path: "sh" is no absolute path.'),
        ("hooks", {"createRuntime": [{"path": "/x", "timeout": 0}]}, "$.hooks.createRuntime[0].timeout: 0 seconds"),
        ("linux.namespaces.2", {"type": "mont"}, '$.linux.namespaces[2].type: "mont" is no namespace: there are user,'),
        ("linux.namespaces.1", {"type": "pid"}, "$.linux.namespaces[1].type: the pid namespace is there twice."),
        ("linux.namespaces.0", {"type": "pid", "path": "x"}, '$.linux.namespaces[0].path: "x" is no absolute path.'),
        ("linux.namespaces", [], "$.hostname: without a uts namespace it would be the host's own name."),
        ("linux.uidMappings", MAPS, "$.linux.uidMappings: ids are mapped in a user namespace only"),
        ("linux.namespaces.0", {"type": "user"}, "$.linux.uidMappings: a new user namespace needs them."),
        (
            "linux.timeOffsets",
            {"monotonic": {"secs": 1}},
            "$.linux.timeOffsets: clocks are moved in a time namespace only",
        ),
        ("linux.timeOffsets", {"wall": {"secs": 1}}, '$.linux.timeOffsets: "wall" is no clock'),
        ("linux.devices", [{"path": "/dev/x", "type": "z"}], '$.linux.devices[0].type: "z" is no type of device'),
        ("linux.devices", [{"path": "/dev/x", "type": "c", "major": 5000}], "$.linux.devices[0].major: 5000 can't be"),
        ("linux.resources.devices", [{"allow": True, "access": "rx"}], "$.linux.resources.devices[0].access"),
        ("linux.resources.memory", {"limit": 10, "swap": 5}, "$.linux.resources.memory.swap: memory and swap together"),
        ("linux.resources.memory", {"limit": 5}, "$.linux.resources.memory.limit: 5 bytes are too little: 6291456 are"),
        ("linux.resources.cpu", {"cpus": "a"}, '$.linux.resources.cpu.cpus: "a" is no list'),
        ("linux.resources.cpu", {"shares": 1}, "$.linux.resources.cpu.shares: 1 can't be: it goes from 2 to 262144."),
        ("linux.resources.blockIO", {"weight": 5}, "$.linux.resources.blockIO.weight: 5 can't be"),
        (
            "linux.resources.hugepageLimits",
            [{"pageSize": "2", "limit": 1}],
            "$.linux.resources.hugepageLimits[0].pageSize",
        ),
        ("linux.resources.unified", {"../x": "1"}, '$.linux.resources.unified: "../x" is no file of a cgroup.'),
        (
            "linux.sysctl",
            {"kernel.panic": "1"},
            "$.linux.sysctl: The sysctl 'kernel.panic' belongs to the whole machine",
        ),
        ("linux.rootfsPropagation", "public", '$.linux.rootfsPropagation: "public" is no propagation'),
        ("linux.seccomp.defaultAction", "ALLOW", '$.linux.seccomp.defaultAction: "ALLOW" is no seccomp action'),
        ("linux.seccomp.syscalls", [{"names": [], "action": "SCMP_ACT_LOG"}], "$.linux.seccomp.syscalls[0].names"),
        ("linux.maskedPaths", ["proc"], '$.linux.maskedPaths[0]: "proc" is no absolute path.'),
        ("linux.memoryPolicy", {"mode": "MPOL_NEAR"}, '$.linux.memoryPolicy.mode: "MPOL_NEAR" is no policy'),
        ("linux.memoryPolicy", {"mode": "MPOL_BIND", "nodes": "x"}, '$.linux.memoryPolicy.nodes: "x" is no list'),
        ("linux.personality", {"domain": "BSD"}, '$.linux.personality.domain: "BSD" is no personality'),
    ],
)
def test_a_fault_is_told_with_its_json_path(path: str, value: object, sentence: str) -> None:
    told = refusal(changed(path, value))
    assert sentence in told
    assert told.startswith("$.")
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "config.json is no JSON: "),
        (b"{", "config.json is no JSON: "),
        (b"\xff", "config.json is no JSON: "),
        (b'{"root": {"path": "\xff"}}', "config.json is no JSON: "),
        (b"[]", "$: expected an object, got a list."),
        (b"{}", "$: 'root' is missing."),
        (b'{"root": {"path": "/"}}', "$: 'process' is missing."),
        (b'{"root": {"path": "/"}, "process": {}}', "$.process: 'args' is missing."),
        (b'{"x":' + b"[" * 100_000, "config.json is nested too deeply."),
    ],
)
def test_what_is_no_spec_at_all_is_one_sentence(text: bytes, sentence: str) -> None:
    assert refusal(text).startswith(sentence)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    f"{part}.{name}"
    for part, type in (("process", Process), ("linux", Linux))
    for name in type.__struct_encode_fields__
]


@given(st.sampled_from(PLACES), JSON)
def test_any_value_anywhere_gives_a_spec_or_one_sentence(path: str, value: object) -> None:
    try:
        found: Spec | str = read(changed(path, value))
    except EngineError as error:
        found = error.message
    assert isinstance(found, Spec) or found.startswith("$.")


@given(st.binary(max_size=60))
def test_any_bytes_are_one_sentence(text: bytes) -> None:
    assert refusal(text)


@pytest.mark.parametrize(
    "options",
    [
        {"privileged": True},
        {"tty": True, "user": "7:7", "umask": "027", "ulimits": ["nofile=10"], "oom_score_adj": 5},
        {"namespaces": {"pid": "host", "network": "container:web", "uts": "ns:/proc/1/ns/uts"}},
        {"namespaces": {"user": "private", "time": "private"}, "time_offsets": {"boottime": -1.5}},
        {"uid_map": ["0:100000:65536"], "sysctls": {"net.core.somaxconn": "5"}, "personality": "linux32"},
        {"cap_add": ["ALL"], "cap_drop": ["KILL"], "seccomp": "log", "io_priority": "idle", "domainname": "d"},
        {"annotations": {"a": "b"}, "shm_size": 4096, "cgroup_parent": "/x", "device_rules": ["a *:* rwm"]},
    ],
)
def test_what_is_made_of_options_has_no_fault(options: dict[str, Any]) -> None:
    check(from_options(ContainerOptions(**options), IMAGE, "0123456789ab", "/run/root", Account(User())))
