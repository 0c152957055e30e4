"""Redirections: where things are written and read, and that nothing is left behind in the shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.shell.conftest import HELIOSH, PROMPT, ShellTerminal

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
BOTH = "{ echo out; echo err >&2; }"


@pytest.fixture(autouse=True)
def in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(text: str, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """A text carried out by heliosh, or by another shell."""
    return subprocess.run(
        [*(command or HELIOSH), "-c", text], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )


@needs_bash
@pytest.mark.parametrize(
    "text",
    [
        "echo a > f; echo b >> f; cat f; cat < f f",
        "sh -c 'echo out; echo err >&2' > f 2>&1; cat f",
        "sh -c 'echo out; echo err >&2' 2>&1 > f; echo -; cat f",
        f"{BOTH} &> f; cat f; {BOTH} &>> f; cat f; {BOTH} >& f; cat f",
        f"{BOTH} 2>&1 >/dev/null | cat; {BOTH} |& sort",
        "echo a 3> f >&3; cat f; sh -c 'echo b >&3' 3>> f; cat f",
        "exec 4>f; echo a >&4; sh -c 'echo b >&4'; exec 4>&-; cat f; echo c 2>/dev/null >&4; echo $?",
        "exec 3>&1 >f; echo hidden; echo shown >&3; exec >&3 3>&-; cat f",
        "exec 5<&0 < /dev/null; cat; exec 0<&5-; echo $?",
        "echo abc > f; exec 3<>f; read -n 1 x <&3; echo -n Z >&3; exec 3>&-; cat f",
        "cat 0<<< here; cat <<E 3<&0\nbody\nE\ncat <&3 3<<F\nthree\nF",
        "set -C; echo a > f; echo b > f; echo $?; echo c >| f; cat f; echo d > /dev/null; echo $?; echo e >> f; cat f",
        "echo a > d/f; echo $?; mkdir d; echo b > d/f; cat d/f; echo c > d; echo $?",
        "cat < none; echo $?; { echo never; } < none; echo $?; (echo never) < none; echo $?; true < none || echo or",
        "> f; test -f f && echo made; < f; echo $?; x=1 > g; ls; echo $x",
        "echo a >&7; echo $?; sh -c 'echo b >&7' ; echo $?; echo c 2>&-; echo $?",
        "f='a b'; echo x > $f; echo $?; echo y > \"$f\"; cat 'a b'; echo z > *' b'; cat 'a b'",
        "echo x > /dev/stdout | cat; echo y | cat /dev/stdin; echo z | cat < /dev/stdin; echo w > /dev/fd/1",
        "mkfifo p; cat p & echo through > p; wait; cat < p & echo again > p; wait; (echo third > p) & cat < p",
        "cat <<E\n$(yes | head -n 40000 | md5sum)\nE\nyes | head -n 40000 > f; cat <<E | md5sum\n$(cat f)\nE",
        "{ echo a; { echo b >&2; } 2>&1; } > f; cat f; (echo c; exec >> f; echo d); cat f",
        "echo a > f > g; cat f; echo -; cat g; cat < f < g",
        "exec > f; exec >&2; echo x; ls; cat f",
        "command exec 3> f; echo a >&3; cat f; command exec 9> none/f; echo goes on",
    ],
)
def test_it_writes_where_bash_writes(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outputs = []
    for command in (HELIOSH, ["bash", "--norc"]):
        os.chdir(tmp_path_factory.mktemp("same"))
        outputs.append(run(text, command).stdout)
    assert outputs[0] == outputs[1]


redirections = st.lists(
    st.sampled_from(
        [">a", "2>b", ">&2", "2>&1", "3>&1", "1>&3", "3>c", ">>a", "2>&-", "3>&-", "&>d", "<a", "1>&3-", "4>&2"]
    ),
    max_size=5,
).map(" ".join)


def told(text: str) -> str:
    """With both shells' words for a bad descriptor made the same."""
    text = re.sub(r"bash: redirection error: cannot duplicate fd: .*\n", "", text)  # said besides, for a group
    return re.sub(r"(?m)^.*: (\d: Bad file descriptor)\n(   1 \|.*\n +\| .*\n)?", r"\1\n", text)


