"""Device nodes, and what the device cgroup allows."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.spec.devices import DEFAULT, allowed, devices, rule, with_default_nodes
from engine.spec.structs import Device, DeviceCgroup

DEFAULT_PATHS = [device.path for device in DEFAULT]


def nodes(*asked: str, privileged: bool = False) -> dict[str, Device]:
    return {device.path: device for device in devices(asked, privileged=privileged)[0]}


def rules(*asked: str) -> list[DeviceCgroup]:
    return devices(asked, privileged=False)[1]


def test_a_device_of_the_host_is_there_with_its_numbers_mode_and_owner() -> None:
    made, status = nodes("/dev/zero:/dev/sub/nil:rw")["/dev/sub/nil"], os.stat("/dev/zero")
    assert (made.type, made.major, made.minor) == ("c", 1, 5)
    assert (made.file_mode, made.uid, made.gid) == (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    assert rules("/dev/zero:/dev/sub/nil:rw") == [DeviceCgroup(allow=True, type="c", major=1, minor=5, access="rw")]


@pytest.mark.parametrize(
    ("text", "path", "access"),
    [
        ("/dev/full", "/dev/full", "rwm"),
        ("/dev/full:r", "/dev/full", "r"),
        ("/dev/full:/dev/x", "/dev/x", "rwm"),
        ("/dev/full:/dev/../dev/y:wm", "/dev/y", "wm"),
    ],
)
def test_place_and_access_may_be_left_out(text: str, path: str, access: str) -> None:
    assert path in nodes(text)
    assert [one.access for one in rules(text)] == [access]


def test_a_device_takes_the_place_of_a_default_one() -> None:
    assert nodes("/dev/full:/dev/null")["/dev/null"].minor == 7
    assert list(nodes("/dev/full:/dev/null")) == DEFAULT_PATHS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_of_a_directory_all_devices_in_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "file").touch()
    try:
        os.mknod(tmp_path / "a", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(tmp_path / "in" / "b", stat.S_IFBLK | 0o640, os.makedev(7, 9))
    except PermissionError:
        pytest.skip("no device nodes can be made here")
    made = nodes(f"{tmp_path}:/dev/all")
    assert sorted(set(made) - set(DEFAULT_PATHS)) == ["/dev/all/a", "/dev/all/in/b"]
    assert (made["/dev/all/in/b"].type, made["/dev/all/in/b"].file_mode) == ("b", 0o640)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dev/null", "is no device: write its absolute path"),
        ("/dev/null:x", "is no device"),
        ("/dev/null:rr", "is no device"),
        ("/dev/null:/dev/x:rw:m", "is no device"),
        ("/dev/null:", "is no device"),
        ("/dev/nothing", "'/dev/nothing' can't be had: No such file"),
        ("/dev/nu\0ll", "can't be had"),
        ("/etc/passwd", "'/etc/passwd' is no device node"),
        ("/proc/self/net", "is no device node"),
    ],
)
def test_what_is_no_device_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        devices([text], privileged=False)


def test_a_privileged_container_has_the_hosts_devices_but_not_its_terminals() -> None:
    made = nodes(privileged=True)
    assert set(DEFAULT_PATHS) <= set(made)
    assert not [path for path in made if path in ("/dev/console", "/dev/ptmx") or path.startswith("/dev/pts/")]
    for path, device in made.items():
        assert os.stat(path).st_rdev == os.makedev(device.major, device.minor)


def test_nothing_is_allowed_but_default_nodes_terminals_and_mknod() -> None:
    first, *others = allowed([], [], privileged=False)
    assert first == DeviceCgroup(allow=False, type="a", access="rwm")
    assert {(one.type, one.major, one.minor) for one in others if one.access == "rwm"} == {
        *(("c", device.major, device.minor) for device in DEFAULT),
        ("c", 5, 1),
        ("c", 5, 2),
        ("c", 136, None),
    }
    assert {(one.type, one.major, one.access) for one in others if one.access != "rwm"} == {
        ("c", None, "m"),
        ("b", None, "m"),
    }


def test_what_was_asked_for_comes_last_and_so_counts() -> None:
    last = allowed(rules("/dev/full:r"), ["b 7:* rw"], privileged=False)[-2:]
    assert [(one.type, one.access) for one in last] == [("c", "r"), ("b", "rw")]
    assert allowed([], [], privileged=True) == [DeviceCgroup(allow=True, type="a", access="rwm")]


def test_a_spec_without_rules_allows_nothing_either() -> None:
    assert with_default_nodes([])[0] == DeviceCgroup(allow=False, type="a", access="rwm")
    given_rules = [DeviceCgroup(allow=True, type="a", access="rwm")]
    assert with_default_nodes(given_rules)[0] == given_rules[0]


NUMBERS = st.none() | st.integers(0, 2**31)


@given(st.sampled_from("bc"), NUMBERS, NUMBERS, st.sets(st.sampled_from("rwm"), min_size=1))
def test_a_rule_says_what_it_is_written_as(type: str, major: int | None, minor: int | None, access: set[str]) -> None:
    major_text, minor_text = ("*" if number is None else str(number) for number in (major, minor))
    found = rule(f"{type} {major_text}:{minor_text} {''.join(access)}")
    assert (found.allow, found.type, found.major, found.minor) == (True, type, major, minor)
    assert set(found.access) == access


def test_a_rule_for_all_devices_has_no_numbers() -> None:
    assert rule("a *:* rw") == DeviceCgroup(allow=True, type="a", access="rw")


@pytest.mark.parametrize(
    "text",
    ["", "c", "c 1:3", "d 1:3 r", "c 1 r", "c 1:3 x", "c 1:3 r\n", "c -1:3 r", "c ١:3 r", "a 1:3 r", "a 1:* r"],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(EngineError, match="is no device rule"):
        rule(text)
