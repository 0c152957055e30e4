"""The program heliosh: where its commands come from, and what it costs to start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.shell.conftest import HELIOSH, PROMPT, ShellTerminal, Terminals


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """heliosh with these arguments."""
    return subprocess.run([*HELIOSH, *arguments], input=stdin, capture_output=True, text=True, timeout=60)


# --- where commands come from ---


def test_c_takes_a_text_a_name_and_arguments() -> None:
    assert run("-c", 'echo $0 $1 $# "$@"', "name", "a", "b c").stdout == "name a 2 a b c\n"
    assert run("-c", "echo $0 $-").stdout == "heliosh c\n"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_bytes_pass_through_in_every_locale(tmp_path: Path, locale: str) -> None:
    if locale.endswith("8859-1"):
        if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/de_DE").exists():
            pytest.skip("localedef (package locales) is not installed")
        subprocess.run(["localedef", "-f", "ISO-8859-1", "-i", "de_DE", tmp_path / locale], check=True)
    environment: dict[str, str | bytes] = {"LANG": locale, "LOCPATH": str(tmp_path), "GIVEN": b"\xfe"}
    empty = tmp_path / "empty"
    empty.mkdir()
    text = 'printf \'%s\\n\' ä"$1" "$(printf \'\\344\')" <<< x; touch "$1"; echo *[!1]; /bin/echo "$1$GIVEN" | cat'
    result = subprocess.run(
        [*HELIOSH, "-c", text.encode(), "name", b"\xff\xe4"],
        env=environment,
        cwd=empty,
        capture_output=True,
        timeout=60,
    )
    assert result.stdout == b"\xc3\xa4\xff\xe4\n\xe4\n\xff\xe4\n\xff\xe4\xfe\n"


@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C"}, {"LANG": "C.UTF-8", "LC_CTYPE": "C.UTF-8"}])
def test_programs_get_the_locale_that_the_shell_was_given(given: dict[str, str]) -> None:
    result = subprocess.run([*HELIOSH, "-c", "/usr/bin/env"], env=given, capture_output=True, text=True, timeout=60)
    locale = {line for line in result.stdout.splitlines() if line.startswith(("LC_", "LANG"))}
    assert locale == {f"{name}={value}" for name, value in given.items()}


def test_a_file_is_run_with_its_name_as_argument_0() -> None:
    Path("script").write_text("echo $0 $1\n# a remark\nexit 3\n)")
    result = run("script", "one")
    assert result.stdout == "script one\n"
    assert result.returncode == 3


def test_the_syntax_of_a_later_line_matters_when_it_is_reached() -> None:
    Path("script").write_text("echo one\necho )\necho three\n")
    result = run("script")
    assert result.stdout == "one\n"
    assert result.stderr.startswith("script:2:6: ")
    assert result.returncode == 2


def test_aliases_of_one_line_hold_in_the_next() -> None:
    Path("script").write_text("alias hello='echo hello'\nhello you\n")
    assert run("script").stdout == "hello you\n"


@pytest.mark.parametrize("options", [[], ["-i"]])
def test_without_standard_input_it_says_so(options: list[str]) -> None:
    words = ["setsid", "-w", "sh", "-c", 'exec "$@" <&-', "sh", *HELIOSH, *options]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert "heliosh: standard input can't be read: Bad file descriptor\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_standard_input_that_somebody_left_non_blocking_is_waited_for() -> None:
    read, write = os.pipe()
    os.set_blocking(read, False)
    with subprocess.Popen(HELIOSH, stdin=read, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in ("echo one", "echo two"):
            os.write(write, f"{line}\n".encode())
            assert process.stdout.readline() == line[5:] + "\n"
        os.close(write)
    os.close(read)
    assert process.returncode == 0


def test_standard_input_is_read_no_further_than_the_command() -> None:
    assert run(stdin="echo a\nread x\nthe input\necho $x\ncat\nrest\n").stdout == "a\nthe input\nrest\n"
    Path("script").write_text("echo a; cat\nrest\n")
    with open("script") as file:
        result = subprocess.run(HELIOSH, stdin=file, capture_output=True, text=True, timeout=60)
    assert result.stdout == "a\nrest\n"


def test_standard_input_may_hold_commands_of_many_lines() -> None:
    result = run("-s", "x", stdin="cat <<E\nbody $1\nE\n(echo a\necho b)\nnothing_like_this\n")
    assert result.stdout == "body x\na\nb\n"
    assert result.stderr.startswith("stdin:6:1: nothing_like_this: command not found\n")
    assert result.returncode == 127


def test_an_unfinished_command_at_the_end_is_a_fault() -> None:
    result = run(stdin="echo 'a\n")
    assert result.returncode == 2
    assert "stdin:1:6" in result.stderr


def test_options_are_those_of_set() -> None:
    assert run("-ec", "false; echo never").stdout == ""
    assert run("-o", "pipefail", "-c", "false | true").returncode == 1
    assert run("-e", "+e", "-c", "false; echo on").stdout == "on\n"
    assert "x" in run("-xc", "echo $- 2>/dev/null").stdout
    assert run("-l", "-c", "echo yes").stdout == "yes\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["-c"], 2, "heliosh: -c: a text to run must follow"),
        (["-Z"], 2, "heliosh: -Z: there is no option 'Z'"),
        (["-o", "none", "-c", ":"], 2, "heliosh: -o: there is no option 'none'"),
        (["none"], 127, "heliosh: none: No such file or directory"),
        (["/"], 126, "heliosh: /: Is a directory"),
        (["/bin/true"], 126, "heliosh: /bin/true: cannot execute binary file"),
    ],
)
def test_what_can_not_be_started_says_why(arguments: list[str], status: int, words: str) -> None:
    result = run(*arguments)
    assert result.stderr.startswith(words)
    assert result.returncode == status


def test_help_tells_the_options() -> None:
    assert "-c" in run("--help").stdout


# --- interactive ---


def test_the_rc_file_is_read_when_somebody_types_and_only_then(terminals: Terminals, tmp_path: Path) -> None:
    (tmp_path / "heliostui").mkdir()
    (tmp_path / "heliostui" / "heliosh.rc").write_text("greeting=hello\nalias hi='echo $greeting'\nnothing_like_this\n")
    shell = terminals()
    shell.expect("nothing_like_this: command not found")
    shell.expect(PROMPT)
    assert shell.run("hi") == "hello\n"
    assert run("-c", "echo [$greeting]").stdout == "[]\n"


def test_an_unfinished_command_is_continued_after_ps2(shell: ShellTerminal) -> None:
    shell.send("echo 'one\n")
    shell.expect("more> ")
    shell.send("two'\n")
    shell.expect("two'\r\none\r\ntwo\r\n")


def test_ctrl_c_gives_an_unfinished_command_up(shell: ShellTerminal) -> None:
    shell.send("echo 'one\n")
    shell.expect("more> ")
    shell.send("\x03")
    shell.expect(PROMPT)
    assert shell.run("echo $?") == "130\n"


def test_ctrl_d_ends_the_shell_with_the_last_status(shell: ShellTerminal) -> None:
    shell.run("(exit 4)")
    shell.send("\x04")
    assert shell.end() == 4


def test_a_fault_ends_the_line_and_not_an_interactive_shell(shell: ShellTerminal) -> None:
    assert "never" not in shell.run("echo $((1/0)); echo nev''er")
    assert "|      ^" in shell.run("echo )")
    assert shell.run("echo $?") == "2\n"


def test_commands_can_be_piped_into_an_interactive_shell() -> None:
    result = run("-i", "--norc", stdin="echo $-\n")
    assert "i" in result.stdout


# --- what it costs ---

SEEN = "import json, os, sys; os._exit = lambda status: print(json.dumps(sorted(sys.modules)))"


def modules_after(*arguments: str) -> set[str]:
    """What an interpreter has imported that has been heliosh."""
    code = f"{SEEN}\nfrom engine.shell.__main__ import main\nmain({list(arguments)!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd())
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_a_text_is_run_without_anything_heavy() -> None:
    loaded = modules_after("-c", "x=$(/bin/echo a); /bin/echo $x | cat; (echo b); echo c > /dev/null; :")
    heavy = {"asyncio", "ctypes", "dataclasses", "inspect", "pathlib", "prompt_toolkit", "subprocess"}
    assert (loaded - modules_of_the_interpreter()) & heavy == set()


def modules_of_the_interpreter() -> set[str]:
    """What is there before anything is run: installed packages may bring something."""
    code = "import sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
