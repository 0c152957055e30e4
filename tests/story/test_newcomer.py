"""The first hour: what the README promises, done by hand in a terminal."""

from __future__ import annotations

from tests.story.conftest import Person


def test_the_whole_story_in_the_console(anybody: Person) -> None:
    """Start a shell, type in it, detach, see it live, read its logs and its launch; leave, come back, stop, remove."""
    with anybody.console() as screen:
        screen.until("No containers yet")
        screen.type("n")
        screen.until("New container")
        screen.type("\r")
        screen.until(":/#", "has the keys")
        screen.type("echo $((6 * 7)) is the answer\r")
        screen.until("42 is the answer")
        screen.type("trap 'exit 3' TERM; cd /tmp\r")
        screen.until("/tmp#")
        screen.type("\x10\x11")  # Ctrl-P Ctrl-Q
        screen.until("has the keys", gone=True)
        screen.until("running", "/bin/", "2 Log")
        screen.type("2")
        screen.until("42 is the answer", "lines")
        screen.type("L")
        screen.until("prctl", "calls in")
        screen.type("i")
        screen.until('"restarts": 0')
        screen.type("q")
        assert screen.end() == 0
    (container,) = anybody.containers()
    assert container["status"] == "running"
    with anybody.console() as screen:
        screen.until(container["name"])
        screen.type("\r")
        screen.until("42 is the answer", "has the keys")
        screen.type("pwd\r")
        screen.until("\n/tmp\n")
        screen.type("while :; do sleep 0.1; done\r")
        screen.type("\x1d")  # Ctrl-]
        screen.until("has the keys", gone=True)
        screen.until("running", "2 Log")
        screen.type("S")
        screen.until("stopped")
        screen.type("d")
        screen.until("are lost", "Cancel")
        screen.type("y")
        screen.until("No containers yet")
        screen.type("q")
        assert screen.end() == 0
    assert anybody.containers() == []


def test_the_whole_story_on_the_command_line(anybody: Person) -> None:
    def ok(*words: str) -> str:
        result = anybody.heliostui(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    ok(
        "run",
        "-d",
        "--name",
        "clock",
        "host",
        "sh",
        "-c",
        "trap 'exit 3' TERM; echo tick; while :; do sleep 0.05; done",
    )
    assert "clock" in ok("ps")
    assert ok("exec", "clock", "echo", "inside") == "inside"
    while not (told := ok("logs", "clock")):  # it has not come that far
        pass
    assert told == "tick"
    assert "execve" in ok("inspect", "--launch", "clock")
    ok("stop", "clock")
    (container,) = anybody.containers()
    assert (container["status"], container["exit_code"]) == ("stopped", 3)
    ok("rm", "clock")
    assert anybody.containers() == []


def test_an_ordinary_user_is_root_inside_and_told_the_limits(ordinary: Person) -> None:
    inside = ordinary.heliostui("run", "--rm", "host", "id", "-u")
    assert (inside.returncode, inside.stdout) == (0, "0\n"), inside.stderr
    assert "limits" in ordinary.heliostui("doctor").stdout
    written = ordinary.heliostui("run", "--rm", "host", "sh", "-c", "echo x > /etc/x && cat /etc/x")
    assert (written.returncode, written.stdout) == (0, "x\n"), written.stderr
