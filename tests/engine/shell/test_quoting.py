"""Any text can be typed as one word."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.shell.ast import Literal, SimpleCommand
from engine.shell.parser import parse
from engine.shell.quoting import ansi_text, quote


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "''"),
        ("plain-1_2.3/x", "plain-1_2.3/x"),
        ("two words", "two\\ words"),
        ("it's", "it\\'s"),
        ('"$x`', '\\"\\$x\\`'),
        ("*?[a]{b,c}", "\\*\\?\\[a\\]\\{b\\,c\\}"),
        ("~/x", "\\~/x"),
        ("x~", "x~"),
        ("a=~b:~c", "a=\\~b:\\~c"),
        ("#x#", "\\#x#"),
        ("naïve ☺", "naïve\\ ☺"),
        ("two\nlines", "$'two\\nlines'"),
        ("\x1b[0m'\\", "$'\\E[0m\\'\\\\'"),
        ("\x01\x7f", "$'\\001\\177'"),
        (os.fsdecode(b"\xff"), "$'\\377'"),
    ],
)
def test_a_word_is_readable(text: str, word: str) -> None:
    assert quote(text) == word


names = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def through_the_parser(word: str) -> str:
    [script] = parse("echo " + word)
    command = script.statements[0].body.pipelines[0].commands[0]
    assert isinstance(command, SimpleCommand)
    assert len(command.words) == 2
    assert len(script.statements) == 1
    texts = []
    for part in command.words[1].parts:
        assert isinstance(part, Literal)
        assert part.quoted or not set("*?[{") & set(part.text)
        assert part.quoted or not part.text.startswith("~")
        texts.append(part.text)
    return "".join(texts)


@given(names)
@example("\x80")
def test_a_quoted_text_is_one_word_that_says_the_same(text: str) -> None:
    assert through_the_parser(quote(text)) == text


@given(st.binary(max_size=12).filter(lambda data: b"\0" not in data))
def test_any_bytes_come_back(data: bytes) -> None:
    assert os.fsencode(through_the_parser(quote(os.fsdecode(data)))) == data


@settings(max_examples=15, deadline=None)
@given(st.lists(names.filter(bool), min_size=20, max_size=60))
def test_bash_reads_it_the_same_way(texts: list[str]) -> None:
    script = "printf '%s\\0' " + " ".join(map(quote, texts))
    told = subprocess.run(["bash", "-c", script], capture_output=True, check=True, cwd="/").stdout
    assert told.split(b"\0")[:-1] == [os.fsencode(text) for text in texts]


ESCAPES = [
    "\\a",
    "\\b",
    "\\e",
    "\\E",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\v",
    "\\\\",
    "\\'",
    '\\"',
    "\\?",
    "\\1",
    "\\1234",
    "\\x",
    "\\x4",
]
ESCAPES += [
    "\\x414",
    "\\u",
    "\\u263a",
    "\\u00e9f",
    "\\U0001f600",
    "\\cA",
    "\\c?",
    "\\c[",
    "\\q",
    "\\z",
    "\\xe9",
    "a",
    "é",
    "7",
    " ",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ESCAPES), max_size=8).map("".join))
def test_escapes_mean_what_bash_says(body: str) -> None:
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    script = f"printf %s $'{body}'"
    told = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=environment).stdout
    assert os.fsencode(ansi_text(body)) == told
