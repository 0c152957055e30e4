"""Words to fields: each row a word as it is typed, and what a command gets. bash says the same of all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell.faults import ExpansionFault, Place
from engine.shell.lexer import MAX_DEPTH
from engine.shell.parser import parse
from tests.engine.shell.oracle import FAULT, Bash, Case, command_of, expander, needs_bash, ours


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bash]:
    with Bash(tmp_path_factory.mktemp("bash")) as process:
        yield process


V = {"x": "a b", "e": "", "n": "5", "p": "/usr/lib/x.tar.gz", "s": "*", "b": "\\&", "w": "  l  r  "}

PARAMETERS = [
    ("$x", ["a", "b"]),
    ('"$x"', ["a b"]),
    ("$u", []),
    ('"$u"', [""]),
    ("$e$u''", [""]),
    ("${x}c", ["a", "bc"]),
    ("$n$n", ["55"]),
    ("x$w.", ["x", "l", "r", "."]),
    ("'$x' \"\\$x\" \\$x", ["$x", "$x", "$x"]),
    ("${u-d e}", ["d", "e"]),
    ("${u-'d e'}", ["d e"]),
    ('"${u-d e}"', ["d e"]),
    ("${e-d} ${e:-d}", ["d"]),
    ("${u+d} ${e+d} ${e:+d} ${x:+d}", ["d", "d"]),
    ("${u=d e} $u", ["d", "e", "d", "e"]),
    ('"${e:=d}" $e', ["d", "d"]),
    ("${u:-${e:-$n}}", ["5"]),
    ("${u:-~}", ["/home/of/me"]),
    ('"${u:-~}"', ["~"]),
    ("${#x} ${#u} ${#p}", ["3", "0", "17"]),
    ("${p#*/} ${p##*/} ${p%.*} ${p%%.*}", ["usr/lib/x.tar.gz", "x.tar.gz", "/usr/lib/x.tar", "/usr/lib/x"]),
    ("${p#'*'/} ${x#\"$s\"}", ["/usr/lib/x.tar.gz", "a", "b"]),
    ('"${x#$s}" "${x##$s}" "${x%"$s"}"', ["a b", "", "a b"]),
    ("${p/\\//-} ${p//\\//-}", ["-usr/lib/x.tar.gz", "-usr-lib-x.tar.gz"]),
    ("${p/#\\//-} ${p/%gz/xz}", ["-usr/lib/x.tar.gz", "/usr/lib/x.tar.xz"]),
    ("${n/5/<&>} ${n/5/\\&} ${n/5/'&'} ${n/5/$b}", ["<5>", "&", "&", "&"]),
    ("${n/5} \"${x/ }\" ${p/#/=}", ["ab", "=/usr/lib/x.tar.gz"]),
    ("${p:5:3} ${p: -2} ${p:5:-7} \"${p:17}\" \"${p:18}\"", ["lib", "gz", "lib/x", "", ""]),
    ("${p:n:n-2}", ["lib"]),
    ("$((n + 1)) $(($n * 2)) $(( 1 , 2 ))", ["6", "10", "2"]),
    ("$((u += 3))$u", ["33"]),
    ("$(echo a b) \"$(echo a b)\" `echo c`", ["a", "b", "a b", "c"]),
    ("a=~ a=~:~ x:~ --a=~", ["a=/home/of/me", "a=/home/of/me:/home/of/me", "x:~", "--a=~"]),
    ("\"~\" ~\"/x\" ~$u a=$u:~/x", ["~", "~/x", "~", "a=:/home/of/me/x"]),
    ("~ ~/x ~root ~nosuchuser/y {~,x}", ["/home/of/me", "/home/of/me/x", "/root", "~nosuchuser/y", "/home/of/me", "x"]),
    ("{$x,1}", ["a", "b", "1"]),
    ("${n:?gone}", ["5"]),
]  # fmt: skip

FIELDS = [
    ("$@", ["1", "a", "b"]),
    ('"$@"', ["1", "a b", ""]),
    ('x"$@"y', ["x1", "a b", "y"]),
    ('"x$@y"', ["x1", "a b", "y"]),
    ('"$@$@"', ["1", "a b", "1", "a b", ""]),
    ("$*", ["1", "a", "b"]),
    ('"$*"', ["1 a b "]),
    ("$#", ["3"]),
    ("${#@} ${#*} ${#}", ["3", "3", "3"]),
    ('"${@:2}" "${@:1:1}" "${@: -1}"', ["a b", "", "1", ""]),
    ('"${@#1}"', ["", "a b", ""]),
    ('"${@/a/z}"', ["1", "z b", ""]),
    ("${4:-d} $2 ${10-d}", ["d", "a", "b", "d"]),
    ('${z:-"$@"}', ["1", "a b", ""]),
    ('"${z:-$@}"', ["1", "a b", ""]),
    ('${1+"$@"}', ["1", "a b", ""]),
]

NOTHING = [
    ('"$@"', []),
    ('"$@""$@"', []),
    ('"$e""$@"', [""]),
    ('$e"$@"', []),
    ("''\"$@\"", [""]),
    ('""$@', [""]),
    ('"$e"$@', [""]),
    ('"$*"', [""]),
    ('"a$@"', ["a"]),
    ('"${z:-$@}"', [""]),
    ('${1+"$@"}', []),
    ('${z:-"$@"}', []),
    ("${#@}", ["0"]),
]


@needs_bash
@pytest.mark.parametrize(("text", "expected"), PARAMETERS)
def test_a_word_becomes_the_fields_that_posix_and_bash_promise(bash: Bash, text: str, expected: list[str]) -> None:
    case = Case(text, V)
    assert ours(case) == bash.fields(case) == expected


@needs_bash
@pytest.mark.parametrize(("text", "expected"), FIELDS)
def test_the_positional_parameters_become_fields(bash: Bash, text: str, expected: list[str]) -> None:
    case = Case(text, V, ["1", "a b", ""])
    assert ours(case) == bash.fields(case) == expected


@needs_bash
@pytest.mark.parametrize(("text", "expected"), NOTHING)
def test_without_positional_parameters_there_are_no_fields_but_where_something_was_quoted(
    bash: Bash, text: str, expected: list[str]
) -> None:
    case = Case(text, V)
    assert ours(case) == bash.fields(case) == expected


SPLITS = [
    (":", "a::b:", ["a", "", "b"]),
    (":", ":a", ["", "a"]),
    (" :", " a : b  c ", ["a", "b", "c"]),
    (" :", " : ", [""]),
    (" :", "a : : b", ["a", "", "b"]),
    ("", " a b ", [" a b "]),
    (None, " a\tb\n", ["a", "b"]),
    (" ", "a\tb c", ["a\tb", "c"]),
    ("\\", "a\\b", ["a", "b"]),
    ("]-^", "a]b-c^d", ["a", "b", "c", "d"]),
    ("é", "aéb", ["a", "b"]),
]


@needs_bash
@pytest.mark.parametrize(("ifs", "value", "expected"), SPLITS)
def test_results_are_split_by_ifs(bash: Bash, ifs: str | None, value: str, expected: list[str]) -> None:
    case = Case("$v", {"v": value}, ifs=ifs)
    assert ours(case) == bash.fields(case) == expected


@needs_bash
@pytest.mark.parametrize("text", ["$a$b", "$a''$b", '$a"$b"', "x$a$b", "$a$b$a", "$b$a$b", ":$a:", "${u:-$a x}:"])
def test_delimiters_go_on_from_one_result_to_the_next(bash: Bash, text: str) -> None:
    for first, second in ((": ", ":x"), ("x ", " :y"), (" ", ":"), (":", " "), ("", ": :")):
        case = Case(text, {"a": first, "b": second}, ifs=" :")
        assert ours(case) == bash.fields(case)


JOINS = ["$*", '"$*"', '"$@"', "$@", "x$@y", '"x$*y"', "${u:-$*}", '"${u:-$*}"']


@needs_bash
@pytest.mark.parametrize("text", JOINS)
@pytest.mark.parametrize("ifs", [" \t\n", ":", "", None, ": "])
def test_the_star_joins_with_the_first_character_of_ifs(bash: Bash, text: str, ifs: str | None) -> None:
    case = Case(text, {}, ["a", "", "b:c", "d e"], ifs)
    assert ours(case) == bash.fields(case)


@needs_bash
@pytest.mark.parametrize("text", ["$*", '"$*"', "$@", '"$@"', "a$*b", "~:~", "$s{a,b}", "$w", "x=~"])
@pytest.mark.parametrize("ifs", [" ", ":", "", None])
def test_an_assignment_is_one_text_whatever_is_in_it(bash: Bash, text: str, ifs: str | None) -> None:
    case = Case(text, V, ["a", "", "b c"], ifs)
    value = command_of(parse(f"v={text}")[0]).assignments[0].value
    assert [expander(case).assignment(value)] == bash.fields(case._replace(text='"$v"', before=f"v={text}"))


@pytest.mark.parametrize("builtin", ["export", "readonly"])
def test_what_is_exported_is_expanded_as_an_assignment(builtin: str) -> None:
    words = command_of(parse(f"{builtin} a=$x b=~:~ c$e=$x $x")[0]).words
    assert expander(Case("", V)).words(words) == [builtin, "a=a b", "b=/home/of/me:/home/of/me", "c=a", "b", "a", "b"]
    assert expander(Case("", V)).words(words[1:3]) == ["a=a", "b", "b=/home/of/me:/home/of/me"]


@pytest.mark.parametrize("text", ["$s", '"$s"', "a*b", "$((1))"])
def test_a_redirection_needs_one_name(text: str) -> None:
    expands = expander(Case("", {**V, "s": "no such*"}))
    words = command_of(parse(f"echo {text} $x $u")[0]).words
    if text == "$s":
        with pytest.raises(ExpansionFault, match="ambiguous redirect") as caught:
            expands.single(words[1])
        assert "2 words" in caught.value.hint
    else:
        assert expands.single(words[1]) == {'"$s"': "no such*", "a*b": "a*b", "$((1))": "1"}[text]
    with pytest.raises(ExpansionFault, match="ambiguous redirect"):
        expands.single(words[3])


def test_a_here_document_is_expanded_as_one_text() -> None:
    script = parse("cat <<E <<'E'\n$x \"$x\" '$n' \\$x $(echo y) $((1+1)) ~ * {a,b}\nE\n$x\nE\n")[0]
    expands = expander(Case("", V))
    first, second = (redirection.body for redirection in command_of(script).redirections)
    assert first
    assert second
    assert expands.text(first) == "a b \"a b\" '5' $x y 2 ~ * {a,b}\n"
    assert expands.text(second) == "$x\n"


def test_a_prompt_is_expanded_and_left_alone_when_it_can_not_be() -> None:
    expands = expander(Case("", V))
    assert expands.prompt("$n> ") == "5> "
    assert expands.prompt("${n}END\\$ ") == "5END$ "
    assert expands.prompt("${n ") == "${n "
    assert expands.prompt("plain") == "plain"


def test_pipe_status_is_a_list() -> None:
    expands = expander(Case(""))
    expands._state.pipe_status = [1, 0, 141]
    words = command_of(
        parse('echo $PIPESTATUS "${PIPESTATUS[@]}" ${PIPESTATUS[2]}.${PIPESTATUS[3]} ${#PIPESTATUS[@]}')[0]
    )
    assert expands.words(words.words)[1:] == ["1", "1", "0", "141", "141.", "3"]


FAULTS = [
    ("${u:?}", "u: parameter null or not set", "${u:?}"),
    ("${e:?is empty}", "e: is empty", "${e:?is empty}"),
    ("${u?}", "u: parameter not set", "${u?}"),
    ("${1:=x}", "$1: cannot assign in this way", "${1:=x}"),
    ("${r:=x}", "r: readonly variable", "${r:=x}"),
    ("$((1 / 0))", "division by 0", "0"),
    ("$((1 + $n / 0))", "1 + 5 / 0: division by 0", "$((1 + $n / 0))"),
    ("$((r = 1))", "r: readonly variable", None),
    ("${n:1:-9}", "-9: substring expression < 0", "${n:1:-9}"),
    ("${n:1 2}", "an operator was expected here", "2"),
    ("{1..10000000}", "braces make more than 1,000,000 words of this one", "{1..10000000}"),
]


@pytest.mark.parametrize(("text", "message", "part"), FAULTS)
def test_a_fault_says_what_is_wrong_and_where(text: str, message: str, part: str | None) -> None:
    expands = expander(Case("", V))
    expands._state.variables.readonly("r")
    script = parse(f"echo good {text} more")[0]
    expands.place = lambda span: Place("shell", script.source, span.start, span.end)
    with pytest.raises(ExpansionFault) as caught:
        expands.words(command_of(script).words)
    place = caught.value.place
    assert caught.value.message == message
    assert place is not None
    assert part is None or script.source[place.start : place.end] == part


@needs_bash
@pytest.mark.parametrize(
    "text",
    ["$u", "${u}", "$1", "${u#x}", "${#u}", "${u:1}", "$((u))", "${u-}", "$@", "$*", "${u:+x}", "${e}", "$((1 || u))"],
)
def test_nounset_refuses_what_bash_refuses(bash: Bash, text: str) -> None:
    case = Case(text, V, options=frozenset(["nounset"]))
    assert ours(case) == bash.fields(case)
    assert (ours(case) == FAULT) == (text not in ("${u-}", "$@", "$*", "${u:+x}", "${e}", "$((1 || u))"))


def test_all_the_nesting_that_the_parser_allows_can_be_expanded() -> None:
    text = "${u:-" * MAX_DEPTH + "x" + "}" * MAX_DEPTH
    assert expander(Case("")).words(command_of(parse(text)[0]).words) == ["x"]


def test_large_values_are_expanded() -> None:
    lines = "some words here\n" * 100_000
    expands = expander(Case("", {"v": lines}))
    words = command_of(parse('echo "$v" "${v%here*}" ${#v} $v')[0]).words
    assert len(expands.words(words)) == 4 + 300_000


# --- generated words ---

values = st.text(" :ab*\\\té&?[]-/~", max_size=6)
names = st.sampled_from(["x", "y", "u", "1", "2"])
lists = st.sampled_from(["@", "*"])
operators = st.sampled_from([":-", "-", ":+", "+", ":=", "="])
globs = st.lists(st.sampled_from(["a", "b", "*", "?", "[a-c]", " ", ":", "é", "\\*", "$x", '"$y"', "'*'"]), max_size=4)


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(names, operators, inner).map(lambda three: "${{{}{}{}}}".format(*three)),
        st.tuples(inner, inner).map("".join),
    )


simple = st.one_of(
    names.map("${{{}}}".format),
    names.map("${{#{}}}".format),
    st.tuples(names, st.sampled_from(["#", "##", "%", "%%"]), globs.map("".join)).map(
        lambda three: "${{{}{}{}}}".format(*three)
    ),
    st.tuples(
        names,
        st.sampled_from(["/", "//", "/#", "/%"]),
        globs.map("".join).filter(bool),
        st.sampled_from(["", "x", "<&>", "\\&", "$y", "a b"]),
    ).map(lambda four: "${{{}{}{}/{}}}".format(*four)),
    st.tuples(names, st.sampled_from(["0", "1", " -1", "1:2", " -2:1", "1: -1", "9"])).map(
        lambda two: "${{{}:{}}}".format(*two)
    ),
    st.sampled_from(["$((1+2))", "$((-3))", "$(echo a b)"]),
)
unquoted = st.recursive(simple | st.sampled_from(["a", "/", ":", "é", "''", "' '", "'*'", "\\ "]), nested, max_leaves=4)
quoted = st.recursive(simple | st.sampled_from(["a", " ", ":", "*"]), nested, max_leaves=4).map('"{}"'.format)
listed = st.one_of(
    lists.map("${}".format),
    lists.map('"${}"'.format),
    st.tuples(lists, st.sampled_from([":2", ":1:1", "#a", "%b", "/a/x", ":0:0"])).map(
        lambda two: '"${{{}{}}}"'.format(*two)
    ),
)
ifs_values = st.sampled_from([" \t\n", ":", " :", "", None, "a", "::", "\\"])


@needs_bash
@settings(max_examples=1000, deadline=None)
@given(
    st.lists(unquoted | quoted, min_size=1, max_size=4), st.fixed_dictionaries({"x": values, "y": values}), ifs_values
)
def test_generated_words_become_the_fields_that_they_become_in_bash(
    bash: Bash, parts: list[str], variables: dict[str, str], ifs: str | None
) -> None:
    case = Case("".join(parts), variables, ["1", "a b:"], ifs, frozenset(["noglob"]))
    assert ours(case) == bash.fields(case)


# Not among these IFS values: blanks with others, with which bash loses empty fields of `$@` that POSIX and dash keep.
@needs_bash
@settings(max_examples=600, deadline=None)
@given(
    st.lists(listed | st.sampled_from(["a", "''", '"$x"', "$x", "' '"]), min_size=1, max_size=4),
    st.lists(values, max_size=3),
    st.sampled_from([" \t\n", ":", "", None, "a"]),
)
def test_generated_lists_become_the_fields_that_they_become_in_bash(
    bash: Bash, parts: list[str], positional: list[str], ifs: str | None
) -> None:
    case = Case("".join(parts), {"x": "b :"}, positional, ifs, frozenset(["noglob"]))
    assert ours(case) == bash.fields(case)
