"""test and [, beside bash's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell.builtins.quotes import single
from tests.engine.shell.builtins.conftest import BASH, Heliosh, Same, run
from tests.engine.shell.conftest import HELIOSH

WORDS = [*"! ( ) -a -o a 1 2 -n -z = != < -eq -lt -f -d / /etc/passwd -e ] 0x1".split(), "", " 1 "]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=7), min_size=60, max_size=60))
def test_any_expression_means_what_it_means_in_bash(
    tmp_path_factory: pytest.TempPathFactory, expressions: list[list[str]]
) -> None:
    """Sixty of them in one process: what decides is the number of words, then the operators."""
    lines = [f"test {' '.join(map(single, words))} 2>/dev/null; echo $?" for words in expressions]
    directory = tmp_path_factory.mktemp("test")
    ours, theirs = (run([*shell, "-c", "\n".join(lines)], directory).stdout.split() for shell in (HELIOSH, BASH))
    assert list(zip(lines, ours, strict=True)) == list(zip(lines, theirs, strict=True))


def test_files_are_told_apart(same: Same) -> None:
    kinds = [
        f"[ -{letter} {name} ]; echo $?" for letter in "abcdefghkprsuwxGLOS" for name in ("file", "sub", "link", "no")
    ]
    same(
        *kinds,
        "[ -c /dev/null ]; echo $?; [ -p /dev/stdin ]; echo $?; [ -k /tmp ]; echo $?; [ -s /dev/null ]; echo $?",
        "mkfifo f; [ -p f ]; echo $?",
        "[ -x prog ]; echo $?",
        "touch -d @1 old; [ file -nt old ]; echo $?; [ old -ot file ]; echo $?; [ old -nt no ]; echo $?",
        "touch -d @1 old; [ no -ot old ]; echo $?; [ old -nt old ]; echo $?; [ old -ot no ]; echo $?",
        "ln file hard; [ file -ef hard ]; echo $?; [ file -ef ./file ]; echo $?; [ no -ef no ]; echo $?",
        "touch -d @9 read; [ -N read ]; echo $?; touch -ad @8 read; [ -N read ]; echo $?",
    )


def test_variables_settings_and_descriptors_can_be_asked_for(same: Same) -> None:
    same(
        "[ -v HOME ]; echo $?; [ -v nope ]; echo $?; E=; [ -v E ]; echo $?",
        "set -f; [ -o noglob ]; echo $?; set +f; [ -o noglob ]; echo $?; [ -o nope ]; echo $?",
        "[ -t 0 ]; echo $?; [ -t 77 ]; echo $?; [ -t x ]; echo $?; [ -t ]; echo $?",
    )


def test_the_closing_bracket_is_asked_for(same: Same) -> None:
    same("[ ]; echo $?", "[ a; echo $?", "[; echo $?", "[ a ]; echo $?", "[ a = ]; echo $?", "[ ] ]; echo $?")


def test_a_terminal_is_one(tmp_path: Path) -> None:
    if shutil.which("script") is None:
        pytest.skip("script(1) is not installed: nothing else gives a terminal to one command")
    command = ["script", "-qec", " ".join([*HELIOSH, "-c", "'[ -t 0 ] && echo a terminal'"]), "/dev/null"]
    assert b"a terminal" in subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[ 1 -eq x ]", "[: x: integer expression expected"),
        ("[ a", "[: the ] at the end is missing"),
        ("test a b", "test: a: unary operator expected"),
        ("test a b c", "test: b: binary operator expected"),
        ("test a = b c", "test: `c' is one word too many"),
        ("test '(' a = b", "test: `)' expected"),
    ],
)
def test_what_is_no_expression_is_said_with_status_2(heliosh: Heliosh, line: str, sentence: str) -> None:
    ended = heliosh(line)
    assert ended.status == 2
    assert sentence in ended.err


def test_true_false_and_the_colon(same: Same) -> None:
    same("true; echo $?; false; echo $?; : a b; echo $?; true --help; echo $?; : ${x:=1}; echo $x")
