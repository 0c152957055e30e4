"""cd, pwd and the stack of directories, beside bash's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.shell.builtins.conftest import Heliosh, Same


def test_cd_goes_by_the_path_as_written_or_by_the_real_one(same: Same) -> None:
    same(
        "pwd; cd sub; pwd; cd -; pwd; echo $OLDPWD $PWD",
        "cd link; pwd; pwd -P; cd ..; pwd",
        "cd -P link; pwd; echo $PWD",
        "cd link; cd -P ..; pwd",
        "cd -LP link; pwd; cd -PL ../link; pwd",
        "cd sub/../link/deep; pwd",
        "cd nowhere/..; echo $?",
        "cd sub/deep; cd ../..; pwd",
        "cd -- sub; pwd",
        "cd //; pwd; cd ///; pwd; cd /tmp/./..//tmp; pwd",
        "cd ''; echo $?; pwd",
        "cd sub/deep; rm -r ../deep; pwd; dirs -l; cd ..; pwd",
        "cd sub/deep; mv ../deep ../other; pwd; pwd -P; cd ..; pwd",
        "cd sub && env | grep -E '^(OLD)?PWD='",
    )


def test_home_the_last_directory_and_cdpath(same: Same) -> None:
    same(
        "cd; pwd; cd -; cd ~; cd -",
        "unset HOME; cd; echo $?",
        "unset OLDPWD; cd -; echo $?",
        "CDPATH=sub; cd deep; pwd",
        "CDPATH=:sub; cd sub; pwd; cd ..; cd deep; pwd",
        "CDPATH=sub; cd ./deep; echo $?; cd ../here; echo $?",
        "CDPATH=.:sub; cd sub; pwd",
        "CDPATH=/nowhere; cd sub; pwd",
    )


def test_what_can_not_be_entered_leaves_the_shell_where_it_is(same: Same) -> None:
    same("cd nowhere; echo $?; pwd", "cd file; echo $?; pwd", "cd sub deep; echo $?; pwd", "cd -x; echo $?; pwd")


def test_the_stack_of_directories(same: Same) -> None:
    same(
        "pushd sub; pushd deep; dirs; popd; popd; popd; echo $?",
        "pushd sub >&-; pushd sub >/dev/null; pushd /tmp > /dev/null; dirs -v; dirs -p; dirs +1; dirs -0",
        "pushd sub >/dev/null; pushd /tmp > /dev/null; pushd +1; pushd -0; pushd; dirs -l; pwd",
        "pushd; echo $?; pushd nowhere; echo $?; dirs",
        "pushd -n /tmp; pwd; dirs; pushd -n /usr; popd -n; dirs; popd +1; dirs",
        "pushd /tmp >/dev/null; pushd /usr >/dev/null; popd +0; popd -0; dirs",
        "pushd /tmp >/dev/null; dirs -c; dirs; popd; echo $?",
        "dirs +9; echo $?; popd +9; echo $?; pushd +9; echo $?",
        "pushd ~ > /dev/null; dirs; dirs -l | grep -c '~'",
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("cd nowhere", "cd: nowhere: No such file or directory"),
        ("cd file", "cd: file: Not a directory"),
        ("cd a b", "cd: too many arguments"),
        ("unset HOME; cd", "cd: HOME not set"),
        ("popd", "popd: directory stack empty"),
    ],
)
def test_the_reason_is_told(heliosh: Heliosh, line: str, sentence: str) -> None:
    ended = heliosh(line)
    assert ended.status == 1
    assert sentence in ended.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every directory")
def test_a_directory_that_may_not_be_entered_is_told_so(heliosh: Heliosh, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0)
    assert "cd: locked: Permission denied" in heliosh("cd locked").err
