"""Volumes, mounts and tmpfs as people write them."""

from __future__ import annotations

import argparse
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.messages import MountOption
from heliostui.commandline.failures import UsageError
from heliostui.commandline.mounts import add_mount_options, given_mounts, mount, tmpfs, volume
from heliostui.commandline.parser import Parser


def given_words(*words: str) -> list[MountOption]:
    parser = Parser(prog="run")
    add_mount_options(parser)
    return given_mounts(parser.parse_args(words))


@pytest.mark.parametrize(
    ("text", "source", "options"),
    [
        ("/srv:/data", "/srv", ["create"]),
        ("/srv:/data:ro", "/srv", ["ro", "create"]),
        ("/srv:/data:ro,rslave,Z", "/srv", ["ro", "rslave", "Z", "create"]),
        ("./here:/data", os.path.abspath("here"), ["create"]),
        ("../there:/data", os.path.abspath("../there"), ["create"]),
    ],
)
def test_a_volume_with_a_path_is_a_bind_mount(text: str, source: str, options: list[str]) -> None:
    assert volume(text) == MountOption(type="bind", source=source, destination="/data", options=options)


def test_a_volume_with_a_name_is_that_volume_and_one_without_is_a_new_one() -> None:
    assert volume("db:/data:ro,nocopy") == MountOption(
        type="volume", source="db", destination="/data", options=["ro", "nocopy"]
    )
    assert volume("/data") == MountOption(type="volume", destination="/data")


@pytest.mark.parametrize("text", ["", ":", "a:", ":/b", "a:b", "data", "/a:/b:ro:rw", "-x:/b", "a b:/c", "/a:b", "/a:"])
def test_what_is_no_volume_is_refused_in_a_sentence_that_names_it(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"'.*'.*( is no |absolute path)"):
        volume(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=bind,src=/a,dst=/b,readonly", MountOption(type="bind", source="/a", destination="/b", options=["ro"])),
        ("type=bind,source=/a,target=/b,ro=false", MountOption(type="bind", source="/a", destination="/b")),
        (
            "type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-recursive=readonly,ro",
            MountOption(type="bind", source="/a", destination="/b", options=["rshared", "rbind", "rro", "ro"]),
        ),
        (
            "type=bind,src=/a,dst=/b,bind-nonrecursive,relabel=private,noexec",
            MountOption(type="bind", source="/a", destination="/b", options=["bind", "Z", "noexec"]),
        ),
        (
            '"type=bind","src=/a,b",dst=/b,consistency=cached',
            MountOption(type="bind", source="/a,b", destination="/b"),
        ),
        ("src=db,dst=/b,volume-nocopy", MountOption(type="volume", source="db", destination="/b", options=["nocopy"])),
        ("type=volume,dst=/b,volume-driver=local", MountOption(type="volume", destination="/b")),
        (
            "type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=700,tmpcopyup",
            MountOption(type="tmpfs", destination="/b", options=["size=64m", "mode=700", "tmpcopyup"]),
        ),
        (
            "type=bind,src=/a,dst=/b,idmap=uids=0-1000-1;gids=0-1000-1",
            MountOption(type="bind", source="/a", destination="/b", options=["idmap=uids=0-1000-1;gids=0-1000-1"]),
        ),
    ],
)
def test_a_mount_is_spelled_out(text: str, expected: MountOption) -> None:
    assert mount(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("type=bind,src=/a", "needs dst="),
        ("type=bind,dst=/b", "needs src="),
        ("type=tmpfs,src=/a,dst=/b", "has no source"),
        ("type=npipe,src=a,dst=/b", "no type 'npipe'"),
        ("type=bind,src=/a,dst=b", "absolute path"),
        ("src=-x,dst=/b", "no name of a volume"),
        ("type=bind,src=/a,dst=/b,ro=perhaps", "true or false"),
        ("type=bind,src=/a,dst=/b,bind-recursive=yes", "enabled, disabled, writable, readonly"),
        ("src=a,dst=/b,volume-opt=x=y", "volume create"),
        ("src=a,dst=/b,volume-driver=nfs", "no volume driver 'nfs'"),
        ("type=bind,src=/a\n,dst=/b", "no list of options"),
        ("", "needs dst="),
    ],
)
def test_what_is_no_mount_is_refused_in_a_sentence(text: str, complaint: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=complaint):
        mount(text)


def test_memory_has_a_place_and_options() -> None:
    assert tmpfs("/run:size=64m,mode=755") == MountOption(
        type="tmpfs", destination="/run", options=["size=64m", "mode=755"]
    )
    assert tmpfs("/run") == MountOption(type="tmpfs", destination="/run")
    with pytest.raises(argparse.ArgumentTypeError, match="absolute path"):
        tmpfs("run")


def test_all_are_taken_and_a_bad_one_is_a_usage_error_that_names_its_option() -> None:
    found = given_words("-v", "a:/a", "--mount", "type=tmpfs,dst=/b", "--tmpfs", "/c", "--volume", "/d")
    assert [each.destination for each in found] == ["/a", "/d", "/b", "/c"]
    assert given_words() == []
    with pytest.raises(UsageError, match=r"--volume.*'data'"):
        given_words("-v", "data")


@given(st.text(max_size=40))
def test_no_text_makes_anything_but_a_mount_or_a_refusal(text: str) -> None:
    for parse in (volume, mount, tmpfs):
        try:
            found = parse(text)
        except argparse.ArgumentTypeError:
            continue
        assert found.destination.startswith("/")
