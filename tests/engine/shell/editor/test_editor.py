"""What it is like to type at heliosh."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import stat
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.shell.editor.conftest import Typist

Typists = Callable[..., "Typist"]


def history_of(directory: Path) -> list[str]:
    lines = (directory / "state/heliostui/heliosh_history").read_text().splitlines()
    return [line for line in lines if not re.fullmatch("#[0-9]+", line)]


# --- lines ---


def test_a_line_is_run_and_the_next_prompt_comes(typist: Typist) -> None:
    assert typist.run("echo hello") == ["hello"]
    assert typist.run("echo $?") == ["0"]


def test_output_without_a_newline_is_not_written_over(typist: Typist) -> None:
    typist.type("printf 'no newline'\r")
    typist.see("ready> printf 'no newline'", "no newline⏎", "ready>")


def test_an_unfinished_command_goes_on_in_the_next_line(typist: Typist) -> None:
    typist.type("echo 'one\r")
    typist.see("ready> echo 'one", "more>")
    typist.type("two'\r")
    typist.see("ready> echo 'one", "more> two'", "one", "two", "ready>")
    typist.type("echo a |\rcat\r")
    typist.see("ready> echo a |", "more> cat", "a", "ready>")


def test_a_wrong_command_is_told_at_once(typist: Typist) -> None:
    assert typist.run("echo )") == [
        "heliosh:1:6: this ) closes nothing",
        "   1 | echo )",
        "     |      ^",
    ]


def test_ctrl_c_gives_the_line_up(typist: Typist) -> None:
    typist.type("echo never\x03")
    typist.see("ready> echo never", "ready>")
    assert typist.run("echo $?") == ["130"]


def test_ctrl_d_ends_the_shell_at_an_empty_line_only(typist: Typist) -> None:
    typist.type("echo x\x1b[D\x04\r")
    typist.see("ready> echo", "", "ready>")
    typist.type("\x04")
    assert typist.program.end() == 0


def test_ctrl_d_is_ignored_where_that_is_asked(typist: Typist) -> None:
    typist.run("set -o ignoreeof")
    typist.type("\x04")
    typist.see('Use "exit" to leave the shell.', "ready>")


def test_what_is_typed_behind_a_line_is_for_the_program_that_it_starts(typist: Typist) -> None:
    typist.type("head -n 1; echo done\rfor head\n")
    typist.see("for head", "done", "ready>")


def test_the_terminal_is_in_order_while_a_program_runs(typist: Typist) -> None:
    typist.type("stty -a | grep -o -w -e '[-]*icanon' -e '[-]*echo' -e '[-]*isig'\r")
    typist.see("isig", "icanon", "echo", "ready>")


def test_a_paste_of_several_lines_is_one_text_that_is_not_run_yet(typist: Typist) -> None:
    typist.type("\x1b[200~echo 1\necho 2\x1b[201~")
    typist.see("ready> echo 1", "more> echo 2")
    typist.type("\r")
    typist.see("1", "2", "ready>")


def test_a_hang_up_ends_the_shell(typist: Typist) -> None:
    pid = typist.program.pid
    typist.type("echo half")
    typist.see("ready> echo half")
    typist.program.hang_up()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGHUP
    typist.program.pid = 0


def test_a_new_size_is_taken_up_and_the_line_stays(typist: Typist) -> None:
    typist.type("echo some words")
    typist.see("ready> echo some words")
    fcntl.ioctl(typist.program.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 20, 0, 0))
    typist.terminal.resize(20, 40)
    typist.type(" more")
    typist.see("ready> echo some wor", "ds more")
    typist.type("\r")
    typist.see("some words more", "ready>")
    typist.type("echo $COLUMNS $LINES\r")
    typist.see("20 30", "ready>")


def test_an_interrupt_from_elsewhere_is_a_ctrl_c(typist: Typist) -> None:
    typist.type("echo never")
    typist.see("ready> echo never")
    os.kill(typist.program.pid, signal.SIGINT)
    typist.see("ready> echo never", "ready>")
    typist.type("sleep 100\r")
    typist.program.until(lambda: typist.program.foreground() != typist.program.pid)
    typist.type("\x03")
    typist.see("^C", "ready>")
    assert typist.run("echo $?") == ["130"]


def test_ctrl_z_does_nothing_to_a_line(typist: Typist) -> None:
    typist.type("echo a\x1ab\r")
    typist.see("ready> echo ab", "ab", "ready>")


def test_read_only_variables_are_no_hindrance(typist: Typist) -> None:
    typist.run("readonly COLUMNS LINES")
    assert typist.run("echo on") == ["on"]


# --- jobs and the line ---


def test_a_notice_leaves_the_line_that_is_typed_alone(typist: Typist) -> None:
    typist.run("set -b")
    typist.type("sleep 100 & \r")
    typist.see_somewhere("[1]")
    typist.type("echo kept")
    typist.see("ready> echo kept")
    match = re.search(r"^\[1\] (\d+)$", "\n".join(typist.screen()), re.MULTILINE)
    assert match
    os.kill(int(match[1]), signal.SIGTERM)
    typist.program.until(lambda: "Terminated" in (rows := typist.screen())[-2] and rows[-1] == "ready> echo kept")
    typist.type("\r")
    typist.see("kept", "ready>")


@pytest.mark.parametrize("key", ["\x1b[24;2~", "\x1bq"])
def test_a_line_is_pushed_away_and_comes_back_at_the_next_prompt(typist: Typist, key: str) -> None:
    typist.type("echo first" + key)
    typist.see("ready>")
    typist.type("echo second\r")
    typist.see("second", "ready> echo first")
    typist.type("\r")
    typist.see("first", "ready>")


def test_a_search_and_a_multi_line_text_can_be_pushed_away_too(typist: Typist) -> None:
    typist.run("echo old")
    typist.type("\x12ol")
    typist.see_somewhere("I-search")
    typist.type("\x1b[24;2~echo new\r")
    typist.see_somewhere("new")
    typist.type("\x15echo 'a\rb\x1b[24;2~echo between\r")
    typist.see("between", "ready> echo 'a", "more> b")


# --- history ---


def test_lines_come_back_by_key(typist: Typist) -> None:
    typist.run("echo one")
    typist.run("true")
    typist.type("\x1b[A")
    typist.see("ready> true")
    typist.type("\x1b[A")
    typist.see("ready> echo one")
    typist.type("\x03")
    typist.see("ready> echo one", "ready>")
    typist.type("ec\x1b[A\r")
    typist.see("ready> echo one", "one", "ready>")
    typist.type("cat \x1b.")
    typist.see("ready> cat one")


def test_a_line_is_found_by_a_part_of_it_and_run(typist: Typist) -> None:
    for line in ("echo needle", "echo hay", "true"):
        typist.run(line)
    typist.type("\x12needl")
    typist.see_somewhere("ready> echo needle")
    typist.type("\r")
    typist.see("ready> echo needle", "needle", "ready>")


def test_a_line_that_was_found_can_be_changed(typist: Typist) -> None:
    typist.run("echo needle")
    typist.type("\x12needl\x05s")
    typist.see("ready> echo needles")
    typist.type("\x03")
    typist.see("ready>")
    typist.type("\x12needl\x1b[Cx\r")
    typist.see_somewhere("\nnxeedle")


def test_the_rest_of_an_earlier_line_is_suggested(typist: Typist) -> None:
    typist.run("echo suggestion")
    typist.type("echo s")
    typist.see("ready> echo suggestion")
    typist.type("\x1b[C\r")
    typist.see("ready> echo suggestion", "suggestion", "ready>")


def test_history_is_expanded_and_shown(typist: Typist) -> None:
    typist.run("echo a b")
    typist.type("echo !$ '!$'\r")
    typist.see("ready> echo b '!$'", "b !$", "ready>")
    typist.type("!?a b?:s/a/x/\r")
    typist.see("ready> echo x b", "x b", "ready>")
    typist.type("^x^y\r")
    typist.see("ready> echo y b", "y b", "ready>")


def test_what_is_not_in_the_history_is_said_and_the_line_stays(typist: Typist) -> None:
    typist.type("echo !nope\r")
    hint = "     = history lists the lines; a ! after a \\ is only a !"
    typist.see(
        "history:1:6: !nope: event not found", "   1 | echo !nope", "     |      ^^^^^", hint, "ready> echo !nope"
    )
    typist.type("\x15set +H\r")
    typist.see("ready> set +H", "ready>")
    assert typist.run("echo !nope") == ["!nope"]


def test_history_in_a_later_line_knows_the_quotes_above(typist: Typist) -> None:
    typist.run("true")
    typist.type("echo '\r!!'\r")
    typist.see("ready> echo '", "more> !!'", "", "!!", "ready>")
    typist.type("echo !-2 '\r!!'\r")
    typist.see("ready> echo true '", "more> !!'", "true", "!!", "ready>")


def test_a_line_can_be_shown_without_being_run(typist: Typist) -> None:
    typist.run("echo x")
    typist.type("!!:s/x/y/:p\r")
    typist.see("echo y", "ready>")
    typist.type("!!\r")
    typist.see("ready> echo y", "y", "ready>")


def test_the_history_is_kept_for_the_next_shell(typists: Typists, tmp_path: Path) -> None:
    first = typists()
    first.run("echo 'x\x1b\ry'")
    first.run(" echo secret")
    first.run("true")
    first.run("true")
    assert [line.split(maxsplit=1)[1] for line in first.run("history")[:1]] == ["echo 'x"]
    first.type("exit\r")
    first.program.end()
    assert history_of(tmp_path) == ["echo 'x", "y'", "true", "history", "exit"]
    mode = stat.S_IMODE(os.stat(tmp_path / "state/heliostui/heliosh_history").st_mode)
    assert mode == 0o600
    second = typists()
    second.type("\x1b[A\x1b[A\x1b[A\x1b[A\r")
    second.see("ready> echo 'x", "more> y'", "x", "y", "ready>")


def test_shells_add_to_the_same_file(typists: Typists, tmp_path: Path) -> None:
    first, second = typists(), typists()
    first.run("echo 1")
    second.run("echo 2")
    first.run("echo 3")
    assert history_of(tmp_path) == ["echo 1", "echo 2", "echo 3"]
    assert "echo 2" not in "\n".join(first.run("history"))


def test_a_history_that_cannot_be_kept_is_no_hindrance(typists: Typists, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    typist = typists()
    for word in ("once", "twice"):
        assert typist.run(f"echo {word}")[-1] == word
    assert "\n".join(typist.screen()).count("the history can't be kept there") == 1
    assert typist.run("history") == ["    1  echo once", "    2  echo twice", "    3  history"]


# --- keys ---


def test_vi_keys(typist: Typist) -> None:
    typist.run("set -o vi")
    typist.type("echo abc\x1b")
    typist.type("0wcwxyz\r")
    typist.see("xyz", "ready>")
    typist.type("echo a\x1b\x1b[24;2~echo b\r")
    typist.see("b", "ready> echo a")
    typist.type("\x03")
    typist.see("ready> echo a", "ready>")
    typist.run("set -o emacs")
    typist.type("echo abc\x01\x1bdprintf\r")
    typist.see("ready> printf abc", "abc⏎", "ready>")


def test_another_editor_can_be_used_for_a_line(typists: Typists, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/this/that; echo more/' \"$1\"\n")
    editor.chmod(0o755)
    typist = typists(EDITOR=str(editor))
    typist.type("echo this\x18\x05")
    typist.see("ready> echo this", "echo that; echo more", "that", "more", "ready>")
    assert history_of(tmp_path) == ["echo that; echo more"]


def test_an_editor_that_fails_runs_nothing(typists: Typists) -> None:
    typist = typists(EDITOR="false")
    typist.type("echo this\x18\x05")
    typist.see("ready> echo this", "ready>")


# --- prompts and marks ---


def test_a_prompt_has_the_escapes_of_bash(typists: Typists) -> None:
    typist = typists(prompt=None, PS1=r"\[\e]0;title\a\e[32m\]\W \$ $(echo run) \j\[\e[0m\]> ", PS2=r"\w| ")
    typist.see(f"~ {'#' if os.geteuid() == 0 else '$'} run 0>")
    assert typist.terminal.title == "title"
    assert typist.terminal.row(0).spans()[0][1].foreground == 2
    typist.type("echo '\r")
    typist.see_somewhere("~|")


def test_the_default_prompt_tells_directory_failure_and_jobs(typists: Typists) -> None:
    typist = typists(prompt=None, PS1="")
    sign = "#" if os.geteuid() == 0 else "❯"
    typist.see(f"~ {sign}")
    typist.type("false\r")
    typist.see(f"~ ✗ 1 {sign}")
    typist.type("sleep 100 &\r")
    typist.see(f"~ 1 job {sign}")
    typist.type("cd /usr/bin\r")
    typist.see(f"/usr/bin 1 job {sign}")


def test_the_terminal_is_told_where_prompts_and_output_begin(typist: Typist) -> None:
    typist.run("cd /tmp && false")
    typist.program.until(lambda: typist.program.screen.count("133;B") == 2)
    written = typist.program.screen
    told = re.findall(r"\x1b\](133;[^\x07]*|7;[^\x07]*|2;[^\x07]*)\x07", written)
    host = os.uname().nodename
    assert [each for each in told if each.startswith("133")] == [
        "133;A", "133;B", "133;C", "133;D;1", "133;A", "133;B",
    ]  # fmt: skip
    assert f"7;file://{host}/tmp" in told
    assert told[told.index("133;C") - 1] == "2;cd /tmp && false"
    assert typist.terminal.directory == "/tmp"
    prompts = [y for y in range(40) if typist.terminal.row(y).prompt]
    assert [typist.terminal.row(y).text.rstrip() for y in prompts] == ["ready> cd /tmp && false", "ready>"]


def test_colours_tell_what_is_wrong_before_it_is_run(typist: Typist) -> None:
    (Path.cwd() / "file").touch()
    typist.type("echo file; nosuch 'x'")
    typist.see("ready> echo file; nosuch 'x'")
    row = typist.terminal.row(0)
    styles = dict(row.spans())
    assert any("nosuch" in text and style.foreground == 1 for text, style in styles.items())
    assert any("echo" in text and style.foreground == 2 for text, style in styles.items())
    assert any("file" in text and style.underline for text, style in styles.items())
