"""`heliostui run` and `exec` on pipes, with a real engine."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import PATIENCE, CommandLine

pytestmark = pytest.mark.timeout(120)


def shell(script: str, *options: str) -> list[str]:
    return ["run", "--rm", *options, "host", "sh", "-c", script]


def test_both_outputs_arrive_apart_and_the_exit_status_is_the_program_s(cli: CommandLine) -> None:
    result = cli(*shell("echo out; echo err >&2; exit 7"))
    assert (result.stdout, result.stderr, result.returncode) == ("out\n", "err\n", 7)


def test_a_program_that_a_signal_ends_has_the_status_of_a_shell(cli: CommandLine) -> None:
    assert cli(*shell("kill -s TERM $$", "--init")).returncode == 128 + signal.SIGTERM


def test_words_arrive_as_they_were_quoted(cli: CommandLine) -> None:
    assert cli.ok("run", "--rm", "host", "printf", "<%s>", "a  b", "", "'c'") == "<a  b><><'c'>"


def test_standard_input_goes_in_with_its_end(cli: CommandLine) -> None:
    assert cli.ok("run", "--rm", "-i", "host", "sort", stdin="b\na\n") == "a\nb"


def test_without_i_standard_input_is_empty(cli: CommandLine) -> None:
    assert cli.ok("run", "--rm", "host", "cat", stdin="unread\n") == ""


def test_ten_megabytes_arrive_whole_and_in_order(cli: CommandLine) -> None:
    expected = hashlib.sha256(b"".join(b"%d\n" % n for n in range(1, 1_500_001))).hexdigest()
    with cli.popen("run", "--rm", "host", "seq", "1500000", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert hashlib.file_digest(process.stdout, "sha256").hexdigest() == expected  # type: ignore[arg-type]
    assert process.returncode == 0


def test_megabytes_of_input_come_back_whole(cli: CommandLine) -> None:
    text = "".join(f"{n}\n" for n in range(300_000))
    assert cli("run", "--rm", "-i", "host", "cat", stdin=text).stdout == text


def test_the_options_reach_the_program(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "variables").write_text("# mine\nFROM_FILE=1 2\n")
    options = ["-e", "A=1", "--env-file", f"{tmp_path}/variables", "-w", "/tmp", "-h", "box", "-u", "65534:65534"]
    assert cli.ok(*shell('echo "$A|$FROM_FILE|$(pwd)|$(uname -n)|$(id -u)"', *options)) == "1|1 2|/tmp|box|65534"


def test_a_configuration_file_describes_a_container(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('image = "host"\ncommand = ["sh", "-c", "echo $WHO"]\nenv = ["WHO=me"]\n')
    assert cli.ok("run", "--rm", "--config", f"{tmp_path}/one.toml") == "me"
    assert cli.ok("run", "--rm", "--config", f"{tmp_path}/one.toml", "-e", "WHO=you") == "you"


def test_a_rootfs_is_run_and_not_written_to(cli: CommandLine, tmp_path: Path) -> None:
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        pytest.skip("this machine has no static busybox to make a root of")
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "busybox").write_bytes(busybox.read_bytes())
    (tree / "bin" / "busybox").chmod(0o755)
    script = "/bin/busybox touch /new && /bin/busybox ls /new"
    assert cli.ok("run", "--rm", "--rootfs", str(tree), "/bin/busybox", "sh", "-c", script) == "/new"
    assert sorted(path.name for path in tree.iterdir()) == ["bin"]


def test_in_the_background_the_id_is_printed(cli: CommandLine) -> None:
    identity = cli.ok("run", "-d", "--name", "background", "host", "sleep", "600")
    found = cli.containers()["background"]
    assert found["id"] == identity
    assert found["status"] == "running"
    assert cli.ok("rm", "-f", identity[:6]) == identity[:6]


def test_rm_leaves_nothing(cli: CommandLine) -> None:
    before = cli.containers()
    cli.ok(*shell("true"))
    assert cli.containers() == before


def receipts_of(cli: CommandLine, *words: str) -> list[tuple[str, str]]:
    """What a command line leaves: the kind of each request, and what came of it."""
    before = [receipt["number"] for receipt in cli.json("receipts", "--format", "json")]
    cli(*words)
    after = cli.json("receipts", "--format", "json")
    return [(each["request"]["type"], each["outcome"]) for each in after if each["number"] not in before]


def test_rm_is_done_by_the_engine_and_asked_for_by_nobody(cli: CommandLine) -> None:
    ran = [("create_container", "done"), ("attach", "done")]
    assert receipts_of(cli, *shell("true")) == ran
    assert receipts_of(cli, *shell("exit 3")) == ran
    refused = [("create_container", "done"), ("attach", "failed")]
    assert receipts_of(cli, "run", "--rm", "host", "no_such_program") == refused
    assert receipts_of(cli, "run", "host", "no_such_program") == [*refused, ("remove_container", "done")]


def test_leaving_a_container_with_rm_asks_for_no_removal(cli: CommandLine) -> None:
    before = len(cli.json("receipts", "--format", "json"))
    with cli.terminal("run", "--rm", "-it", "--name", "left", "host", "sh", "-c", "echo ready; cat") as terminal:
        terminal.until(b"ready")
        terminal.type(b"\x10\x11")
        assert terminal.end() == 0
    after = cli.json("receipts", "--format", "json")[before:]
    assert [each["request"]["type"] for each in after] == ["create_container", "attach"]
    cli.ok("rm", "-f", "left")


def test_a_container_with_rm_can_be_removed_by_force(cli: CommandLine) -> None:
    """Its end removes it as well, and whoever is first does it."""
    for _ in range(3):
        cli.ok("run", "-d", "--rm", "--name", "forced", "host", "sleep", "600")
        assert receipts_of(cli, "rm", "-f", "forced") == [("remove_container", "done")]
        assert "forced" not in cli.containers()


def test_without_rm_the_container_stays_with_its_status(cli: CommandLine) -> None:
    assert cli("run", "--name", "kept", "host", "sh", "-c", "exit 3").returncode == 3
    kept = cli.containers()["kept"]
    assert (kept["status"], kept["exit_code"]) == ("exited", 3)
    cli.ok("rm", "kept")


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["host", "no-such-command"], 127, "no-such-command"),
        (["host", "/etc/hostname"], 126, "/etc/hostname"),
        (["host", "/etc"], 126, "/etc"),
        (["no-such-image", "sh"], 125, "no-such-image"),
        (["--rootfs", "/not/there", "sh"], 125, "/not/there"),
        (["--rootfs", "/etc/passwd", "sh"], 125, "/etc/passwd"),
        (["-u", "no-such-user", "host", "sh"], 125, "no-such-user"),
        (["-w", "relative", "host", "sh"], 125, "relative"),
        (["--name", "bad name", "host", "sh"], 125, "bad name"),
    ],
)
@pytest.mark.parametrize("manner", [["-d"], []])
def test_what_can_not_start_is_one_sentence_and_leaves_nothing(
    cli: CommandLine, words: list[str], status: int, reason: str, manner: list[str]
) -> None:
    before = cli.containers()
    assert reason in cli.refused("run", *manner, *words, status=status)
    assert cli.containers() == before


def test_a_name_in_use_is_refused(cli: CommandLine, container: str) -> None:
    assert container in cli.refused("run", "--name", container, "host", "true", status=125)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on_to_the_program(cli: CommandLine, number: signal.Signals) -> None:
    script = "trap 'echo caught; exit 9' INT TERM HUP USR1; echo ready; while :; do sleep 0.1; done"
    with cli.popen(*shell(script), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.read() == b"caught\n"
    assert process.returncode == 9


def test_a_signal_is_passed_on_while_nobody_reads_the_output(cli: CommandLine) -> None:
    script = "trap 'kill $!; exit 9' TERM; yes & echo ready >&2; wait"
    with cli.popen(*shell(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == b"ready\n"
        process.stdout.read(1 << 20)
        process.send_signal(signal.SIGTERM)
        cli.ok("events", "--help")  # give it the time of a start-up
        while process.stdout.read(1 << 20):
            pass
    assert process.returncode == 9


def test_the_third_interrupt_leaves_a_program_that_does_not_listen(cli: CommandLine) -> None:
    words = ["run", "--name", "deaf", "host", "sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done"]
    with cli.popen(*words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    assert process.returncode == 130
    assert cli.containers()["deaf"]["status"] == "running"
    cli.ok("rm", "-f", "deaf")


def test_a_reader_that_goes_away_ends_the_command_quietly(cli: CommandLine) -> None:
    words = ["run", "--name", "endless", "host", "yes"]
    with cli.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
        assert process.stderr is not None
        assert process.stderr.read() == b""
    cli.ok("rm", "-f", "endless")


def test_exec_runs_another_program_beside(cli: CommandLine, container: str) -> None:
    result = cli("exec", "-e", "A=1", "-w", "/tmp", container, "sh", "-c", 'echo "$A $PWD"; echo err >&2; exit 5')
    assert (result.stdout, result.stderr, result.returncode) == ("1 /tmp\n", "err\n", 5)
    assert cli.ok("exec", "-i", container, "cat", stdin="in\n") == "in"


@pytest.mark.parametrize(("command", "status"), [("no-such-command", 127), ("/etc/hostname", 126)])
def test_exec_tells_what_is_wrong_with_a_command(cli: CommandLine, container: str, command: str, status: int) -> None:
    assert command in cli.refused("exec", container, command, status=status)


def test_exec_in_the_background_goes_on(cli: CommandLine, container: str) -> None:
    assert cli.ok("exec", "-d", container, "sleep", "601") == ""
    commands = [process["command"] for process in cli.json("top", "--format", "json", container)]
    assert ["sleep", "601"] in commands


def test_an_interrupted_exec_ends_its_program(cli: CommandLine, container: str) -> None:
    words = ["exec", container, "sh", "-c", "echo ready; exec sleep 602"]
    with cli.popen(*words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    with cli.popen("events", stdout=subprocess.DEVNULL) as events:  # one more client, for its round trip
        while ["sleep", "602"] in [p["command"] for p in cli.json("top", "--format", "json", container)]:
            pass
        events.terminate()


def test_start_with_attach_shows_the_output_again(cli: CommandLine) -> None:
    cli.ok("create", "--name", "again", "host", "sh", "-c", "echo hello; exit 4")
    for _ in range(2):
        result = cli("start", "-a", "again")
        assert (result.stdout, result.returncode) == ("hello\n", 4)
    cli.ok("rm", "again")


def test_a_foreground_run_outlives_the_engine(cli: CommandLine) -> None:
    script = "echo ready; read line; echo got $line; exit 6"
    words = ["run", "--rm", "-i", "--name", "survivor", "host", "sh", "-c", script]
    with cli.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(cli.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
        assert b"the engine was lost for a moment" in process.stderr.readline()
        process.stdin.write(b"it\n")
        process.stdin.close()
        assert process.stdout.readline() == b"got it\n"
    assert process.returncode == 6


def test_wait_asks_the_next_engine_when_one_is_lost(cli: CommandLine) -> None:
    cli.ok("create", "--name", "never_ran", "host", "true")
    cli.ok("run", "-d", "-i", "--name", "awaited", "host", "sh", "-c", "read line; exit 9")
    with cli.popen("wait", "never_ran", "awaited", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        os.kill(cli.json("engine", "status", "--format", "json")["pid"], signal.SIGKILL)
        cli("attach", "awaited", stdin="go on\n")
        assert process.stdout.readline() == b"9\n"
    assert process.returncode == 0
    cli.ok("rm", "never_ran", "awaited")
