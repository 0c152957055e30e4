"""export, readonly, unset, shift, env, let, set, shopt and aliases, beside bash's."""

from __future__ import annotations

import pytest

from tests.engine.shell.builtins.conftest import Heliosh, Same


def test_what_is_exported_is_handed_down(same: Same) -> None:
    same(
        "export A='b c' B; env | grep ^A=; env | grep ^B=; B=1; env | grep ^B=; export -n B; env | grep ^B=; echo $B",
        "export 1a=b C=d; echo $? $C",
        "export A=1; export A+=2; echo $A",
        "A=1 sh -c 'echo $A'; echo ${A-unset}; command export -x; echo $?",
        "set -a; A=1; env | grep ^A=",
    )


def test_read_only_variables_stay(same: Same) -> None:
    same(
        "readonly R=1; export R=5; echo $? $R",
        "readonly R=1; unset R; echo $? $R",
        "readonly R; R=1; echo not reached",
    )


def test_lists_can_be_typed_in_again(heliosh: Heliosh) -> None:
    nasty = "printf -v A '%b' 'a\\n\\x27\\x22$`\\\\é '"
    for mark in ("export", "readonly"):
        ended = heliosh(f"{nasty}; {mark} A; {mark} -p > listed; {mark} B; heliosh=1; . ./listed 2>/dev/null; echo $?")
        assert ended.out in ("0\n", "1\n")
    ended = heliosh(
        f'{nasty}; B=$A; export A; export -p > l; unset A; . ./l; [ "$A" = "$B" ] && echo same; set > s; . ./s'
    )
    assert ended.out == "same\n"


def test_positional_parameters_and_settings(same: Same) -> None:
    same(
        "set -- a b c; shift; echo $@; shift 2; echo $#; shift; echo $?; set -- a; shift 5; echo $? $#",
        "set -- a b; shift 0; echo $#",
        "set -- -a b; echo $1 $#; set a b; set -; echo $#; set --; echo $#; set x y z; echo $1 $3; set -u a; echo $@",
        "set -f; echo *; set +f; echo f*",
        "set -C; echo x > file; echo $?; echo y >| file; cat file",
        "set -u; echo ${nope}; echo not reached",
        "set -e; false; echo not reached",
        "set -x; set +x; echo ok",
        "set -o pipefail; false | true; echo $?; set +o pipefail; false | true; echo $?",
        "set -h -B; echo $?; set -ef -o nounset; set +o nounset; set +fe; echo ${nope}; echo $?",
    )


def test_settings_are_listed_so_that_they_can_be_typed_in_again(heliosh: Heliosh) -> None:
    ended = heliosh("set -f; set +o > saved; set +f -C; . ./saved; set -o | grep -E '^no(glob|clobber)'")
    assert ended.out == "noclobber      \toff\nnoglob         \ton\n"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("set -Z", "set: there is no option -Z"),
        ("set -o braces", "set: braces: invalid option name"),
        ("set +B", "set: braceexpand is always on here"),
        ("shopt -s braces", "shopt: braces: invalid shell option name"),
        ("unset -f x", "unset: there are no functions here"),
        ("readonly -a x", "readonly: there are no arrays here"),
        ("shift x", "shift: x: numeric argument required"),
        ("let 1/0", "let: 1/0: division by 0"),
    ],
)
def test_what_there_is_not_is_said(heliosh: Heliosh, line: str, sentence: str) -> None:
    ended = heliosh(line)
    assert ended.status in (1, 2)
    assert sentence in ended.err


def test_env_runs_a_program_in_another_environment(same: Same) -> None:
    same(
        "env X=1 sh -c 'echo $X'",
        "env -i X=1 env",
        "env -i X=1",
        "env -u HOME sh -c 'echo ${HOME-none}'",
        "env --unset=HOME | grep ^HOME=; echo $?",
        "env nope-nope; echo $?",
        "X=1 env | grep ^X=; X=1 exec env | grep ^X=",
        "env -0 -i A=1 B=2 | od -c",
        "env -C / pwd",
    )


def test_let_calculates(same: Same) -> None:
    same("let 1+1; echo $?; let 0; echo $?; let a=3 b=a*2; echo $b; let; echo $?; let 1/0; echo $?")


def test_shopt(same: Same) -> None:
    same(
        "shopt -s nullglob; echo no*pe; shopt nullglob; echo $?; shopt -u nullglob; shopt -q nullglob; echo $?",
        "shopt -s dotglob; shopt -p dotglob; shopt -s bad; echo $?; shopt -o noglob; echo $?; shopt -so noglob; echo *",
    )


def test_aliases(same: Same) -> None:
    same(
        "alias; echo $?; alias a='b c' q=\"it's\"; alias a; alias; alias -p; alias nope; echo $?",
        "alias a=b; unalias a; alias a; echo $?; unalias a; echo $?; alias a=b c=d; unalias -a; alias",
        "alias 'a/b=c'; echo $?; unalias; echo $?; alias -x; echo $?; alias -- -x=1; alias",
    )
