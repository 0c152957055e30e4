"""Who `--user` is: Docker's rules, as a table, and what holds for any input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from engine.spec.structs import User
from engine.spec.user import MAXIMUM, Account, resolve_user

PASSWD = """\
# accounts
root:x:0:0:root:/root:/bin/sh
alice:x:1000:1001:Alice,,,:/home/alice:/bin/sh
twin:x:1000:7::/home/twin:
homeless:x:1002:1002
42:x:1003:1003::/home/answer:/bin/sh
broken:x:
bad:x:one:two::/:
"""
GROUP = """\
root:x:0:
wheel:x:10:root,alice
alice:x:1001:
docker:x:999:alice
43:x:1004:
broken
"""


@pytest.mark.parametrize(
    ("asked", "uid", "gid", "others", "home"),
    [
        (None, 0, 0, [10], "/root"),
        ("", 0, 0, [10], "/root"),
        ("root", 0, 0, [10], "/root"),
        ("alice", 1000, 1001, [10, 999], "/home/alice"),
        ("1000", 1000, 1001, [10, 999], "/home/alice"),
        ("twin", 1000, 7, [], "/home/twin"),
        ("alice:docker", 1000, 999, [], "/home/alice"),
        ("alice:0", 1000, 0, [], "/home/alice"),
        ("alice:", 1000, 1001, [10, 999], "/home/alice"),
        (":docker", 0, 999, [], "/root"),
        ("5000", 5000, 0, [], "/"),
        ("5000:6000", 5000, 6000, [], "/"),
        ("5000:wheel", 5000, 10, [], "/"),
        ("homeless", 1002, 1002, [], "/"),
        ("42", 42, 0, [], "/"),
        ("0:43", 0, 43, [], "/root"),
        (f"{MAXIMUM}:{MAXIMUM}", MAXIMUM, MAXIMUM, [], "/"),
    ],
)
def test_a_user_is_who_docker_says(asked: str | None, uid: int, gid: int, others: list[int], home: str) -> None:
    user = User(uid=uid, gid=gid, additional_gids=others)
    assert resolve_user(asked, PASSWD, GROUP) == Account(user, home)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("bob", "unable to find user bob: no matching entries in passwd file"),
        ("broken", "unable to find user broken"),
        ("bad", "unable to find user bad"),
        ("-1", "unable to find user -1"),
        ("²", "unable to find user ²"),
        ("alice:nobody", "unable to find group nobody: no matching entries in group file"),
        ("0:docker:0", "unable to find group docker:0"),
        (str(MAXIMUM + 1), "must be in range 0-2147483647"),
        (f"0:{MAXIMUM + 1}", "must be in range 0-2147483647"),
        ("9" * 5000, "unable to find user"),
        ("a\0b", "NUL"),
    ],
)
def test_a_user_that_cannot_be_is_one_sentence(asked: str, sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        resolve_user(asked, PASSWD, GROUP)


def test_an_image_without_accounts_still_has_root() -> None:
    assert resolve_user(None, "", "") == Account(User(uid=0, gid=0), "/")


@given(st.text(max_size=20), st.text(), st.text())
def test_any_text_gives_an_account_in_range_or_an_engine_error(asked: str, passwd: str, group: str) -> None:
    try:
        account = resolve_user(asked, passwd, group)
    except EngineError:
        return
    user = account.user
    assert all(0 <= number <= MAXIMUM for number in (user.uid, user.gid, *user.additional_gids))
    assert account.home


names = st.from_regex(r"[a-z_][a-z0-9_-]{0,10}", fullmatch=True)
ids = st.integers(0, MAXIMUM)


@given(st.lists(st.tuples(names, ids, ids), min_size=1, unique_by=lambda entry: entry[0]), st.data())
def test_every_entry_is_found_by_its_name(entries: list[tuple[str, int, int]], data: st.DataObject) -> None:
    passwd = "".join(f"{name}:x:{uid}:{gid}::/home/{name}:/bin/sh\n" for name, uid, gid in entries)
    name, uid, gid = data.draw(st.sampled_from(entries))
    assert resolve_user(name, passwd, "") == Account(User(uid=uid, gid=gid), f"/home/{name}")


def test_further_groups_are_found_by_name_or_number() -> None:
    group = "audio:x:29:\nvideo:x:44:\n"
    assert resolve_user("5", "", group, ["video", "7", "audio", "44"]).asked_groups == (44, 7, 29)
    with pytest.raises(EngineError, match="unable to find group nobody"):
        resolve_user(None, "", group, ["nobody"])
    with pytest.raises(EngineError, match="NUL byte"):
        resolve_user(None, "", group, ["a\0"])
