"""Ending a session: what a terminal emulator's closed window does, and more for those who do not listen.

Imports asyncio.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

from engine.receipts.steps import step
from engine.sessions import processes

PATIENCE = 2.0  # seconds that those have who were hung up on
DYING = 5.0  # and those who were killed


async def hang_up(leader: int) -> bool:
    """HUP and CONT to all process groups of the session, KILL to what is left a while later; whether all have ended."""
    members = await asyncio.to_thread(processes.of_session, leader)
    with step("kill", f"the process groups of session {leader}", "SIGHUP", "SIGCONT"):
        processes.signal_groups(members, signal.SIGHUP, signal.SIGCONT)
    with step("poll", f"pidfds of session {leader}", "until all have ended"):
        if await _ended(leader, PATIENCE):
            return True
    with step("kill", f"what is left of session {leader}", "SIGKILL"):
        processes.kill(await asyncio.to_thread(processes.of_session, leader))
    return await _ended(leader, DYING)


async def _ended(leader: int, patience: float) -> bool:
    """Wait until nobody of the session lives, for some seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while living := [p for p in await asyncio.to_thread(processes.of_session, leader) if p.state not in "ZX"]:
                await _end_of(living[0].pid)
            return True
    return False


async def _end_of(pid: int) -> None:
    """Until whoever has the pid now has ended (pidfd_open(2))."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
