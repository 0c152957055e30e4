"""read and getopts, beside bash's."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.shell.builtins.quotes import single
from tests.engine.shell.builtins.conftest import BASH, Heliosh, Same, run
from tests.engine.shell.conftest import HELIOSH, PROMPT, ShellTerminal

COUNTS = st.integers(1, 3)  # of variables


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("ab \t:,\\é", max_size=9), st.sampled_from([" \t\n", ":", ": ", ",: ", "", "a:"]), COUNTS),
        min_size=40,
        max_size=40,
    )
)
def test_any_line_falls_into_the_same_words(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str, int]]
) -> None:
    cases = []
    for number, (line, ifs, count) in enumerate(lines):
        names = " ".join("xyz"[:count])
        option = "-r" if number % 3 else ""
        cases.append(f'IFS={single(ifs)} read {option} {names} <<< {single(line)}; echo "$?[$x][$y][$z]"; unset x y z')
    directory = tmp_path_factory.mktemp("read")
    text = "\n".join(cases).encode()
    ours, theirs = (run([*shell, "/dev/stdin"], directory, text).stdout.splitlines() for shell in (HELIOSH, BASH))
    assert list(zip(cases, ours, strict=True)) == list(zip(cases, theirs, strict=True))


def test_a_line_is_read_and_not_a_byte_more(same: Same) -> None:
    same("read x; echo $x; cat", "read x; read y; echo $y; read z; echo $?:$z", stdin=b"one\ntwo\nthree\n")
    same(
        "{ read a; head -1; } < file",
        "{ read a; cat; } <<< $'one\\ntwo\\nthree'",
        "printf 'one\\ntwo\\n' | { read a; cat; }",
        "printf 'x y' | { read a b; echo $? $a $b; }",
        "read < /dev/null; echo $?",
    )


def test_how_much_is_read_and_up_to_where(same: Same) -> None:
    same(
        'read -n 3 a; echo $a; read b; echo $b; read -N 5 c; echo "$c"; read -d w d; echo $d',
        stdin=b"line one\nline two\n",
    )
    same(
        "read -N 3 -r a b <<< 'a b c'; echo \"$a|$b\"; read -n 0 x <<< abc; echo $?:$x",
        "read -n 99 x <<< abc; echo $?:$x",
        "printf 'x\\0y' | { read -d '' a; echo $a; read -d '' a; echo $? $a; }",
        "printf 'é€x' | { read -n 2 a; echo $a; cat; }",
        "printf 'a\\\\\\nb\\n' | { read a; echo $a; }",
        "printf 'a\\0b\\n' | { read a; echo $a; }",
        "printf 'a\\\\:b:c' | { IFS=: read a b; echo $a $b; }",
    )  # fmt: skip


def test_reading_gives_up_in_time(same: Same) -> None:
    part = "mkfifo there end; { printf part; echo > there; cat end; }"
    same(
        "mkfifo end; cat end | { read -t 0.05 x; echo $?; : > end; }",
        f"{part} | {{ read < there; read -t 0.2 x; echo $? $x; : > end; }}",
        "printf 'whole\\n' | { read -t 60 x; echo $? $x; }",
        "read -t 0 <<< x; echo $?",
        "mkfifo end; cat end | { read -t 0; echo $?; : > end; }",
    )


def test_descriptors_names_and_wrong_ones(same: Same) -> None:
    same(
        "read -u 3 x 3<<< three; echo $x; read -u 9 x; echo $?; read 1x <<< a; echo $?; read -t abc x; echo $?",
        "read -n x y; echo $?; readonly R=1; read R <<< 2; echo $?; read -Z; echo $?",
        "read <<< '  keep  '; echo \"$REPLY|\"; read -r <<< 'a\\b '; echo \"$REPLY|\"",
    )


def test_there_are_no_arrays(heliosh: Heliosh) -> None:
    ended = heliosh("read -a x <<< 'a b'")
    assert ended.status == 2
    assert "read: there are no arrays here" in ended.err


def test_a_prompt_is_shown_and_what_is_typed_is_not(shell: ShellTerminal) -> None:
    shell.send("read -s -p 'pass''word: ' x; echo \"[$x]\"\n")
    shell.expect("password: ")
    shell.send("sesame\n")
    told = shell.expect(PROMPT)
    assert "[sesame]" in told
    assert "sesame" not in told.replace("[sesame]", "")
    assert "back" in shell.run("echo back")


def test_single_characters_are_read_without_a_newline(shell: ShellTerminal) -> None:
    shell.send("echo re''ady; read -n 2 x; echo \"[$x]\"\n")
    shell.expect("ready")
    shell.send("ab")
    assert "[ab]" in shell.expect(PROMPT)


def test_a_terminal_is_as_before_when_reading_is_interrupted(shell: ShellTerminal) -> None:
    before = shell.modes()
    shell.send("echo re''ady; read -s -n 5 x\n")
    shell.expect("ready")
    shell.until(lambda: shell.modes() != before)
    shell.send("\x03")
    shell.expect(PROMPT)
    shell.send("echo $?\n")
    shell.expect("130")


def test_getopts_goes_through_options(same: Same) -> None:
    again = 'getopts ab:c o; echo "$? $o ${OPTARG-u} $OPTIND"; '
    same(
        "set -- -a -b val -cx rest; " + again * 5,
        "set -- -bval -ac -- -a; " + again * 4,
        "set -- -b; " + again * 2,
        'getopts :ab: o -z -b; echo "$o $OPTARG $OPTIND $?"; getopts :ab: o -z -b; echo "$o $OPTARG $OPTIND"',
        "getopts a o -- -a; echo $? $OPTIND; OPTIND=1; getopts a o x; echo $? $o $OPTIND",
        "getopts ab o -ab; echo $o $OPTIND; getopts ab o -ab; echo $o $OPTIND; getopts ab o -ab; echo $? $OPTIND",
        "getopts a; echo $?; getopts a 1x -a; echo $?",
    )
