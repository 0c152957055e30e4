"""Telling a process from a later one with the same pid."""

import asyncio
import os
import signal

import msgspec

from engine.containers.identity import boot_id, identify, open_process


async def test_a_process_keeps_its_identity_whatever_it_is_called() -> None:
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", "printf 'a) S 1' > /proc/self/comm; echo; read x", stdin=-1, stdout=-1
    )
    assert process.stdout is not None
    before = identify(process.pid)
    await process.stdout.readline()
    assert identify(process.pid) == before
    assert before is not None
    assert before.boot == boot_id()
    process.kill()
    await process.wait()
    assert identify(process.pid) is None
    assert open_process(before) is None


async def test_only_the_process_that_is_meant_is_opened() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "100")
    identity = identify(process.pid)
    assert identity is not None
    assert open_process(msgspec.structs.replace(identity, start=identity.start - 1)) is None
    assert open_process(msgspec.structs.replace(identity, boot="another")) is None
    pidfd = open_process(identity)
    assert pidfd is not None
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    assert await process.wait() == -signal.SIGKILL
