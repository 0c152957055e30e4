"""The language of the filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.query import FIELDS, STATES, Query, QueryError, parse

WEB = {
    "name": ["web-10"],
    "image": ["nginx:1.27"],
    "state": ["running", "healthy"],
    "label": ["tier=front", "team=Blue", "loud="],
    "network": ["backend", "edge"],
    "command": ["nginx -g 'daemon off;'"],
    "port": [":8080→80"],
    "id": ["0123456789ab"],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "web",
        "WEB nginx",
        "1.27 8080",
        "/^web-\\d+$/",
        "/^web-\\d+$",
        "!db",
        "!/^db/",
        "! web db",
        "label:tier",
        "label:tier=front",
        "label:t*=f*",
        "LABEL:team=blue",
        "label:loud=",
        "state:running",
        "state:run",
        "state:healthy",
        "!state:exited web",
        "image:nginx",
        "nginx:1.27",
        "network:edge",
        "name:/web|db/",
        '"daemon off"',
        'command:"daemon off"',
        "id:0123",
        "name:",
        "/",
        "!",
    ],
)
def test_what_is_true_of_a_container(text: str) -> None:
    assert parse(text).holds(WEB)


@pytest.mark.parametrize(
    "text",
    [
        "db",
        "web db",
        "!web",
        "! web",
        "!/web/",
        "label:front",
        "label:tier=back",
        "label:tie",
        "front",
        "0123",
        "state:exited",
        "image:web",
        "name:/^eb/",
        "network:bridge",
        '"off daemon"',
    ],
)
def test_what_is_not(text: str) -> None:
    assert not parse(text).holds(WEB)


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("/(web/", 1, "unterminated subpattern"),
        ("web /a**/", 7, "Multiple repeat"),
        ("name:/[a/", 6, "unterminated character set"),
        ("state:runing", 6, "No container is ever “runing”"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, at: int, said: str) -> None:
    with pytest.raises(QueryError) as told:
        parse(text)
    assert told.value.at == at
    assert said.lower() in str(told.value).lower()


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
FACTS = st.dictionaries(st.sampled_from(FIELDS), st.lists(WORDS, max_size=3))
TERMS = st.one_of(
    WORDS,
    WORDS.map(lambda word: f"/{word}/"),
    st.sampled_from(STATES).map(lambda state: f"state:{state}"),
    st.tuples(st.sampled_from([field for field in FIELDS if field != "state"]), WORDS).map(":".join),
)


@given(st.text())
def test_any_text_is_understood_or_refused_at_a_place_in_it(text: str) -> None:
    error = None
    try:
        parse(text).holds(WEB)
    except QueryError as raised:
        error = raised
    assert error is None or (0 <= error.at <= len(text) and str(error).endswith("."))


@given(TERMS, FACTS)
def test_the_inverse_of_a_term_is_true_where_the_term_is_not(term: str, facts: dict[str, list[str]]) -> None:
    assert parse(f"!{term}").holds(facts) != parse(term).holds(facts)


@given(st.lists(TERMS, min_size=1, max_size=4), FACTS)
def test_all_terms_must_hold_in_any_order_and_the_whole_can_be_inverted(
    terms: list[str], facts: dict[str, list[str]]
) -> None:
    each = all(parse(term).holds(facts) for term in terms)
    assert parse(" ".join(terms)).holds(facts) == each
    assert parse("  ".join(reversed(terms))).holds(facts) == each
    assert parse("! " + " ".join(terms)).holds(facts) != each


@given(WORDS, FACTS)
def test_a_field_never_finds_more_than_the_word_alone(word: str, facts: dict[str, list[str]]) -> None:
    if parse(f"name:{word}").holds(facts):
        assert parse(word).holds(facts)


def test_nothing_asked_for_is_nothing() -> None:
    assert not parse(" ! ")
    assert parse("x")
    assert parse("") == Query()
