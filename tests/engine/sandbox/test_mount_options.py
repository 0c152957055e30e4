"""The words of the specification's table, and who is told of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sandbox.kernel import MOUNT_ATTR, MS
from engine.sandbox.mount_options import ATTRIBUTES, Attributes, sort_options

# runtime-spec config.md, "Linux mount options"
TABLE = """
async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion
nolazytime norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec
rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw
rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync
tmpcopyup unbindable idmap ridmap mand nomand
""".split()
FOR_FILE_SYSTEMS = {"dirsync", "lazytime", "mand", "sync"}  # flags of the superblock, fsconfig(2)


@pytest.mark.parametrize("word", TABLE)
def test_no_word_of_the_table_is_taken_for_an_option_of_the_file_system(word: str) -> None:
    assert [key for key, _ in sort_options([word]).data] == ([word] if word in FOR_FILE_SYSTEMS else [])


def test_what_is_in_no_table_is_for_the_file_system() -> None:
    options = sort_options(["size=64k", "mode=1777", "noswap", "lowerdir=/a:/b=c"])
    assert options.data == (("size", "64k"), ("mode", "1777"), ("noswap", None), ("lowerdir", "/a:/b=c"))
    assert not options.here


def test_an_r_in_front_means_all_below() -> None:
    options = sort_options(["nosuid", "rro", "rslave", "private"])
    assert (options.here.set, options.below.set) == (MOUNT_ATTR.NOSUID, MOUNT_ATTR.RDONLY)
    assert options.propagation == ((MS.SLAVE, True), (MS.PRIVATE, False))


@given(st.lists(st.sampled_from(sorted(ATTRIBUTES))))
def test_the_last_word_counts(words: list[str]) -> None:
    """As if each word were a mount_setattr(2) of its own: clear first, then set."""
    found = sort_options(words).here
    for start in (MOUNT_ATTR(0), MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOEXEC | MOUNT_ATTR.NOATIME):
        step_by_step = start
        for word in words:
            new, gone = ATTRIBUTES[word]
            step_by_step = step_by_step & ~gone | new
        assert start & ~found.clear | found.set == step_by_step


@given(st.lists(st.sampled_from(sorted(ATTRIBUTES))))
def test_times_of_access_are_set_as_the_kernel_wants_it(words: list[str]) -> None:
    """mount_setattr(2): who sets one value of that field, or clears it, has to clear all of it (EINVAL)."""
    found: Attributes = sort_options(words).here
    if found.set & MOUNT_ATTR.ATIME or found.clear & MOUNT_ATTR.ATIME:
        assert found.clear & MOUNT_ATTR.ATIME == MOUNT_ATTR.ATIME
    assert found.set & MOUNT_ATTR.ATIME in (0, MOUNT_ATTR.NOATIME, MOUNT_ATTR.STRICTATIME)
