"""Which capabilities a container has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.spec.capabilities import DEFAULT, NAMES, granted, sets
from engine.spec.structs import User

LAST = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
KNOWN = st.sampled_from(NAMES[: LAST + 1])


def held(add: list[str] | None = None, drop: list[str] | None = None, *, privileged: bool = False) -> list[str]:
    return granted(add or [], drop or [], privileged=privileged, own_user_namespace=True)


def test_without_a_word_they_are_dockers_fourteen() -> None:
    assert held() == list(DEFAULT)
    assert len(DEFAULT) == 14


@pytest.mark.parametrize("name", ["net_admin", "NET_ADMIN", "cap_net_admin", "CAP_NET_ADMIN", " Net_Admin "])
def test_a_name_is_written_in_any_way(name: str) -> None:
    assert held([name])[-1] == "CAP_NET_ADMIN"
    assert held(["ALL"], [name]) == [one for one in NAMES[: LAST + 1] if one != "CAP_NET_ADMIN"]


def test_all_dropped_leaves_what_is_added() -> None:
    assert held(["chown"], ["ALL"]) == ["CAP_CHOWN"]
    assert held([], ["all"]) == []


def test_what_is_added_and_dropped_is_there_as_in_docker() -> None:
    assert "CAP_CHOWN" in held(["CHOWN"], ["CHOWN"])
    assert "CAP_CHOWN" not in held(["ALL"], ["CHOWN"])


def test_a_privileged_container_has_all_that_the_kernel_knows() -> None:
    assert held([], ["ALL"], privileged=True) == list(NAMES[: LAST + 1])


def test_outside_of_a_user_namespace_nobody_gets_more_than_we_have() -> None:
    status = Path("/proc/self/status").read_text().splitlines()
    ours = next(int(line.split()[1], 16) for line in status if line.startswith("CapBnd:"))
    all_of_ours = [name for number, name in enumerate(NAMES) if ours >> number & 1]
    assert granted(["ALL"], [], privileged=False, own_user_namespace=False) == all_of_ours


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("net_admn", "'net_admn' is no capability: did you mean NET_ADMIN"),
        ("fly", "'fly' is no capability: capabilities"),
        ("", "'' is no capability"),
    ],
)
def test_what_is_none_is_refused(name: str, sentence: str) -> None:
    for add, drop in (([name], []), ([], [name])):
        with pytest.raises(EngineError, match=sentence) as caught:
            granted(list[str](add), list[str](drop), privileged=False, own_user_namespace=False)
        assert caught.value.code is ErrorCode.INVALID


@given(st.lists(KNOWN), st.lists(KNOWN))
def test_each_is_there_once_and_exactly_when_it_should_be(add: list[str], drop: list[str]) -> None:
    found = held(add, drop)
    assert len(found) == len(set(found))
    assert set(found) == (set(DEFAULT) - set(drop)) | set(add)


def test_only_root_has_them_in_force() -> None:
    root, other = sets(["CAP_CHOWN"], User()), sets(["CAP_CHOWN"], User(uid=1))
    assert (root.bounding, root.permitted, root.effective) == (["CAP_CHOWN"],) * 3
    assert (other.bounding, other.permitted, other.effective) == (["CAP_CHOWN"], [], [])
    assert root.ambient == root.inheritable == []
