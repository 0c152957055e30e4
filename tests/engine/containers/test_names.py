"""Ids, names and finding a container by them."""

import re
from string import hexdigits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.containers import names, words
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

IDS = st.text("0123456789abcdef", min_size=12, max_size=12)
CONTAINERS = st.dictionaries(st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,8}", fullmatch=True), IDS, max_size=6).filter(
    lambda containers: len(set(containers.values())) == len(containers)
)
KNOWN = {"web": "abc000000000", "db": "abd000000000", "abd0": "fff000000000"}


def refusal(reference: str) -> EngineError:
    with pytest.raises(EngineError) as refused:
        names.find(reference, KNOWN)
    return refused.value


def test_an_id_is_twelve_hexadecimal_digits() -> None:
    made = names.new_id(())
    assert len(made) == 12
    assert set(made) <= set(hexdigits.lower())


def test_an_id_in_use_is_not_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aaaaaaaaaaaa", "bbbbbbbbbbbb"])
    monkeypatch.setattr("secrets.token_hex", lambda _: next(drawn))
    assert names.new_id({"aaaaaaaaaaaa"}) == "bbbbbbbbbbbb"


def test_a_generated_name_is_an_adjective_and_a_noun() -> None:
    name = names.new_name(())
    assert re.fullmatch(r"[a-z]+_[a-z]+", name)
    names.check_name(name, {})


def test_generated_names_stay_unique_when_all_pairs_are_taken() -> None:
    taken = {f"{adjective}_{noun}" for adjective in words.ADJECTIVES for noun in words.NOUNS}
    for _ in range(50):
        name = names.new_name(taken)
        assert name not in taken
        names.check_name(name, {})
        taken.add(name)


@pytest.mark.parametrize("name", ["", "a", "-ab", ".ab", "_ab", "a b", "a/b", "ab\n", "a" * 129, "äb"])
def test_a_malformed_name_is_refused_and_the_rule_told(name: str) -> None:
    with pytest.raises(EngineError, match="letters, digits") as refused:
        names.check_name(name, {})
    assert refused.value.code == ErrorCode.INVALID


def test_a_duplicate_name_is_refused_and_its_owner_named() -> None:
    with pytest.raises(EngineError, match="'web' is taken by container abc000000000") as refused:
        names.check_name("web", KNOWN)
    assert refused.value.code == ErrorCode.NAME_IN_USE


@given(CONTAINERS)
def test_every_container_answers_to_its_id_and_its_name(containers: dict[str, str]) -> None:
    for name, id in containers.items():
        assert names.find(id, containers) == id
        if not names.is_id(name):
            assert names.find(name, containers) == id


@given(CONTAINERS, st.integers(1, 11))
def test_a_prefix_finds_a_container_only_when_it_is_unique(containers: dict[str, str], length: int) -> None:
    for id in containers.values():
        prefix = id[:length]
        sharing = [other for other in containers.values() if other.startswith(prefix)]
        if prefix in containers:
            assert names.find(prefix, containers) == containers[prefix]
        elif len(sharing) == 1:
            assert names.find(prefix, containers) == id
        else:
            with pytest.raises(EngineError):
                names.find(prefix, containers)


def test_an_ambiguous_prefix_names_the_candidates() -> None:
    refused = refusal("ab")
    assert refused.code == ErrorCode.AMBIGUOUS
    assert (
        refused.message
        == "'ab' begins the ids of 2 containers: abc000000000 (web), abd000000000 (db). Write more of the id."
    )


def test_a_name_goes_before_a_prefix() -> None:
    assert names.find("abd0", KNOWN) == "fff000000000"


@pytest.mark.parametrize("reference", ["", "we", "ABC", "0", "x" * 1000])
def test_what_nothing_answers_to_is_named(reference: str) -> None:
    refused = refusal(reference)
    assert refused.code == ErrorCode.NO_SUCH_CONTAINER
    assert reference[:60] in refused.message
    assert len(refused.message) < 200
