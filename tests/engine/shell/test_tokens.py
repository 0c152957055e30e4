"""What a text's characters are while it is being typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.shell.tokens import KINDS, tokens
from tests.engine.shell.work import calls


def told(source: str) -> list[tuple[str, str]]:
    return [(kind, source[start:end]) for kind, (start, end) in tokens(source)]


def test_each_part_of_a_command_has_its_kind() -> None:
    assert told("A=1 ls -l $x >f 2>&1 | wc & # why") == [
        ("assignment", "A="), ("argument", "1"), ("command", "ls"), ("argument", "-l"), ("variable", "$x"),
        ("redirection", ">"), ("argument", "f"), ("redirection", "2>&"), ("argument", "1"), ("operator", "|"),
        ("command", "wc"), ("operator", "&"), ("comment", "# why"),
    ]  # fmt: skip


def test_a_string_has_its_quotes_and_shows_its_variables() -> None:
    assert told('echo a"b $x c"') == [
        ("command", "echo"), ("argument", "a"), ("string", '"b '), ("variable", "$x"), ("string", ' c"'),
    ]  # fmt: skip


def test_what_is_inside_of_a_substitution_is_a_command() -> None:
    assert told('"$(ls "a" | wc)" `b c`') == [
        ("string", '"'), ("operator", "$("), ("command", "ls"), ("string", '"a"'), ("operator", "|"), ("command", "wc"),
        ("operator", ")"), ("string", '"'), ("operator", "`"), ("command", "b"), ("argument", "c"), ("operator", "`"),
    ]  # fmt: skip


def test_a_here_document_is_a_string() -> None:
    assert told("cat <<E\na $x\nE\nls") == [
        ("command", "cat"), ("redirection", "<<E"), ("string", "a "), ("variable", "$x"), ("string", "\n"),
        ("redirection", "E\n"), ("command", "ls"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('echo "a $x b', [("command", "echo"), ("string", '"a '), ("variable", "$x"), ("string", " b")]),
        ("echo 'a b", [("command", "echo"), ("string", "'a b")]),
        ("ls |", [("command", "ls"), ("operator", "|")]),
        ("x=$(ls -", [("argument", "x="), ("operator", "$("), ("command", "ls"), ("argument", "-")]),
        ("cat <<E\na b", [("command", "cat"), ("redirection", "<<E"), ("string", "\na b")]),
    ],
)
def test_what_is_not_finished_is_no_error(source: str, expected: list[tuple[str, str]]) -> None:
    assert told(source) == expected


def test_an_error_is_where_it_is_and_the_rest_is_still_painted() -> None:
    assert told("a ) b; fi; c") == [
        ("command", "a"), ("error", ")"), ("command", "b"), ("operator", ";"), ("error", "fi"), ("operator", ";"),
        ("command", "c"),
    ]  # fmt: skip


@given(st.one_of(st.text(), st.text(alphabet=st.sampled_from("ab '\"\\$`(){};&|<>\n#!=:-/1E\t\0"), max_size=40)))
def test_any_text_is_covered_in_order_without_overlaps(source: str) -> None:
    position = 0
    for kind, (start, end) in tokens(source):
        assert kind in KINDS
        assert position <= start < end
        assert not source[position:start].strip(" \t\n\\")
        position = end
    assert not source[position:].strip(" \t\n\\")


@pytest.mark.parametrize("unit", ["a )", "if ", "$x", "'a' ", "a;", "\\", "(", "$(("])
def test_work_is_in_proportion_to_the_length(unit: str) -> None:
    assert calls(lambda: tokens("x " + unit * 1_600)) < 9 * calls(lambda: tokens("x " + unit * 200))
