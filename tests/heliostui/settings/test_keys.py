"""Keys as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostui.settings.keys import key, keys


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("x", "x"),
        ("X", "X"),
        ("?", "question_mark"),
        ("ctrl+]", "ctrl+right_square_bracket"),
        ("Ctrl+T", "ctrl+T"),
        ("F5", "f5"),
        ("esc", "escape"),
        ("PgDn", "pagedown"),
        ("shift+tab", "shift+tab"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("question_mark", "question_mark"),
        ("space", "space"),
    ],
)
def test_a_key_is_what_people_call_it(written: str, meant: str) -> None:
    assert key(written) == meant


@pytest.mark.parametrize("written", ["", "ctl+x", "foo", "ctrl+", "F5 x"])
def test_what_is_no_key_is_named(written: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        key(written)


def test_several_are_separated_by_commas_and_none_is_an_empty_text() -> None:
    assert keys("a, ctrl+b ,comma") == ("a", "ctrl+b", "comma")
    assert keys(" ") == ()


@given(st.text(max_size=12))
def test_any_text_is_a_key_or_a_sentence(text: str) -> None:
    try:
        told = key(text)
    except ValueError as error:
        told = str(error)
    assert told
