"""Lists, pipelines, groups and programs: what a script does, and that it does the same in bash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.shell.conftest import HELIOSH

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(
    text: str, *arguments: str, command: list[str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """A text carried out by heliosh, or by another shell."""
    words = [*(command or HELIOSH), "-c", text, *arguments]
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60)


def out(text: str, *arguments: str) -> str:
    """What a text writes to standard output."""
    return run(text, *arguments).stdout


@needs_bash
@pytest.mark.parametrize(
    "text",
    [
        "echo a; echo b & wait; echo c",
        "true && echo yes || echo no; false && echo yes || echo no",
        "! true; echo $?; ! false; echo $?; ! false | true; echo $?",
        "false || false || echo third; true || echo never; echo $?",
        "(cd /; x=1; exit 3); echo $? $PWD $x",
        "{ cd /; x=1; false; }; echo $? $PWD $x",
        "(exit 3) | (exit 4); echo $? ${PIPESTATUS[@]}; echo ${PIPESTATUS[*]}",
        "true | false | true; echo ${PIPESTATUS[1]}",
        "set -o pipefail; (exit 3) | true; echo $?; true | (exit 4) | false | true; echo $?",
        "x=$(echo out; exit 4); echo $? $x; x=1 y=$(exit 5); echo $?; x=1; echo $?",
        "x=1 y=$x env | grep -c '^y=1'; echo [$x$y]",
        "x=1; x=2 sh -c 'echo $x'; echo $x; x+=3; echo $x",
        "echo $(echo $(echo deep)) `echo old`; echo \"$(printf 'a\\n\\n\\n')\"",
        "sleep 0 & echo $(( $! > 0 )); wait $!; echo $?",
        "(exit 9) & wait $!; echo $?; sh -c 'kill -9 $$' & wait $! 2>/dev/null; echo $?",
        "set -- a b c; echo $# $1 $3; (shift; echo $1); echo $1",
        "exec 3>out; echo x >&3; exec 3>&-; cat out; exec sh -c 'echo replaced $0' zero; echo never",
        "nothing_like_this 2>/dev/null; echo $?; ./none 2>/dev/null; echo $?; /tmp 2>/dev/null; echo $?",
        "echo hi > program; chmod +x program; mkdir -p bin; PATH=.:$PATH; ./program 2>/dev/null",
        "set -e; false || echo on; ! true; false && true; echo here; (exit 6); echo never",
        "set -e; { false; echo never; } || echo rescued; x=$(false); echo never",
        "set -e; (false; echo never); echo never",
        "set -e; true | false; echo never",
        "set -e; false | true; echo here",
        "set -u; echo ${x:-unset}; (echo $x; echo never) 2>/dev/null; echo $?",
        "set -a; x=1; sh -c 'echo $x'; set +a; y=1; sh -c 'echo [$y]'",
        "set -n; echo never",
        "echo ${x:=1} | cat; echo [$x]; echo ${y:=1} > /dev/null; echo [$y]",
        "echo $((x=5)) | cat; echo [$x]",
        "echo a b | read x y; echo [$x]; read x y < /dev/null; echo $?",
        "trap 'echo bye $?' EXIT; (exit 3)",
        "trap 'echo outer' EXIT; (trap 'echo inner' EXIT; true); echo between",
        "trap 'echo caught' USR1; kill -USR1 $$; echo after; trap - USR1",
        "trap 'echo err $?' ERR; false; true; false || true; (exit 3)",
        "eval 'echo $?' ; false; eval 'echo $?'; eval ''; echo $?",
        "false; (echo $?); false; echo $(echo $?)",
        "echo 1; exit 3; echo 2",
        "alias hi='echo hello'\nshopt -s expand_aliases\nalias hi='echo hello'\nhi you",
        "cat <<E | cat\n$(echo in) ${PWD##*/} \\$x\nE\necho after",
        "cat <<'E'\n$x `y`\nE\ncat <<-E\n\ttabs\n\tE\ncat <<<'a string'",
        "cat <<A; cat <<B\na\nA\nb\nB",
        "kill -0 $$; echo $?; kill -TERM $$; echo never",
        "echo $LINENO\necho $LINENO\n(echo $LINENO)\n\necho $LINENO",
        ": a b; echo $_; x=$_; echo $x",
        "IFS=:; x=a:b; set -- $x; echo $#; printf '%s\\n' \"$*\"",
        "yes | head -n 1; echo ${PIPESTATUS[@]}",
        "{ echo a; echo b >&2; } 2>&1 | sort -r",
        "command echo x; command nothing 2>/dev/null; echo $?; command -v ls | grep -c ls",
        "( ( ( echo deep ) ) ); { { echo braces; }; }",
        "echo $BASHPID | grep -cv $$; (test $BASHPID != $$ && echo differs); echo $(test $BASHPID != $$ && echo so)",
    ],
)
def test_it_does_what_bash_does(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    results = []
    for command in (HELIOSH, ["bash", "--norc"]):
        os.chdir(tmp_path_factory.mktemp("same"))
        result = run(text, command=command)
        results.append(
            (
                result.stdout.replace(os.getcwd(), "HERE").replace(os.path.basename(os.getcwd()), "HERE"),
                result.returncode,
            )
        )
    assert results[0] == results[1]


simple = st.sampled_from(
    ["true", "false", "(exit 3)", "echo a", "echo $?", "x=1", "x=$(false)", "/bin/false", "echo ${PIPESTATUS[*]}"]
)
lists = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds("{} && {}".format, inner, inner),
        st.builds("{} || {}".format, inner, inner),
        st.builds("{}; {}".format, inner, inner),
        st.builds("{{ {}; }}".format, inner),
        st.builds("( {} )".format, inner),
        st.builds("{{ {}; }} | {{ cat; {}; }}".format, inner, inner),  # who is not read may die of SIGPIPE, or not
        st.builds("! {{ {}; }}".format, inner),
        st.builds("echo $({})".format, inner),
    ),
    max_leaves=6,
)


@needs_bash
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists, st.sampled_from(["", "set -e; ", "set -o pipefail; "]))
def test_lists_give_what_bash_gives(text: str, before: str) -> None:
    # Without this, bash switches errexit off in $( ), which POSIX doesn't.
    options = "shopt -s inherit_errexit 2>/dev/null; " if before == "set -e; " else ""
    ours = run("true; " + before + text)
    theirs = run("true; " + options + before + text, command=["bash", "--norc"])
    assert (ours.stdout, ours.returncode) == (theirs.stdout, theirs.returncode)


# --- programs ---


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("nothing_like_this", 127, "nothing_like_this: command not found"),
        ("./none", 127, "./none: No such file or directory"),
        ("/tmp", 126, "/tmp: Is a directory"),
        ("/etc/passwd", 126, "/etc/passwd: Permission denied"),
        ("echo > text; text", 127, "text: command not found"),
        (
            "printf '#!/no/such\\n' > f; chmod +x f; ./f",
            126,
            "./f: bad interpreter: /no/such: No such file or directory",
        ),
        ("printf '\\0\\0' > f; chmod +x f; ./f", 126, "./f: cannot execute binary file: Exec format error"),
        ("echo > f; PATH=.; f", 126, "./f: Permission denied"),
        ("nothing_like_this | cat", 0, "nothing_like_this: command not found"),
        ("exec nothing_like_this; echo never", 127, "nothing_like_this: command not found"),
    ],
)
@pytest.mark.parametrize("behind", ["", "\n:"])
def test_what_can_not_be_run_has_its_status_and_reason(text: str, status: int, words: str, behind: str) -> None:
    result = run(f"{text}{behind and '; exit $?'}")
    assert words in result.stderr
    assert result.returncode == status
    assert "never" not in result.stdout


def test_the_reason_goes_where_the_program_would_have_written() -> None:
    assert run("nothing_like_this 2>/dev/null; ./none 2>/dev/null; :").stderr == ""


def test_a_text_without_an_interpreter_is_run_by_this_shell() -> None:
    Path("script").write_text("echo $0 $1 $-\n")
    Path("script").chmod(0o755)
    assert (
        out("./script one; ./script two | cat; (exec ./script three)") == "./script one\n./script two\n./script three\n"
    )


def test_programs_are_remembered_and_looked_for_again_when_they_have_moved() -> None:
    make = "mkdir a b; printf '#!/bin/sh\\necho a\\n' > a/p; chmod +x a/p"
    result = out(f"{make}; PATH=$PWD/a:$PWD/b:$PATH; p; mv a/p b/p; p; hash")
    assert result.startswith("a\na\n")
    assert f"{os.getcwd()}/b/p" in result


def test_the_last_command_takes_the_place_of_the_shell() -> None:
    first, second = out("echo $$; sh -c 'echo $$'").split()
    assert first == second
    first, second = out("trap : EXIT; echo $$; sh -c 'echo $$'").split()
    assert first != second


def test_a_subshell_becomes_its_last_program() -> None:
    parent, child = out("sh -c 'echo $PPID' | cat; (:; sh -c 'echo $PPID'); :").split()
    assert parent == child


def test_a_program_alone_in_a_substitution_is_spawned_by_the_shell_itself() -> None:
    shell, parent = out("echo $$ $(sh -c 'echo $PPID'); :").split()
    assert shell == parent


@needs_bash
@pytest.mark.parametrize(
    "text",
    [
        "x=$(false); echo $? [$x] $(pwd) $(command -v sh; type -t echo) $(echo 'a\n\n')",
        "x=$(printf '%s|' a 'b c'); echo $? $x; x=$(printf '%d' z 2>/dev/null); echo $? $x",
        "false; echo $(echo $? ${PIPESTATUS[0]}) $(false) ${PIPESTATUS[0]}",
        "x=$(printf -v y text); echo [$x$y]; x=$(echo ${y:=set}); echo [$x$y]",
        "x=$(echo ${y:?gone}) 2>/dev/null; echo $? [$x]",
        "i=3; echo $(echo $((i * 2)) $((i *= 2)) $((i++))) $i; j='i=9'; echo $(echo $((j))) $i",
        "echo $(test \"$BASHPID\" = $$; echo $?) $(echo $LINENO); x=$(echo $BASHPID); test $x = $$; echo $?",
        "RANDOM=1; x=$(echo $RANDOM); RANDOM=1; y=$RANDOM; RANDOM=1; x=$(echo $RANDOM); test $RANDOM = $y; echo $?",
        "echo $(trap 'echo never' EXIT) $(cd /; pwd) $(set -u; echo $none) after 2>/dev/null",
        "set -u; x=$(echo $none) 2>/dev/null; echo $? [$x]; x=$(echo \\303; printf '\\303\\251\\0'); echo $x",
    ],
)  # fmt: skip
def test_a_builtin_alone_in_a_substitution_changes_nothing_as_in_bash(text: str) -> None:
    assert run(text).stdout == run(text, command=["bash"]).stdout


def test_a_builtin_that_only_writes_needs_no_process() -> None:
    program = """if True:
        import sys
        from engine.shell.__main__ import main
        sys.addaudithook(lambda event, _: event in ("os.fork", "os.posix_spawn") and print(event, flush=True))
        main(["-c", sys.argv[1]])"""
    for text, events in (
        ('i=1; x="$(echo $((i + 1)))$(printf %s text)$(pwd -P)$(command -v sh)"; :', []),
        ("x=$(echo $((i = 1))); :", ["os.fork"]),
        ("x=$(/bin/true); :", ["os.posix_spawn"]),
    ):
        command = [sys.executable, "-c", program, text]
        assert subprocess.run(command, capture_output=True, text=True).stdout.split() == events


# --- descriptors and buffers ---


def test_programs_get_no_descriptor_of_the_shells() -> None:
    for text in (
        "ls /proc/self/fd | cat",
        "(ls /proc/self/fd) | cat",
        "{ ls /proc/self/fd; } 2>/dev/null < /dev/null | cat",
    ):
        assert out(text).split() == ["0", "1", "2", "3"], text  # 3 is the directory


def test_a_forked_member_does_not_hold_the_pipes_of_others() -> None:
    assert out("{ sleep 0.01; yes; } | head -n 1; echo x | { cat; } | { head -c 1; }") == "y\nx"


def test_a_closed_pipe_ends_a_script_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [*HELIOSH, "-c", "echo x; echo never >&2"], stdout=write, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(write)
    assert result.returncode == -signal.SIGPIPE
    assert result.stderr == ""


def test_writing_to_a_full_device_is_an_error_with_its_reason() -> None:
    result = run("echo x > /dev/full; echo $?")
    assert "echo: write error: No space left on device" in result.stderr
    assert result.stdout == "1\n"


# --- faults ---


def test_a_fault_in_a_text_names_the_place_and_shows_the_line() -> None:
    result = run("echo one\n  nothing_like_this two\n")
    assert result.stderr == (
        "-c:2:3: nothing_like_this: command not found\n   2 |   nothing_like_this two\n     |   ^^^^^^^^^^^^^^^^^^^^^\n"
    )


def test_a_syntax_fault_ends_a_script_with_2_after_the_lines_before_it() -> None:
    result = run("echo one\necho two)\necho three")
    assert result.stdout == "one\n"
    assert result.returncode == 2
    assert result.stderr.startswith("-c:2:9: ")


def test_an_expansion_that_fails_ends_a_script() -> None:
    result = run("echo $((1/0)); echo never")
    assert result.stdout == ""
    assert result.returncode == 1
    assert result.stderr.startswith("-c:1:")


def test_an_error_in_a_special_builtin_ends_a_script_and_in_another_does_not() -> None:
    assert run(". ./none; echo never").stdout == ""
    assert run("cd /none; echo goes on").stdout == "goes on\n"


@pytest.mark.parametrize("text", ["a | b | c", "x=$(echo a | b)", "/bin/echo a < /dev/null", "echo a > f"])
def test_a_process_that_can_not_be_started_is_told(text: str) -> None:
    result = run(f"ulimit -n 3; {text}; echo never")
    assert "Too many open files" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode in (0, 1, 126)


def test_texts_that_run_each_other_without_end_are_stopped() -> None:
    Path("self").write_text(". ./self\n")
    result = run(". ./self; echo never")
    assert "texts run each other without end" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_xtrace_shows_commands_as_they_are_run() -> None:
    assert run("set -x; x=1; echo 'a  b' $x; (false)").stderr == "+ x=1\n+ echo 'a  b' 1\n+ false\n"
    assert run("PS4='$0> '; set -x; true", "name").stderr == "name> true\n"


def test_verbose_shows_lines_as_they_are_read() -> None:
    assert run("set -v\necho a").stderr == "echo a\n"


# --- signals ---


def test_a_script_dies_of_a_signal_that_it_does_not_trap() -> None:
    assert run("kill -TERM $$; sleep 1").returncode == -signal.SIGTERM


def test_a_program_in_the_shells_place_is_as_deep_as_the_shell_was() -> None:
    assert run("SHLVL=5; exec sh -c 'echo $SHLVL'").stdout == "4\n"
    assert run("SHLVL=5; (exec sh -c 'echo $SHLVL'); sh -c 'echo $SHLVL'").stdout == "5\n5\n"


def test_death_by_a_signal_in_a_script_is_told_with_the_place() -> None:
    result = run("sh -c 'kill -9 $$'; echo $?")
    assert result.stdout == "137\n"
    assert result.stderr.startswith("-c:1:1: sh -c 'kill -9 $$': Killed\n")
    assert "sleep 100: Killed" in run("sleep 100 & kill -9 $!; wait $!").stderr
    assert run("sleep 100 & kill $!; wait $!").stderr == ""
    source = "echo first; true | sh -c 'kill -9 $$'; (kill -9 $BASHPID); :"
    told = run(source).stderr.splitlines()
    assert [line[7:] for line in told if "^" in line] == [" " * 12 + "^" * 25, " " * 39 + "^" * 18]
