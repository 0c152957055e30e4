"""kill and trap, beside bash's."""

from __future__ import annotations

import pytest

from tests.engine.shell.builtins.conftest import UNTIL_IT_WAITS, Heliosh, Same


def test_signals_are_listed_and_translated(same: Same) -> None:
    same(
        "kill -l; trap -l",
        "kill -l 9 137 KILL SIGTERM term 0; kill -l 200; echo $?; kill -l FOO; echo $?",
    )


def test_processes_are_sent_signals(same: Same) -> None:
    # 4194305: no pid is ever above PID_MAX_LIMIT, 4194304 (proc_sys_kernel(5)).
    same(
        "sleep 100 >&- & kill $!; wait $!; echo $?",
        "sleep 100 >&- & kill -9 $!; wait $!; echo $?",
        "sleep 100 >&- & kill -s KILL %1; wait %1; echo $?",
        "sleep 100 >&- & kill -n 15 $!; wait; sleep 100 >&- & kill -SIGTERM -- $!; wait $!; echo $?",
        "sleep 100 >&- & p=$!; sleep 100 >&- & kill %1 %2; wait $p; echo $?; wait $!; echo $?",
        "trap 'echo got it' USR1; kill -USR1 $BASHPID; echo after; kill -sUSR1 $BASHPID; echo $?",
        "kill -0 $$; echo $?; kill -n 0 $$; echo $?; kill -s 0 $$ 4194305; echo $?",
        "kill; echo $?; kill 4194305; echo $?; kill abc; echo $?; kill %3; echo $?; kill -FOO 1; echo $?",
    )


def test_a_whole_group_is_sent_a_signal(heliosh: Heliosh) -> None:
    ended = heliosh("set -m; sleep 100 >&- | sleep 100 >&- & kill -- -$(jobs -p %1); wait %1; echo $?")
    assert ended.out == "143\n"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("kill 4194305", "kill: (4194305) - No such process"),
        ("kill abc", "kill: abc: arguments must be process or job IDs"),
        ("kill %3", "kill: %3: no such job"),
        ("kill -FOO 1", "kill: FOO: invalid signal specification"),
        ("kill 99999999999999999999", "kill: (99999999999999999999) - No such process"),
        ("kill -l FOO", "kill: FOO: invalid signal specification"),
        ("trap x FOO", "trap: FOO: invalid signal specification"),
    ],
)
def test_what_can_not_be_sent_is_told(heliosh: Heliosh, line: str, sentence: str) -> None:
    ended = heliosh(line)
    assert ended.status == 1
    assert sentence in ended.err


def test_actions_are_run_and_listed(same: Same) -> None:
    same(
        "trap; trap 'echo bye' EXIT; trap -p; trap -p EXIT INT; echo x",
        "trap 'echo int' INT TERM; trap; trap - INT; trap -p; trap '' HUP; trap -p HUP; trap TERM; trap -p SIGHUP TERM",
        "trap x FOO; echo $?; trap 'echo a' 0 2 SIGUSR1 sigusr2 err; trap",
        'trap "echo it\\\\\'s" USR1; trap -p USR1; kill -USR1 $BASHPID; trap 10; trap',
        "trap 'echo err $?' ERR; false; true; false || true; (exit 3); echo x",
        "trap 'echo exit $?' 0; (exit 3); exit 5",
        "trap '' TERM; kill $BASHPID; echo alive; sh -c 'kill $$; echo alive'",
        "trap 'echo debug' DEBUG; echo a; trap - DEBUG; echo b",
        "trap -- '-x' USR1; trap; trap -- - USR1; trap",
        f"sleep 100 & p=$BASHPID; trap 'echo usr' USR1; ({UNTIL_IT_WAITS}; kill -USR1 $p) & wait %1; echo $?; kill %1",
    )