@needs_bash
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["sh -c 'echo o; echo e >&2; echo t >&3'", "{ echo o; echo e >&2; echo t >&3; }"]), redirections)
def test_any_order_of_redirections_is_bashs(
    tmp_path_factory: pytest.TempPathFactory, command: str, redirection: str
) -> None:
    results = []
    for shell in (HELIOSH, ["bash", "--norc"]):
        os.chdir(tmp_path_factory.mktemp("same"))
        result = run(f": > a; {command} {redirection} 2>/dev/null || echo failed; echo after", shell)
        files = {path.name: told(path.read_text()) for path in Path().iterdir()}
        results.append((told(result.stdout), files))
    assert results[0] == results[1]


def test_redirections_of_builtins_are_undone_also_after_a_failure() -> None:
    text = "cd /none 2>/dev/null > x; echo > y; read z < none 2>/dev/null; cat < none 2>/dev/null"
    before, after = run(f"echo /proc/$$/fd/*; {text}; echo /proc/$$/fd/*").stdout.splitlines()
    assert before == after


def test_a_redirection_of_a_special_builtin_that_fails_ends_a_script() -> None:
    assert run(": < none; echo never").stdout == ""
    assert run("exec 3> none/f; echo never").stdout == ""
    assert run("command exec 3> none/f; echo goes on").stdout == "goes on\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo x > none/f", "none/f: No such file or directory"),
        ("cat < none", "none: No such file or directory"),
        ("echo x > /", "/: Is a directory"),
        ("echo x >&7", "7: Bad file descriptor"),
        ("x='a b'; echo x > $x", "ambiguous redirect"),
        ("echo x <&word", "word: ambiguous redirect"),
        ("set -C; > f; > f", "f: cannot overwrite existing file"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "/bin/{}"])
def test_a_redirection_that_fails_says_which_and_points_at_it(text: str, words: str, form: str) -> None:
    text = text.replace("echo x", form.format("echo") + " x").replace("cat <", form.format("cat") + " <")
    result = run(text + "; echo status $?")
    assert words in result.stderr
    assert "^" in result.stderr
    assert result.stdout == "status 1\n"


def test_a_redirection_that_fails_lets_the_program_not_run() -> None:
    assert run("sh -c 'echo never' < none > f; sh -c 'echo never' < none 2>&1; cat f").stdout == ""


def test_ctrl_c_gives_up_waiting_for_the_other_end_of_a_fifo(shell: ShellTerminal) -> None:
    os.mkfifo("fifo")
    for line in ("cat < fifo", "echo x > fifo", "{ echo x; } > fifo"):
        shell.send(line + "\n")
        shell.expect(line + "\r\n")
        shell.send("\x03")
        shell.expect(PROMPT)
    assert shell.run("echo alive") == "alive\n"


def test_a_background_job_waits_for_a_fifo_by_itself(shell: ShellTerminal) -> None:
    os.mkfifo("fifo")
    shell.run("cat < fifo > copy &")
    shell.run("echo through > fifo; wait")
    assert Path("copy").read_text() == "through\n"


def test_a_small_limit_of_descriptors_is_enough() -> None:
    assert (
        run("ulimit -n 32; echo a | cat; echo b > f; cat f; x=$(echo c); echo $x; cat <<< d").stdout == "a\nb\nc\nd\n"
    )


def test_standard_streams_that_were_closed_are_not_taken_for_something_else() -> None:
    text = "echo a | cat > f; cat f >&2; { echo b; } > g; cat g >&2; x=$(echo c); echo $x >&2"
    result = subprocess.run(
        ["bash", "-c", 'exec "$@" <&- >&-', "bash", *HELIOSH, "-c", text], capture_output=True, text=True, timeout=60
    )
    assert result.stderr == "a\nb\nc\n"
