"""Processes and changed files for root, and for an ordinary user, whose nice values only go up."""

from __future__ import annotations

import json
from itertools import count

from tests.story.conftest import Person

SCRIPT = (
    "echo x > /new; rm /etc/passwd; rm -r /etc/pam.d; mkdir /etc/pam.d; echo a > /etc/pam.d/mine; "
    "sleep 601 & echo ready; wait"
)


def ok(person: Person, *words: str) -> str:
    result = person.heliostui(*words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_what_was_changed_is_told_alike(anybody: Person) -> None:
    ok(anybody, "run", "--name", "web", "host", "sh", "-c", SCRIPT.replace("sleep 601 & echo ready; wait", ":"))
    told = set(ok(anybody, "diff", "web").splitlines())
    wanted = {"A /new", "C /etc", "D /etc/passwd", "C /etc/pam.d", "D /etc/pam.d/su", "A /etc/pam.d/mine"}
    assert wanted <= told
    assert not any(line[2:].startswith(("/proc", "/dev", "/sys")) for line in told)


def test_one_process_is_signalled_and_made_more_modest(anybody: Person) -> None:
    ok(anybody, "run", "-d", "--name", "web", "host", "sh", "-c", SCRIPT)

    def sleeper() -> dict[str, object] | None:
        rows = json.loads(ok(anybody, "top", "--format", "json", "web"))
        return next((row for row in rows if row["command"] == ["sleep", "601"]), None)

    row = next(found for _ in count() if (found := sleeper()) is not None)
    pid, own = str(row["pid"]), int(str(row["nice"]))  # as the tests are
    ok(anybody, "nice", "web", pid, str(own + 5))
    found = sleeper()
    assert found is not None
    assert found["nice"] == own + 5
    lower = anybody.heliostui("nice", "web", pid, str(own))
    if anybody.account.pw_uid == 0:
        assert lower.returncode == 0
    else:
        assert lower.returncode == 1
        assert "CAP_SYS_NICE" in lower.stderr
    ok(anybody, "signal", "--inside", "web", str(row["inner_pid"]), "KILL")
    assert ok(anybody, "wait", "web").strip() == "0"
