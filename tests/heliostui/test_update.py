"""`run` with limits, and `update`: what was written to the kernel is printed."""

from __future__ import annotations

import pytest

from .conftest import CommandLine

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def limited(cli: CommandLine) -> str:
    found = {finding["name"]: finding for finding in cli.json("doctor", "--format", "json")}
    if found["limits"]["status"] == "missing" or "processes" not in found["limits"]["text"].partition("Not on")[0]:
        pytest.skip(found["limits"]["text"])
    cli.ok("run", "-d", "--name", "limited", "--pids-limit", "7", "host", "sleep", "600")
    return "limited"


def test_every_change_is_shown_as_it_was_written(cli: CommandLine, limited: str) -> None:
    assert cli.ok("update", "--pids-limit", "9", limited) == f"{limited}\n  pids.max: 9"
    assert cli.ok("update", "-q", "--pids-limit", "max", limited) == limited
    (detail,) = cli.json("inspect", limited)
    assert detail["options"]["limits"]["pids"] == -1
    assert detail["state"]["oom_killed"] is False
    assert cli.ok("update", "--pids-limit", "max", limited) == limited  # it is so already
    cli.ok("rm", "-f", limited)


def test_nonsense_is_refused(cli: CommandLine) -> None:
    assert "name a limit" in cli.refused("update", "web", status=2)
    assert "no size" in cli.refused("update", "--memory", "lots", "web", status=2)
    assert "not_there" in cli.refused("update", "--memory", "64m", "not_there", status=1)
    assert "6 MiB are the least" in cli.refused("create", "-m", "1m", "host", "true", status=125)
