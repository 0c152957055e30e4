"""Programs of the host on terminals of their own; as root, and as an ordinary user, whose keeper is in a namespace."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.containers.keeper import Held, HostProgram, Keeper
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from tests.engine.conftest import KeeperProcess

NOBODY = 65534


@pytest.fixture(params=["root", "ordinary"])
async def own_keeper(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KeeperProcess]:
    """A keeper of root's, and one of an ordinary user's."""
    if os.geteuid() != 0 and request.param == "root":
        pytest.skip("needs root")
    ordinary = os.geteuid() == 0 and request.param == "ordinary"
    process = KeeperProcess(tmp_path, become=NOBODY if ordinary else None)
    yield process
    process.close()


def program(*command: str, workdir: str = "/", env: tuple[str, ...] = ("PATH=/usr/bin:/bin",)) -> HostProgram:
    return HostProgram(list(command), list(env), workdir, 100, 30)


async def read(held: Held) -> str:
    """All that it shows, to its end."""
    assert held.descriptors.terminal is not None
    os.set_blocking(held.descriptors.terminal, True)
    shown = b""
    while True:
        try:
            shown += await asyncio.to_thread(os.read, held.descriptors.terminal, 65536)
        except OSError:  # EIO: nobody has it open
            return shown.decode().replace("\r\n", "\n")


async def until(held: Held, text: bytes) -> bytes:
    assert held.descriptors.terminal is not None
    os.set_blocking(held.descriptors.terminal, True)
    shown = b""
    while text not in shown:
        shown += await asyncio.to_thread(os.read, held.descriptors.terminal, 65536)
    return shown


async def shut_down(keeper: Keeper, process: KeeperProcess) -> None:
    for held in list(keeper.held.values()):
        held.signal(signal.SIGKILL)
        await keeper.ended(held.key)
        await keeper.forget(held.key)
    await keeper.shutdown()
    keeper.close()
    assert process.engine is not None
    process.engine.close()
    assert await asyncio.to_thread(process.process.wait, 20) == 0


async def test_the_program_leads_a_session_that_has_the_terminal(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    held = await keeper.spawn("terminal/t1", program("sh", "-c", "tty; stty size; cat /proc/$$/stat; exec <&-; exit 7"))
    shown = (await read(held)).splitlines()
    assert re.fullmatch(r"/dev/pts/\d+", shown[0])
    assert shown[1] == "30 100"
    pgid, session, tty, foreground = shown[2].rpartition(")")[2].split()[2:6]
    assert pgid == session == foreground == str(held.pid)
    assert tty != "0"
    assert await keeper.ended("terminal/t1") == 7 << 8
    await shut_down(keeper, own_keeper)


async def test_it_is_the_users_own_outside_of_any_namespace(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    script = "id -u; readlink /proc/self/ns/user /proc/self/ns/mnt; cat /proc/self/uid_map"
    held = await keeper.spawn("terminal/t1", program("sh", "-c", script))
    uid, user, mounts, uid_map = (await read(held)).splitlines()
    assert int(uid) == own_keeper.uid
    assert [user, mounts] == [os.readlink(f"/proc/self/ns/{name}") for name in ("user", "mnt")]
    assert uid_map.split() == Path("/proc/self/uid_map").read_text().split()
    await shut_down(keeper, own_keeper)


async def test_it_has_no_descriptor_signal_or_variable_of_the_keepers(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    script = "ls /proc/self/fd | wc -l; while read l; do case $l in Sig[BIC]*) echo $l;; esac; done </proc/self/status"
    script += "; env; pwd"
    env = ("PATH=/usr/bin:/bin", "A=b=c")
    held = await keeper.spawn("terminal/t1", program("/bin/sh", "-c", script, workdir="/usr", env=env))
    descriptors, *signals = (await read(held)).splitlines()
    rest = signals[3:]
    assert int(descriptors) == 4  # ls has the directory open
    blocked, ignored, caught = (int(line.split()[1], 16) for line in signals[:3])
    # The GNU C library's posix_spawn lets those two be ignored that it keeps to itself (nptl(7)).
    assert (blocked, ignored & ~(3 << 31)) == (0, 0)
    assert caught & ~(1 << signal.SIGCHLD - 1 | 1 << signal.SIGINT - 1) == 0  # the shell's own
    assert sorted(line for line in rest if not line.startswith(("_=", "OLDPWD="))) == [
        "/usr", "A=b=c", "PATH=/usr/bin:/bin", "PWD=/usr",
    ]  # fmt: skip
    await shut_down(keeper, own_keeper)


async def test_erasing_takes_whole_characters(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    held = await keeper.spawn("terminal/t1", program("sh", "-c", "stty -a"))
    assert "iutf8" in (await read(held)).split()
    await shut_down(keeper, own_keeper)


@pytest.mark.parametrize(
    ("given", "code", "sentence"),
    [
        (program("no-such"), ErrorCode.COMMAND_NOT_FOUND, 'command "no-such" was not found on its PATH'),
        (program("/no/such"), ErrorCode.COMMAND_NOT_FOUND, 'command "/no/such" was not found'),
        (program("/etc/passwd"), ErrorCode.COMMAND_NOT_EXECUTABLE, 'command "/etc/passwd" can\'t be executed: Perm'),
        (program("/usr"), ErrorCode.COMMAND_NOT_EXECUTABLE, 'command "/usr" can\'t be executed: Permission denied'),
        (program("passwd", env=("PATH=/usr:/etc",)), ErrorCode.COMMAND_NOT_EXECUTABLE, "Permission denied"),
        (program("true", workdir="/no"), ErrorCode.LAUNCH_FAILED, 'working directory "/no": No such file or directory'),
        (program("true", env=("nonsense",)), ErrorCode.INVALID, "environment"),
        (program("true", "\0"), ErrorCode.INVALID, "null byte"),
    ],
)
async def test_what_can_not_be_started_is_refused_in_words(
    own_keeper: KeeperProcess, given: HostProgram, code: ErrorCode, sentence: str
) -> None:
    keeper = await own_keeper.connect()
    before = descriptors(own_keeper)
    with pytest.raises(EngineError, match=re.escape(sentence)) as refusal:
        await keeper.spawn("terminal/t1", given)
    assert refusal.value.code == code
    assert (keeper.held, descriptors(own_keeper)) == ({}, before)
    await shut_down(keeper, own_keeper)


async def test_terminal_and_exit_status_outlive_the_engine(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    before = descriptors(own_keeper)
    held = await keeper.spawn("terminal/t1", program("sh", "-c", "echo up; read line; exit $line"))
    await until(held, b"up")
    own_keeper.kill_engine(keeper)
    keeper = await own_keeper.connect()
    held = keeper.held["terminal/t1"]
    assert held.tty
    assert held.wait_status is None
    assert held.descriptors.terminal is not None
    os.write(held.descriptors.terminal, b"44\r")
    assert await keeper.ended("terminal/t1") == 44 << 8
    own_keeper.kill_engine(keeper)
    keeper = await own_keeper.connect()
    assert await keeper.ended("terminal/t1") == 44 << 8
    await keeper.forget("terminal/t1")
    await keeper.spawn("terminal/t2", program("true"))  # answered after it has forgotten
    await keeper.ended("terminal/t2")
    await keeper.forget("terminal/t2")
    with pytest.raises(EngineError):
        await keeper.spawn("terminal/t3", program("no-such"))
    assert descriptors(own_keeper) == before
    assert zombies(own_keeper) == []
    await shut_down(keeper, own_keeper)


async def test_death_by_a_signal_is_told(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    await keeper.spawn("terminal/t1", program("sh", "-c", "kill -SEGV $$"))
    assert os.WTERMSIG(await keeper.ended("terminal/t1")) == signal.SIGSEGV
    await shut_down(keeper, own_keeper)


async def test_when_the_keeper_is_killed_its_terminals_hang_up(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    held = await keeper.spawn("terminal/t1", program("sleep", "1000"))
    assert held.descriptors.terminal is not None
    pidfd = os.dup(held.pidfd)
    own_keeper.process.kill()
    keeper.close()  # it has the terminal open, too
    await asyncio.wait_for(gone(pidfd), 20)
    os.close(pidfd)


async def test_the_same_key_twice_is_refused(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    one, two = program("sleep", "1000"), program("sleep", "1000")
    results = await asyncio.gather(
        keeper.spawn("terminal/t1", one), keeper.spawn("terminal/t1", two), return_exceptions=True
    )
    assert isinstance(results[1], EngineError)
    assert "already" in results[1].message
    assert list(keeper.held) == ["terminal/t1"]
    await shut_down(keeper, own_keeper)


async def test_when_descriptors_run_out_nothing_is_left_half_open(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    before = descriptors(own_keeper)
    try:
        limits = resource.prlimit(own_keeper.process.pid, resource.RLIMIT_NOFILE)
    except PermissionError:
        await shut_down(keeper, own_keeper)
        pytest.skip("the limits of a process in another user namespace need CAP_SYS_RESOURCE there")
    for more in range(1, 6):  # master, slave, two ends of the relay, pidfd
        limit = max(before) + more
        resource.prlimit(own_keeper.process.pid, resource.RLIMIT_NOFILE, (limit, limits[1]))
        with pytest.raises(EngineError, match="Too many open files"):
            await keeper.spawn("terminal/t1", program("sleep", "1000"))
        assert descriptors(own_keeper) == before
    resource.prlimit(own_keeper.process.pid, resource.RLIMIT_NOFILE, limits)
    await keeper.spawn("terminal/t1", program("true"))
    await keeper.ended("terminal/t1")
    assert zombies(own_keeper) == []
    await shut_down(keeper, own_keeper)


async def test_without_the_process_outside_terminals_go_on_and_new_ones_are_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs an ordinary user and another to watch")
    process = KeeperProcess(tmp_path, become=NOBODY)
    keeper = await process.connect()
    held = await keeper.spawn("terminal/t1", program("sh", "-c", "echo up; read line; exit 3"))
    await until(held, b"up")
    (outside,) = process.children() - {process.engine_pid}
    os.kill(outside, signal.SIGKILL)
    assert held.descriptors.terminal is not None
    with pytest.raises(EngineError, match="gone"):
        await keeper.spawn("terminal/t2", program("true"))
    os.write(held.descriptors.terminal, b"\r")
    assert await keeper.ended("terminal/t1") == 255 << 8  # nobody knows
    assert process.children() == {process.engine_pid}
    await shut_down(keeper, process)
    process.close()


async def test_a_new_terminal_has_the_kernels_modes(own_keeper: KeeperProcess) -> None:
    keeper = await own_keeper.connect()
    held = await keeper.spawn("terminal/t1", program("sleep", "1000"))
    assert held.descriptors.terminal is not None
    modes = termios.tcgetattr(held.descriptors.terminal)
    assert modes[3] & termios.ECHO
    assert modes[3] & termios.ICANON
    assert modes[6][termios.VERASE] == b"\x7f"
    await shut_down(keeper, own_keeper)


def descriptors(keeper: KeeperProcess) -> list[int]:
    return sorted(int(name) for name in os.listdir(f"/proc/{keeper.process.pid}/fd"))


def zombies(keeper: KeeperProcess) -> list[int]:
    """Of the keeper's descendants."""
    found, waiting = [], keeper.children()
    while waiting:
        pid = waiting.pop()
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            found.append(pid)
        waiting |= children(pid)
    return found


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def gone(pidfd: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pidfd, ended.set)
    await ended.wait()
    asyncio.get_running_loop().remove_reader(pidfd)
