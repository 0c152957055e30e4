"""A launch for whose terminal the keeper has no descriptor left is ended, and the keeper goes on."""

from __future__ import annotations

import os
import resource
import signal
import socket

import pytest

from engine.keeper.held import Held, Launching


@pytest.mark.parametrize("room", range(4))
def test_a_terminal_for_which_descriptors_run_out_ends_its_launch(room: int) -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    ours, theirs = socket.socketpair()
    master, slave = os.openpty()
    socket.send_fds(theirs, [b"t"], [master])
    held = Held("a", pid, os.pidfd_open(pid), True)
    launching = Launching(held, 1, ours, memoryview(b""), "fast")
    highest = max(map(int, os.listdir("/proc/self/fd")))
    fillers = [os.dup(slave) for _ in range(highest - len(os.listdir("/proc/self/fd")) + 2)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(slave)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + room, hard))
    try:
        assert not launching.hear()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if room == 3:  # a terminal, and a pipe
        assert set(held.descriptors) == {"terminal", "relay_read", "relay_write"}
        os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PIDFD, held.pidfd, os.WEXITED | os.WNOWAIT)
    assert held.reap()
    assert held.status == signal.SIGKILL
    held.close()
    for fd in (*fillers, master, slave):
        os.close(fd)
    ours.close()
    theirs.close()
