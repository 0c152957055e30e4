"""printf and echo, beside bash's."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from engine.shell.builtins.escapes import ARGUMENT, ECHO, FORMAT, unescape
from engine.shell.builtins.printf import Formatter
from tests.engine.shell.builtins.conftest import Heliosh, Same

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def formatted(form: str, *arguments: str) -> tuple[bytes, int]:
    formatter = Formatter(form, list(arguments), lambda _: None, lambda _name, _value: None)
    formatter.run()
    return b"".join(formatter.pieces), formatter.status


def in_bash(form: str, *arguments: str) -> tuple[bytes, int]:
    command = ["bash", "-c", 'printf -- "$@"', "bash", form, *arguments]
    result = subprocess.run(command, capture_output=True, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, check=False)
    return result.stdout, result.returncode


words = st.text("ab '\"\\%é€~#$0123456789-+.xe\n\t", max_size=8)
numbers = st.one_of(
    st.integers(-(2**66), 2**66).map(str),
    st.integers(0, 2**64).map(hex),
    st.integers(0, 2**64).map(lambda n: f"0{n:o}"),
    st.sampled_from(["", " 7", "7 ", "+7", "-", "0x", "08", "'a", '"é', "'", "1e3", "12x", "abc"]),
)
fractions = st.one_of(
    st.floats().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str).filter(lambda text: len(text) < 40),
    st.sampled_from(["", "inf", "-INF", "nan", "0x1p4", "0x1.8p-3", "1e5000", "-1e-5000", ".5", "5.", "1e", "'a", "x"]),
)
flags = st.text("-+ #0", max_size=3)
width = st.one_of(st.just(""), st.integers(0, 30).map(str), st.just("*"))
precision = st.one_of(st.just(""), st.integers(0, 25).map(".{}".format), st.just("."), st.just(".*"))


@st.composite
def conversion(draw: st.DrawFn, letters: str, values: st.SearchStrategy[str]) -> tuple[str, list[str]]:
    form = "%" + draw(flags) + draw(width) + draw(precision) + draw(st.sampled_from(letters)) + "|"
    return form, [*(draw(st.integers(-20, 20).map(str)) for _ in range(form.count("*"))), draw(values)]


@needs_bash
@settings(max_examples=250, deadline=None)
@given(conversion("sbqc", words))
@example(("%.3q|%Q|%.2Q|", ["a b", "a b", "a b"]))
@example(("%5%|", []))
def test_texts_are_written_as_bash_writes_them(case: tuple[str, list[str]]) -> None:
    assert formatted(case[0], *case[1]) == in_bash(case[0], *case[1])


@needs_bash
@settings(max_examples=250, deadline=None)
@given(conversion("diouxX", numbers))
def test_whole_numbers_are_written_as_bash_writes_them(case: tuple[str, list[str]]) -> None:
    assert formatted(case[0], *case[1]) == in_bash(case[0], *case[1])


@needs_bash
@settings(max_examples=250, deadline=None)
@given(conversion("fFeEgGaA", fractions))
@example(("%.20f|", ["0.1"]))
@example(("%.2f|", ["2.675"]))
@example(("%.0f|", ["2.5"]))
@example(("%.3a|", ["3.14159"]))
def test_fractions_are_those_of_a_long_double(case: tuple[str, list[str]]) -> None:
    assume("nan" not in case[1][-1].lower())  # its sign is the machine's
    assert formatted(case[0], *case[1]) == in_bash(case[0], *case[1])


@needs_bash
@settings(max_examples=250, deadline=None)
@given(st.text("%\\abcdnsx*5.-01' é{u3", max_size=10), st.lists(st.text("ab1\\n", max_size=3), max_size=3))
def test_any_format_comes_out_as_of_bash(form: str, arguments: list[str]) -> None:
    assume("n" not in form.replace("\\n", ""))  # %n sets variables
    assume("%.-" not in form)
    assert formatted(form, *arguments) == in_bash(form, *arguments)


@needs_bash
@settings(max_examples=150, deadline=None)
@given(st.text("\\abcefnrtvxuU0178E'\"?é", max_size=10))
def test_escapes_of_echo_and_percent_b_are_bashs(text: str) -> None:
    ours, ended = unescape(text, ECHO)
    command = ["bash", "-c", 'echo -e "$1"', "bash", text]
    assume(text not in ("-e", "-n", "-E"))
    told = subprocess.run(command, capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True).stdout
    assert (ours + "\n" * (not ended)).encode(errors="surrogateescape") == told
    assert formatted("%b", text) == in_bash("%b", text)


def test_bytes_come_back_as_they_were_written() -> None:
    assert unescape(r"\303\251", FORMAT)[0].encode(errors="surrogateescape") == "é".encode()
    assert unescape(r"\0303\0251", ARGUMENT)[0].encode(errors="surrogateescape") == "é".encode()
    assert unescape(r"\u20ac\U0001F600", FORMAT)[0] == "€😀"


def test_a_format_is_used_again_for_all_arguments(same: Same) -> None:
    same(
        "printf '%s-%s\\n' a b c",
        "printf 'no conversion\\n' a b",
        "printf '%s %d|' ",
        "printf '%b' 'a\\nb\\c' rest; echo",
        "printf; echo $?",
        "printf -x; echo $?",
        "printf -- '%s\\n' -x",
        "printf 'begin %z'; echo $?",
        "printf 'begin %'; echo $?",
        "printf '%d %d\\n' 1x 2; echo $?",
        "printf '%(%Y-%m-%d)T|%(%H)T\\n' 0 3600",
        "printf '%s' \"$(printf '\\377')\" | od -An -tx1",
    )


def test_a_result_can_go_into_a_variable(same: Same) -> None:
    same(
        "printf -v V '%03d' 7; echo $V",
        "printf -v V '\\303\\251'; echo $V ${#V}",
        "printf -v 1x a; echo $?",
        "printf -v; echo $?",
        "readonly R=1; printf -v R 2; echo $R",
        "printf 'ab%n%d\\n' N 5; echo $N",
    )


def test_echo_knows_words_of_its_letters_as_options_only(same: Same) -> None:
    same(
        "echo; echo a  b; echo -n x; echo -nE y; echo -z; echo -; echo --; echo -n; echo -ne 'q\\n'; echo -en",
        "echo -e 'a\\tb\\n\\x41\\0101\\u20ac\\1'; echo -E 'a\\t'; echo -eE 'a\\t'; echo -e 'x\\cy'; echo z",
        "echo --help",
    )


def test_what_is_wrong_is_named(heliosh: Heliosh) -> None:
    ended = heliosh("printf '%d\\n' 12x; printf '%y'; printf '%d' 99999999999999999999")
    assert "printf: 12x: invalid number" in ended.err
    assert "printf: `y': invalid format character" in ended.err
    assert "printf: warning: 99999999999999999999: Numerical result out of range" in ended.err
