"""The spec's mounts from what a person asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, MountOption
from engine.spec.mounts import check, from_options, id_maps, merged, propagation
from engine.spec.structs import IdMapping, Mount


def one(kind: str, *options: str, source: str = "/src", destination: str = "/dst", id_mapped: bool = False) -> Mount:
    option = MountOption(type=kind, source=source, destination=destination, options=list(options))  # type: ignore[arg-type]
    return from_options([option], {"db": "/volumes/db/data"}, id_mapped=id_mapped)[0]


def test_a_bind_is_recursive_and_private_if_nothing_else_is_said() -> None:
    assert one("bind") == Mount(destination="/dst", type="bind", source="/src", options=["rbind", "rprivate"])


def test_read_only_means_all_of_it_unless_recursion_is_spoken_of() -> None:
    assert one("bind", "ro").options == ["rbind", "ro", "rro", "rprivate"]
    assert one("bind", "rbind", "ro").options == ["rbind", "ro", "rprivate"]
    assert one("bind", "bind", "ro", "rslave").options == ["bind", "ro", "rslave"]


def test_words_for_us_do_not_reach_the_spec() -> None:
    assert one("bind", "create", "z", "rw").options == ["rbind", "rprivate"]
    assert one("volume", "nocopy", "Z", source="db").options == ["rbind", "rprivate"]


def test_a_volume_is_a_bind_of_its_directory_and_id_mapped_in_a_user_namespace() -> None:
    assert one("volume", source="db").source == "/volumes/db/data"
    assert "idmap" in one("volume", source="db", id_mapped=True).options
    assert "idmap" not in one("bind", id_mapped=True).options


def test_memory_is_as_docker_makes_it() -> None:
    made = one("tmpfs", source="")
    assert made == Mount(
        destination="/dst", type="tmpfs", source="tmpfs", options=["nosuid", "nodev", "noexec", "mode=1777"]
    )
    asked = one("tmpfs", "exec", "size=1.5k", "mode=700", source="")
    assert asked.options == ["nosuid", "nodev", "exec", "size=1536", "mode=700"]
    assert "size=50%" in one("tmpfs", "size=50%", source="").options


def test_maps_of_its_own_go_into_the_spec() -> None:
    made = one("bind", "ridmap=uids=0-1000-1#1-2000-5;gids=0-7-1")
    assert "ridmap" in made.options
    assert made.uid_mappings == [
        IdMapping(container_id=0, host_id=1000, size=1),
        IdMapping(container_id=1, host_id=2000, size=5),
    ]
    assert made.gid_mappings == [IdMapping(container_id=0, host_id=7, size=1)]
    only = id_maps("idmap=uids=0-5-1")
    assert only is not None
    assert only[0] == only[1]


@pytest.mark.parametrize(
    ("kind", "options", "destination", "complaint"),
    [
        ("bind", ["size=1m"], "/d", "no option of a bind mount"),
        ("bind", ["nocopy"], "/d", "no option of a bind mount"),
        ("volume", ["create"], "/d", "no option of a volume"),
        ("tmpfs", ["z"], "/d", "no option of a tmpfs"),
        ("tmpfs", ["size=lots"], "/d", "no option of a tmpfs"),
        ("tmpfs", ["mode=9"], "/d", "no option of a tmpfs"),
        ("bind", ["idmap=uids=1-2"], "/d", "no option"),
        ("bind", ["idmap=uids=0-0-0"], "/d", "no option"),
        ("bind", ["ro", "rw"], "/d", "ro and rw exclude each other"),
        ("bind", ["z", "Z"], "/d", "exclude"),
        ("bind", ["rshared", "private"], "/d", "exclude"),
        ("bind", [], "d", "absolute path"),
        ("bind", [], "/", "whole root"),
        ("bind", [], "/a/..", "whole root"),
        ("bind", [], "//", "whole root"),
        ("bind", [], "/a\0b", "absolute path"),
        ("bind", [], "/proc/sys", "kernel's own files"),
        ("bind", [], "/x/../proc/1", "kernel's own files"),
        ("tmpfs", [], "/proc", "what /proc says"),
    ],
)
def test_a_mount_that_cannot_be_is_refused_by_its_destination(
    kind: str, options: list[str], destination: str, complaint: str
) -> None:
    with pytest.raises(EngineError, match=complaint) as refused:
        check(MountOption(type=kind, source="/s", destination=destination, options=options))  # type: ignore[arg-type]
    assert refused.value.code == ErrorCode.INVALID
    assert repr(destination) in refused.value.message


def test_lxcfs_may_lie_over_its_files_of_proc_and_the_hosts_over_all() -> None:
    check(MountOption(type="bind", source="/var/lib/lxcfs/proc/meminfo", destination="/proc/meminfo"))
    check(MountOption(type="bind", source="/proc", destination="/proc"))


def test_two_mounts_at_one_place_are_refused_however_it_is_written() -> None:
    options = [MountOption(type="bind", source="/s", destination=d) for d in ("/a/b", "/a//./b/")]
    with pytest.raises(EngineError, match="two mounts at '/a/b'"):
        from_options(options, {})


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), max_size=6))
def test_what_lies_in_a_mount_comes_after_it(paths: list[list[str]]) -> None:
    wanted = {f"/{'/'.join(path)}" for path in paths}
    made = from_options([MountOption(type="tmpfs", destination=path) for path in wanted], {})
    places = [mount.destination for mount in made]
    assert set(places) == wanted
    for i, place in enumerate(places):
        assert not any(place.startswith(later + "/") for later in places[i + 1 :])


def test_own_mounts_take_the_place_of_default_ones_and_come_last() -> None:
    defaults = [Mount(destination="/proc", type="proc"), Mount(destination="/dev/shm", type="tmpfs")]
    own = [Mount(destination="/dev/shm", source="/dev/shm"), Mount(destination="/a", source="/a")]
    assert merged(defaults, own) == [defaults[0], *own]


def test_default_mounts_inside_of_an_own_one_are_not_covered_by_it() -> None:
    defaults = [Mount(destination=place) for place in ("/dev", "/dev/pts", "/sys", "/sys/fs/cgroup")]
    own = [Mount(destination=place, source="/s") for place in ("/dev", "/data", "/sys/fs", "/de")]
    places = [mount.destination for mount in merged(defaults, own)]
    assert places == ["/dev", "/dev/pts", "/sys", "/sys/fs", "/sys/fs/cgroup", "/data", "/de"]


def test_the_root_has_to_hear_of_what_a_mount_shall_hear_of() -> None:
    assert propagation([one("bind")]) is None
    assert propagation([one("bind", "rslave"), one("bind", "private")]) == "rslave"
    assert propagation([one("bind", "slave"), one("bind", "rshared")]) == "rshared"
