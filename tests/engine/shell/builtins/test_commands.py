"""source, eval, exec, exit, type, command, hash and history, beside bash's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.shell.builtins.conftest import Heliosh, Same


def test_files_are_run_in_this_shell(same: Same) -> None:
    same(
        ". ./script; echo $? $X",
        "source ./script a b; echo $? $#",
        "set -- p q; . ./script; echo $? $#",
        "PATH=.:$PATH; . script; echo $?",
        "cp script only-here; . only-here; echo $?",
        "printf 'exit 5' > e; . ./e; echo not reached",
        "printf '. ./script; echo $?; return' > outer; . ./outer; echo $?",
        "printf '(return 3); echo $?' > sub2; . ./sub2",
        "printf '' > empty; false; . ./empty; echo $?",
        "command . ./nowhere; echo $?; command . /tmp; echo $?; command .; echo $?",
        "command return 3; echo $?",
    )


def test_words_are_run_as_a_line(same: Same) -> None:
    same("eval 'A=1; echo $A'; eval; echo $?; eval false; echo $?; eval 'echo a' 'b;' echo c; eval 'exit 3'; echo no")


def test_exit_has_a_status(same: Same) -> None:
    same(
        "exit 3",
        "exit 256",
        "exit -1",
        "exit 1 2; echo $?",
        "exit abc; echo no",
        "false; exit",
        "trap 'exit' 0; exit 4",
    )


def test_a_program_takes_the_place_of_the_shell(same: Same) -> None:
    same(
        "exec echo replaced; echo no",
        "exec nope-nope; echo no",
        "exec ./file; echo no",
        "exec >out; echo hidden; exec >&2; cat out",
        "exec 3<file; read -u 3 x; echo $x",
        "exec -a zero sh -c 'echo $0'",
        "exec -l sh -c 'echo $0'",
        "exec -c env",
        "exec -cl -a me env",
    )


def test_what_a_command_is(same: Same) -> None:
    same(
        "type cd ./prog; type -t cd ls nope; echo $?",
        "type -p cd; type -p sh; type -P sh; type -P nope; echo $?; type -P cd; echo $?",
        "type !; type {; type -t !",
        "type nope; echo $?; type -a echo | head -1; type -at echo | sort -u",
        "command -v cd sh nope; echo $?; command -v nope; echo $?; command -v ./prog ./file; echo $?",
        "command -V cd; command -V nope; echo $?",
        "PATH=$PWD; type prog; prog; type prog; type -a prog",
    )


def test_aliases_are_told_of_as_what_they_are(heliosh: Heliosh) -> None:
    told = heliosh("alias ll='ls -l'; type ll; type -t ll; command -v ll; command -V ll").out
    assert told == "ll is aliased to `ls -l'\nalias\nalias ll='ls -l'\nll is aliased to `ls -l'\n"


def test_command_and_builtin_run_what_they_are_told(same: Same) -> None:
    same(
        "command echo hi; command ls file; command nope; echo $?; command -p sh -c 'echo ok'; command; echo $?",
        "builtin echo hi; builtin nope; echo $?; builtin; echo $?",
        "PATH=/nowhere; command -p ls file",
        "command cd sub; pwd; command read x <<< a; echo $x",
        "command ls file | cat; command sh -c 'exit 3' | true; echo $?",
    )


def test_where_programs_are_is_remembered(same: Same) -> None:
    same(
        "hash; hash sh; hash -t sh; hash -r; hash -t sh; echo $?",
        "hash nope; echo $?; hash cd; echo $?",
        "hash -p /bin/true xyz; xyz; echo $?; hash -t xyz; type xyz; hash -l; hash -d xyz; xyz; echo $?",
        "hash -p /tmp xyz; echo $?; ls file >/dev/null; hash -r; hash",
    )


def test_history_is_listed_and_edited(heliosh: Heliosh) -> None:
    make = "history -s one; history -s two words; history -s three; "
    assert heliosh(make + "history").out == "    1  one\n    2  two words\n    3  three\n"
    assert heliosh(make + "history 2").out == "    2  two words\n    3  three\n"
    assert heliosh(make + "history -d 2; history").out == "    1  one\n    2  three\n"
    assert heliosh(make + "history -d -1; history").out == "    1  one\n    2  two words\n"
    assert heliosh(make + "history -d 1-2; history").out == "    1  three\n"
    assert heliosh(make + "history -c; history").out == ""
    assert heliosh(make + "history -w h; history -c; history -r h; history 1").out == "    3  three\n"
    assert (
        heliosh(make + "history -a twice; history -a twice; history -c; history -n twice; history | wc -l").out == "6\n"
    )
    assert heliosh(make + "history -w h; history -s four; history -n h; history | wc -l").out == "4\n"
    assert heliosh(make + "HISTFILE=$PWD/i; history -w; history -c; history -r; history 1").out == "    3  three\n"
    assert heliosh("printf '#1700000000\\nold\\n' > h; history -r h; history").out == "    1  old\n"
    assert heliosh("history -p a 'b c'").out == "a\nb c\n"


@pytest.mark.parametrize("words", ["-d 9", "-d x", "-d 2-1", "x", "-w", "-w sub", "-r nowhere", "-r -w x"])
def test_history_that_there_is_not_is_said(heliosh: Heliosh, words: str) -> None:
    ended = heliosh(f"history -s one; history {words}")
    assert ended.status in (1, 2)
    assert "history: " in ended.err


def test_a_file_of_history_is_private(heliosh: Heliosh, tmp_path: Path) -> None:
    assert heliosh("history -s secret; history -w h").status == 0
    assert (tmp_path / "h").stat().st_mode & 0o777 == 0o600
