"""help, --help, and how builtins complain of what they are given."""

from __future__ import annotations

import sys

import pytest

from engine.shell.builtins import BUILTINS, GROUPS
from tests.engine.shell.builtins.conftest import Heliosh

# Those that take every word, or whose options are somebody else's.
NO_OPTIONS = {"echo", "test", "[", "true", "false", ":", "tar", "oci", "env", "exit", "logout", "return", "shift",
              "getopts", "let", ".", "kill", "help"}  # fmt: skip


def test_help_tells_of_every_builtin_in_groups(heliosh: Heliosh) -> None:
    ended = heliosh("help")
    assert ended.status == 0
    assert all(f"\n{title}\n" in ended.out for title in GROUPS)
    assert all(f"\n  {name} " in ended.out and command.summary in ended.out for name, command in BUILTINS.items())
    assert all(len(line) <= 100 for line in ended.out.splitlines())


def test_every_builtin_has_its_own_help_with_all_its_options(heliosh: Heliosh) -> None:
    names = sorted(BUILTINS)
    told = heliosh("\n".join(f"help '{name}'; echo ---" for name in names)).out.split("---\n")[:-1]
    for name, text in zip(names, told, strict=True):
        assert text.startswith(f"{name} {BUILTINS[name].usage}".rstrip() + "\n\n  ")
    assert told[names.index("cd")] == BUILTINS_CD == heliosh("cd --help").out


BUILTINS_CD = """\
cd [-L | -P] [DIR | -]

  Change the working directory.

  DIR is the home directory where none is given, and the directory before this one for -.
  A DIR without ./ in front is looked for in the directories of CDPATH first.
  -L  take .. as the end of the path as written (the default)
  -P  follow symbolic links first, so that PWD has none
"""


def test_help_takes_patterns_and_is_short_where_that_is_asked(heliosh: Heliosh) -> None:
    assert heliosh("help -s cd").out == "cd [-L | -P] [DIR | -]\n"
    assert heliosh("help -d 'un*'").out == "unset - remove variables\nunalias - remove aliases\n"
    ended = heliosh("help nonesuch")
    assert ended.status == 1
    assert "there is no command `nonesuch' in the shell itself" in ended.err


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - NO_OPTIONS))
def test_an_unknown_option_is_one_sentence_with_the_usage_and_status_2(heliosh: Heliosh, name: str) -> None:
    ended = heliosh(f"{name} -? x; exit $?")
    assert ended.status == 2
    assert f"{name}: there is no option -?" in ended.err
    assert f"use it as `{name} {BUILTINS[name].usage}`" in ended.err


def test_a_full_or_closed_output_is_told(heliosh: Heliosh) -> None:
    ended = heliosh("echo a > /dev/full; echo $? >&2; pwd >&-; echo $? >&2")
    assert "echo: write error: No space left on device" in ended.err
    assert "pwd: write error: Bad file descriptor" in ended.err
    for line in ("printf a", "dirs", "umask", "ulimit", "alias x=y; alias", "kill -l", "type cd", "help"):
        assert heliosh(f"{{ {line}; }} > /dev/full; echo $?").out == "1\n", line


def test_the_table_is_cheap(heliosh: Heliosh) -> None:
    """No builtin's module is there before it is called."""
    script = (
        "import sys, engine.shell.builtins as b; "
        "print([name for name in sys.modules if name.startswith(b.__name__ + '.')])"
    )
    assert heliosh(f'{sys.executable} -c "{script}"').out == "[]\n"
