"""Namespaces and ids of a container."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions
from engine.protocol.network import NetworkOption, PortOption
from engine.spec.id_maps import WHOLE, automatic, contains, id_maps, mapped_user, overlap, own
from engine.spec.namespaces import namespaces, time_offsets
from engine.spec.namespaces import own as own_types
from engine.spec.structs import IdMapping, Namespace, TimeOffset, User

as_host_root = pytest.mark.skipif(own("uid") != WHOLE, reason="this user namespace has not all ids")
IDS = st.builds(
    IdMapping,
    container_id=st.integers(0, 2**32 - 1),
    host_id=st.integers(0, 2**32 - 1),
    size=st.integers(0, 2**32 - 1) | st.integers(0, 10),
)


def types(**options: object) -> dict[str, str | None]:
    return {one.type: one.path for one in namespaces(ContainerOptions(**options))}  # type: ignore[arg-type]


def test_six_are_private_where_nobody_says_anything() -> None:
    assert types() == dict.fromkeys(("pid", "network", "ipc", "uts", "mount", "cgroup"))


def test_the_hosts_are_left_out_and_others_joined() -> None:
    asked = {"pid": "host", "network": "ns:/run/netns/a", "ipc": "container:abc", "time": "private"}
    assert types(namespaces=asked) == {
        "network": "/run/netns/a",
        "ipc": "container:abc",
        "uts": None,
        "mount": None,
        "cgroup": None,
        "time": None,
    }


def test_the_user_namespace_comes_first_for_it_owns_the_others() -> None:
    assert namespaces(ContainerOptions(namespaces={"user": "private"}))[0] == Namespace(type="user")


def test_maps_and_offsets_ask_for_a_namespace() -> None:
    assert "user" in types(uid_map=["0:1:1"])
    assert "time" in types(time_offsets={"boottime": 1.0})


def test_own_are_those_that_are_made() -> None:
    assert own_types([Namespace(type="pid"), Namespace(type="uts", path="/x")]) == {"pid"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"namespaces": {"mont": "host"}}, "'mont' is no namespace: there are user, pid"),
        ({"namespaces": {"pid": "hots"}}, "A pid namespace can't be 'hots'"),
        ({"namespaces": {"pid": "ns:proc/1"}}, "write ns: and an absolute path"),
        ({"namespaces": {"pid": "container:"}}, "can't be 'container:'"),
        ({"namespaces": {"mount": "host"}}, "always a container's own"),
        ({"namespaces": {"user": "host"}, "uid_map": ["0:1:1"]}, "With id maps the user namespace is a new one"),
        ({"namespaces": {"time": "host"}, "time_offsets": {"boottime": 1.0}}, "With clock offsets the time namespace"),
        (
            {"namespaces": {"network": "host"}, "ports": [PortOption(container=80)]},
            "A container that uses the host's network (--network host) can't publish ports",
        ),
        ({"namespaces": {"network": "host"}, "publish_all": True}, "can't publish ports"),
        (
            {"namespaces": {"network": "private"}, "networks": [NetworkOption(name="backend")]},
            "A container that has loopback only (--network none) can't be in network 'backend'",
        ),
        ({"namespaces": {"network": "container:web"}, "dns": ["1.1.1.1"]}, "can't have name servers of its own"),
        ({"namespaces": {"network": "container:web"}, "hosts": ["a:::1"]}, "can't have hosts of its own"),
    ],
)
def test_what_cannot_be_is_one_sentence(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(EngineError, match=re.escape(sentence)):
        types(**options)


@pytest.mark.parametrize(
    ("seconds", "offset"),
    [(1.5, (1, 500_000_000)), (-0.25, (-1, 750_000_000)), (0.0, (0, 0)), (86400.0, (86400, 0))],
)
def test_a_clock_is_moved_by_whole_seconds_and_a_positive_rest(seconds: float, offset: tuple[int, int]) -> None:
    assert time_offsets({"boottime": seconds}) == {"boottime": TimeOffset(secs=offset[0], nanosecs=offset[1])}


@pytest.mark.parametrize("offsets", [{"wall": 1.0}, {"boottime": float("nan")}, {"monotonic": 1e12}])
def test_other_clocks_and_no_numbers_are_refused(offsets: dict[str, float]) -> None:
    with pytest.raises(EngineError, match="clock"):
        time_offsets(offsets)


@as_host_root
def test_one_kind_of_map_serves_for_both() -> None:
    both = [IdMapping(container_id=0, host_id=100000, size=1000)]
    assert id_maps(["0:100000:1000"], []) == (both, both)
    assert id_maps([], ["0:100000:1000"]) == (both, both)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0:100000", "is no id map: write INSIDE:OUTSIDE:SIZE"),
        ("a:b:c", "is no id map"),
        ("0:4294967296:1", "is no id map"),
        ("0:5:0", "0 ids from 0 on can't be"),
        ("0:4294967295:1", "1 ids from 4294967295 on can't be"),
    ],
)
def test_what_is_no_map_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        id_maps([text], [])


@given(st.lists(IDS, max_size=4))
def test_a_map_is_refused_exactly_when_an_id_is_in_it_twice_or_out_of_range(maps: list[IdMapping]) -> None:
    def side(name: str) -> bool:
        lines = sorted((getattr(line, name), getattr(line, name) + line.size) for line in maps)
        apart = all(one[1] <= other[0] for one, other in pairwise(lines))
        return apart and all(first < end < 2**32 for first, end in lines)

    assert (overlap(maps) == "") == (side("container_id") and side("host_id"))


def test_the_automatic_range_has_root_and_no_id_of_anybody_else() -> None:
    for kind in ("uid", "gid"):
        found = automatic(kind)
        assert contains(found, 0)
        assert overlap(found) == ""
        assert own(kind) != WHOLE or found[0].host_id >= 65536


def test_a_user_must_be_in_the_containers_own_map() -> None:
    few = [IdMapping(container_id=0, host_id=100000, size=10)]
    user = User(uid=9, gid=9, additional_gids=[5, 10])
    assert mapped_user(user, (few, few), [7]).additional_gids == [5, 7]
    with pytest.raises(EngineError, match="The uid 10 is not among the ids of the container's user namespace"):
        mapped_user(User(uid=10), (few, few))
    with pytest.raises(EngineError, match="The gid 11 is not among"):
        mapped_user(User(), (few, few), [11])
