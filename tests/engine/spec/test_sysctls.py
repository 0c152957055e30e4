"""Kernel settings of a container's namespaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.spec.sysctls import check, checked, in_dots

ALL = ("ipc", "uts", "network")


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("kernel.shmmax", "ipc"),
        ("fs.mqueue.msg_max", "ipc"),
        ("kernel.domainname", "uts"),
        ("net.ipv4.ip_forward", "network"),
    ],
)
def test_a_setting_needs_its_namespace(name: str, namespace: str) -> None:
    check(name, "1", [namespace])
    with pytest.raises(EngineError, match=f"no {namespace} namespace of its own"):
        check(name, "1", set(ALL) - {namespace})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("kernel.panic", "1", "belongs to the whole machine"),
        ("vm.swappiness", "1", "belongs to the whole machine"),
        ("kernel.shmmaxx", "1", "belongs to the whole machine"),
        ("network.x", "1", "belongs to the whole machine"),
        ("kernel.hostname", "x", "is set by --hostname"),
        ("net.core.somaxconn", "1\0", "holds a NUL byte"),
        ("", "1", "is no sysctl"),
        ("net.", "1", "is no sysctl"),
        ("net..core", "1", "is no sysctl"),
        ("net.core/../../vm", "1", "is no sysctl"),
        ("net/../../vm/x", "1", "is no sysctl"),
        ("net.//.kernel", "1", "is no sysctl"),
        ("net.a b", "1", "is no sysctl"),
    ],
)
def test_what_is_not_a_containers_to_set_is_refused(name: str, value: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        check(name, value, ALL)


def test_slashes_and_dots_may_change_places() -> None:
    assert in_dots("net/ipv4/conf/eth0.1/forwarding") == "net.ipv4.conf.eth0/1.forwarding"
    assert in_dots("net.ipv4.conf.eth0/1.forwarding") == "net.ipv4.conf.eth0/1.forwarding"
    assert checked({"net/core/somaxconn": "9"}, ALL) == {"net.core.somaxconn": "9"}


@given(st.text(alphabet="a./-_0", max_size=12))
def test_what_is_accepted_stays_below_proc_sys_net(rest: str) -> None:
    name = f"net.{rest}"
    try:
        check(name, "1", ALL)
    except EngineError:
        return
    path = Path("/proc/sys", *(part.replace("/", ".") for part in in_dots(name).split(".")))
    assert path.parts[:4] == ("/", "proc", "sys", "net")
    assert not {"", ".", ".."} & set(path.parts)
