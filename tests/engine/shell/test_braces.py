"""Brace expansion, as bash has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell.faults import ExpansionFault
from engine.shell.parser import parse
from tests.engine.shell.oracle import Bash, Case, command_of, expander, needs_bash, ours


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bash]:
    with Bash(tmp_path_factory.mktemp("bash")) as process:
        yield process


WORDS = {
    "a{b,c}d": "abd acd",
    "{a,b}{c,d}": "ac ad bc bd",
    "{a,{b,c}d}e": "ae bde cde",
    "a{b{c,d},e}": "abc abd ae",
    "{,x}y": "y xy",
    "{a,}": "a",
    "{a}": "{a}",
    "{}": "{}",
    "{a,b": "{a,b",
    "a,b}": "a,b}",
    "{a,{b,c}": "{a,b {a,c",
    "{a{b,c}}": "{ab} {ac}",
    "{a}b,c}": "a}b c",
    "x{}y": "x{}y",
    "{1..5}": "1 2 3 4 5",
    "{5..1}": "5 4 3 2 1",
    "{1..10..4}": "1 5 9",
    "{10..1..4}": "10 6 2",
    "{1..10..-4}": "1 5 9",
    "{1..3..0}": "1 2 3",
    "{01..3}": "01 02 03",
    "{1..010..3}": "001 004 007 010",
    "{-2..2}": "-2 -1 0 1 2",
    "{-01..1}": "-01 000 001",
    "{a..e}": "a b c d e",
    "{e..a..2}": "e c a",
    "{1..a}": "{1..a}",
    "{1..2..}": "{1..2..}",
    "{1..}": "{1..}",
    "{a..b}{1..2}": "a1 a2 b1 b2",
    "x{1..2,9}": "x1..2 x9",
    "${x}{1,2}": "v1 v2",
    "{$x,w}": "v w",
    "{${x}..3}": "{v..3}",
    "{'a,b',c}": "a,b c",
    "'{a,b}'": "{a,b}",
    '"{a,b}"': "{a,b}",
    "\\{a,b}": "{a,b}",
    "{a\\,b,c}": "a,b c",
    "{a,b}'c'": "ac bc",
}


@pytest.mark.parametrize(("text", "expected"), WORDS.items())
def test_braces_make_the_words_that_bash_makes(text: str, expected: str) -> None:
    assert ours(Case(text, {"x": "v"})) == expected.split()


def test_an_assignment_keeps_its_braces() -> None:
    command = command_of(parse("x={a,b}")[0])
    assert expander(Case("")).assignment(command.assignments[0].value) == "{a,b}"


@pytest.mark.parametrize("text", ["{1..10000000}", "{1..9999}{1..9999}", "{0,1}" * 64])
def test_more_words_than_anybody_wants_are_refused(text: str) -> None:
    words = command_of(parse(f"echo {text}")[0]).words
    with pytest.raises(ExpansionFault, match="braces make more than 1,000,000 words"):
        expander(Case("")).words(words)


def test_deeply_nested_braces_end_in_words_or_a_fault() -> None:
    text = "{a," * 3000 + "b" + "}" * 3000
    words = command_of(parse(f"echo {text}")[0]).words
    with pytest.raises(ExpansionFault, match="nested too deeply"):
        expander(Case("")).words(words)


atoms = st.sampled_from(
    ["{", "}", ",", "..", "a", "b", "1", "3", "-2", "010", "${x}", "'c'", "'{'", "\\,", "\\}", "é", "{a,", "{1..3}"]
)


@needs_bash
@settings(max_examples=600, deadline=None)
@given(st.lists(atoms, min_size=1, max_size=9).map("".join))
def test_generated_braces_make_the_words_that_bash_makes(bash: Bash, text: str) -> None:
    case = Case(f"x{text}", {"x": "v"})  # `x` in front: a lone `{` is a word of the grammar
    assert ours(case) == bash.fields(case)
