"""Patterns on texts and on file names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell import globs, parameters
from engine.shell.patterns import compile, escape, is_magic, unescape
from tests.engine.shell.oracle import Bash, Case, needs_bash, ours


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bash]:
    with Bash(tmp_path_factory.mktemp("bash")) as process:
        yield process


MATCHES = [
    ("", ""),
    ("*", ""),
    ("a*", "a"),
    ("*.c", "x.y.c"),
    ("a?c", "abc"),
    ("?", "é"),
    ("?", "\udcff"),
    ("[a-c]x", "bx"),
    ("[!a-c]x", "dx"),
    ("[^a-c]x", "dx"),
    ("[]a]", "]"),
    ("[!]a]", "b"),
    ("[a-]", "-"),
    ("[-a]", "-"),
    ("[[:digit:][:upper:]_]", "_"),
    ("[![:space:]]", "x"),
    ("[[.-.]a]", "-"),
    ("[[=a=]]", "a"),
    ("[\\]]", "]"),
    ("[a\\-z]", "-"),
    ("\\*", "*"),
    ("[a", "[a"),
    ("a]", "a]"),
    ("a\\", "a\\"),
    ("*\n*", "a\nb"),
    ("**a**", "xax"),
]
MISSES = [
    ("", "a"),
    ("a*", "ba"),
    ("?", ""),
    ("[a-c]", "d"),
    ("[c-a]", "b"),
    ("[!a]", "a"),
    ("[!a]", ""),
    ("[[:digit:]]", "x"),
    ("[[:nonsense:]]", "n"),
    ("[a\\-z]", "b"),
    ("\\?", "x"),
    ("a*b*c", "acb"),
    ("*ab", "abb"),
]


@pytest.mark.parametrize(("pattern", "text"), MATCHES)
def test_a_pattern_matches(pattern: str, text: str) -> None:
    assert compile(pattern).matches(text)


@pytest.mark.parametrize(("pattern", "text"), MISSES)
def test_a_pattern_does_not_match(pattern: str, text: str) -> None:
    assert not compile(pattern).matches(text)


@given(st.text())
def test_an_escaped_text_matches_itself_only(text: str) -> None:
    assert compile(escape(text)).literal == text == unescape(escape(text))
    assert not is_magic(escape(text))


def test_no_pattern_takes_exponential_time() -> None:
    text = "a" * 5000
    hard = compile("*a" * 40 + "*b")
    assert not hard.matches(text)
    assert hard.prefix(text, longest=True) is None
    assert hard.suffix(text, longest=False) is None
    assert hard.find(text, 0) is None
    assert compile("?*" * 40 + "b").find(text, 0) is None


def test_large_values_are_handled() -> None:
    text = "key=value\n" * 500_000
    assert parameters.replaced(text, "//", compile("="), [": "]).count(": ") == 500_000
    assert parameters.replaced(text, "//", compile("k*missing"), ["x"]) == text
    assert parameters.removed(text, "##", compile("*=")) == "value\n"
    assert parameters.removed(text, "%", compile("=*")).endswith("key")
    assert parameters.removed(text, "#", compile(escape(text))) == ""


# Not among them: `[!]]`, whose length bash misjudges in `${t/…}`.
pieces = st.sampled_from(
    "* ? a b é [ab] [!a] [a-c] [ ] - \\* \\[ [[:alpha:]] . [b-a] [[:digit:]x] [^b] [a-] ! \\\\ [\\a] [*] [?]".split()
)
patterns = st.lists(pieces, max_size=5).map("".join)
texts = st.text("abcx1é*[]-!.\\ ", max_size=6)


@needs_bash
@settings(max_examples=800, deadline=None)
@given(patterns, texts)
def test_a_generated_pattern_matches_what_it_matches_in_bash(bash: Bash, pattern: str, text: str) -> None:
    # bash says: when nothing is left after the whole text was removed, or is nothing but the mark.
    case = Case('"${t/#$p@/yes}"', {"p": pattern, "t": text + "@"})
    assert ours(case) == bash.fields(case)


@needs_bash
@settings(max_examples=800, deadline=None)
@given(patterns, texts, st.sampled_from(["#", "##", "%", "%%"]))
def test_generated_removals_leave_what_bash_leaves(bash: Bash, pattern: str, text: str, operator: str) -> None:
    case = Case(f'"${{t{operator}$p}}"', {"p": pattern, "t": text})
    assert ours(case) == bash.fields(case)


@needs_bash
@settings(max_examples=800, deadline=None)
@given(patterns, texts, st.sampled_from(["/", "//", "/#", "/%"]), st.sampled_from(["", "<&>", "\\&", "x\\\\&", "x"]))
def test_generated_replacements_make_what_bash_makes(
    bash: Bash, pattern: str, text: str, operator: str, replacement: str
) -> None:
    case = Case(f'"${{t{operator}$p/$r}}"', {"p": pattern, "t": text, "r": replacement})
    assert ours(case) == bash.fields(case)


# --- file names ---


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories, files, hidden ones, links to directories and to nothing, and a name that is no UTF-8."""
    root = tmp_path_factory.mktemp("tree")
    for directory in ("a/b/c", ".h/x", "d", "[q]"):
        (root / directory).mkdir(parents=True)
    for file in ("f", "a/f", "a/b/f", "a/b/c/f", ".h/f", ".hf", "d/.z", "B.txt", "a.txt", "é", "[q]/*", "-n", "a b"):
        (root / file).touch()
    (root / "la").symlink_to("a")
    (root / "dead").symlink_to("nowhere")
    (root / "d/la").symlink_to("../a")
    (root / os.fsdecode(b"bad\xff")).touch()
    return root


