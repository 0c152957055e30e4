"""Lines that were typed come back in others, as in bash."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.shell.faults import Fault
from engine.shell.history import expand, words

EVENTS = [
    "ls -l /usr/lib/libfoo.so.1",
    "echo 'a b' \"c d\" e\\ f",
    "make test >out 2>&1 && cat out|wc -l",
    "vi src/main.c src/x.tar.gz",
    "echo $(date +%s) `id` <(a b)",
    "cd /tmp",
    "git commit -m 'don'\\''t'",
]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("!!", "git commit -m 'don'\\''t'"),
        ("sudo !-2", "sudo cd /tmp"),
        ("!1", EVENTS[0]),
        ("!ma", EVENTS[2]),
        ("!?tar?:0 x", "vi x"),
        ("ls !$", "ls 'don'\\''t'"),
        ("!vi:^ !vi:$ !vi:*", "src/main.c src/x.tar.gz src/main.c src/x.tar.gz"),
        ("!make:2 !make:3 !make:0-1 !vi:1-", "> out make test src/main.c"),
        ("!vi:$:h !vi:$:t !vi:$:r !vi:$:e", "src x.tar.gz src/x.tar .gz"),
        ("^commit^log", "git log -m 'don'\\''t'"),
        ("!make:gs/out/x/", "make test >x 2>&1 && cat x|wc -l"),
        ("!cd:q", "'cd /tmp'"),
        ("echo '!!' \\!! \"!\" ! a!= x! $! ${!x} [!a]", "echo '!!' \\!! \"!\" ! a!= x! $! ${!x} [!a]"),
        ('"!cd"', '"cd /tmp"'),
        ("a # !!", "a # !!"),
        ("a b !#", "a b a b "),
    ],
)
def test_what_was_typed_is_put_in(line: str, text: str) -> None:
    assert expand(line, EVENTS).text == text


def test_whether_anything_changed_is_told() -> None:
    assert not expand("echo hi!", EVENTS).changed
    assert expand("!!", EVENTS).changed
    assert expand("!cd:p", EVENTS).only_shown


def test_quotes_that_are_open_since_an_earlier_line_count() -> None:
    assert expand("!! b'", EVENTS, before="echo 'a\n").text == "!! b'"
    assert expand("'!!'", ["x"], before='echo "a\n').text == "'x'"
    assert expand("^a^b", EVENTS, before="echo \\\n").text == "^a^b"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a; !nope x", """\
history:1:4: !nope: event not found
   1 | a; !nope x
     |    ^^^^^
     = history lists the lines; a ! after a \\ is only a !"""),
        ("!99", """\
history:1:1: !99: event not found
   1 | !99
     | ^^^
     = history lists the lines; a ! after a \\ is only a !"""),
        ("!cd:7", """\
history:1:1: !cd:7: bad word specifier
   1 | !cd:7
     | ^^^^^
     = that line has 2 words, counted from 0"""),
        ("^zz^y", """\
history:1:1: !!:s^zz^y: substitution failed
   1 | !!:s^zz^y
     | ^^^^^^^^^"""),
        ("!!:z", """\
history:1:1: :z: unrecognized history modifier
   1 | !!:z
     | ^^^^
     = there are :h :t :r :e :p :q :x :s/old/new/ :& and :g in front of s and &"""),
    ],
)  # fmt: skip
def test_what_is_not_found_is_said_with_its_place(line: str, text: str) -> None:
    with pytest.raises(Fault) as caught:
        expand(line, EVENTS)
    assert caught.value.explain() == text


def test_words_are_cut_at_blanks_and_operators_outside_of_quotes() -> None:
    assert words("a 'b c'd >>f 2>&1&& (e|f) $(g h) \\ i") == [
        "a", "'b c'd", ">>", "f", "2>&1", "&&", "(", "e", "|", "f", ")", "$(g h)", "\\ i",
    ]  # fmt: skip


def bash_says(line: str, file: Path) -> str | None:
    """None for an error. The detour by a dummy has bash look from the end of the list."""
    file.write_text("\n".join(EVENTS) + "\n")
    script = 'history -c; history -r "$2"; history -s x; history -d -1; set -H; history -p "$1"'
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", line, str(file)], capture_output=True, text=True)
    return done.stdout.removesuffix("\n") if done.returncode == 0 and not done.stderr else None


def ours(line: str) -> str | None:
    try:
        return expand(line, EVENTS).text
    except Fault:
        return None


EVENT = ["!!", "!1", "!-2", "!ec", "!make", "!?test?", "!", "!vi", "!cd", "!nope", "!99", "!0", "!?out?", "!#", "!4"]
WORDS = [
    "",
    ":0",
    ":1",
    "$",
    ":$",
    "^",
    ":^",
    "*",
    ":*",
    ":1-",
    ":1*",
    ":2-3",
    "-",
    "-2",
    ":-1",
    ":%",
    "%",
    ":9",
    ":2^",
    ":3-2",
]
MODIFIERS = [":h", ":t", ":r", ":e", ":s/o/0/", ":gs/o/&&/", ":q", ":x", ":&", ":s/zz/y/", ":z", ":Gs/o/x/", ":as,t,T,"]
AROUND = ["", " ", "a ", '"', "'", "\\", "$", ";", "#", " #", "(", "`", "$(", "x", "=", "^", "&", "<", "[", "${", "\\'"]

references = st.tuples(
    st.sampled_from(AROUND),
    st.sampled_from(EVENT),
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(MODIFIERS), max_size=2).map("".join),
    st.sampled_from(AROUND),
).map("".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.lists(references, min_size=1, max_size=2).map(lambda parts: "a " + "".join(parts)))
def test_bash_expands_it_to_the_same(line: str, tmp_path: Path) -> None:
    assume(not ("$!" in line and "\\" in line))  # where bash takes a quoted ! for one after a $!
    assert ours(line) == bash_says(line, tmp_path / "history")


@given(
    st.text(alphabet=st.sampled_from("!abc '\"\\:$^*-0123?#;()sgh/%&\n"), max_size=30), st.lists(st.text(), max_size=3)
)
def test_any_line_is_expanded_or_refused(line: str, events: list[str]) -> None:
    with contextlib.suppress(Fault):
        assert "!" in line or line.startswith("^") or not expand(line, events).changed