@pytest.fixture(scope="module")
def bash_in_tree(tree: Path) -> Iterator[Bash]:
    with Bash(tree) as process:
        yield process


GLOBS = """
    * */ */* .* .*/* ? ?? [a-f] [!a]* *.txt a* a/* a/*/ a/*/f */f la/* d/* dead dead* nosuch* nosuch/* f/* *f */b/f ./*
    ** **/f a/** a/**/ a/**/f **/**/f ./** la/** **/.* .h/** **f a** d/** **/la **/*/ la/**/f f/** dead/** **/.
    '*' "*" \\* a'*' "a"* '['q]/* \\[q\\]/* [[]q]/* '[q]'/'*' *' '* é* [é]* a/./* a//* .//* *// *//f bad* bad? -*
    [.]hf .?f [a [a/b] [ab]/[bf] {a,d}/* ~/* x*=~ *[[:upper:]]* **/[[:alpha:]] $p ${p}x "$p" "$p"* ../tree*/f
""".split()


@needs_bash
@pytest.mark.parametrize("text", GLOBS)
@pytest.mark.parametrize("options", ["", "dotglob", "nullglob", "noglob"])
def test_file_names_are_found_as_bash_finds_them(
    bash_in_tree: Bash, tree: Path, monkeypatch: pytest.MonkeyPatch, text: str, options: str
) -> None:
    monkeypatch.chdir(tree)
    case = Case(text, {"p": "a*"}, options=frozenset(filter(None, [options])))
    assert ours(case) == bash_in_tree.fields(case)


components = st.sampled_from(["*", "**", "a", "b", "?", "[a-d]", "f", ".", "*f", "[!f]", ".*", "é", "b*"])


@needs_bash
@settings(max_examples=300, deadline=None)
@given(st.lists(components, min_size=1, max_size=4).map("/".join))
def test_generated_paths_are_found_as_bash_finds_them(bash_in_tree: Bash, tree: Path, text: str) -> None:
    before = os.getcwd()
    os.chdir(tree)
    try:
        case = Case(text)
        assert _comparable(ours(case), text) == _comparable(bash_in_tree.fields(case), text)
    finally:
        os.chdir(before)


def _comparable(names: list[str], text: str) -> set[str]:
    """Without what bash does now so, now so: a slash behind the directory where `**` starts, links behind `**`."""
    return {name.rstrip("/") for name in names if "**" not in text or "la" not in name}


def test_two_stars_go_through_no_symbolic_link(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert globs.expand("**/f") == ["a/b/c/f", "a/b/f", "a/f", "f"]
    assert globs.expand("**/") == ["[q]/", "a/", "a/b/", "a/b/c/", "d/"]
    assert globs.expand("**/f", ()) == ["a/f", "la/f"]


def test_a_name_that_is_no_text_survives(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    assert [os.fsencode(name) for name in globs.expand("ba*")] == [b"bad\xff"]
    assert [os.fsencode(name) for name in globs.expand("bad?")] == [b"bad\xff"]


def test_a_deep_tree_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(300):
        os.mkdir("d")
        os.chdir("d")
    Path("leaf").touch()
    monkeypatch.chdir(tmp_path)
    assert globs.expand("**/leaf") == ["d/" * 300 + "leaf"]
