"""A new network namespace that was furnished before the launch: the process has it from its beginning."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from engine.containers.container import Run
from engine.containers.keeper import Keeper
from engine.containers.namespaces import open_namespaces
from engine.protocol.messages import ContainerOptions
from engine.sandbox.build import launch_plan
from engine.sandbox.kernel import CLONE
from tests.engine.sandbox.conftest import Bundle, Result, finish

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="no iproute2 on this machine"),
]

MAPS = {"uid_map": ["0:200000:65536"], "gid_map": ["0:300000:65536"]}
FURNISH = "ip link add here type veth peer name there; echo ready; read end"
LOOK = "readlink /proc/self/ns/net; ls /sys/class/net; cat /proc/sys/net/ipv4/ip_default_ttl; id -u"


@asynccontextmanager
async def furnished(user: int | None) -> AsyncIterator[int]:
    """A namespace with an interface, made in `user`, a user namespace's descriptor, or in our own."""
    command = ["unshare", "-n", "sh", "-c", FURNISH]
    if user is not None:
        command = ["nsenter", f"--user=/proc/self/fd/{user}", *command]
    inherited = [user] if user is not None else []
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=inherited
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    descriptor = os.open(f"/proc/{process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    process.stdin.close()
    await process.wait()
    yield descriptor
    os.close(descriptor)


async def launch(keeper: Keeper, bundle: Bundle, **options: object) -> tuple[Result, str]:
    """What the container's program says, and the name of the namespace that it was given."""
    wanted = ContainerOptions(command=["/bin/sh", "-c", LOOK], sysctls={"net.ipv4.ip_default_ttl": "42"}, **options)  # type: ignore[arg-type]
    with ExitStack() as stack:
        spec, inputs = await open_namespaces(bundle.spec(wanted), _nobody, stack)
        async with furnished(inputs[0] if inputs else None) as network:
            plan = launch_plan(spec, bundle.root(), network=True)
            result = await finish(keeper, "c", plan, spec.process, [*inputs, network])
            return result, os.readlink(f"/proc/self/fd/{network}")


def _nobody(ref: str) -> Run:
    raise AssertionError(f"nobody asks for {ref}")


@pytest.mark.parametrize("options", [{}, MAPS], ids=["as root", "in a user namespace"])
async def test_a_program_lives_in_the_network_that_was_made_ready(
    keeper: Keeper, busybox: Bundle, options: dict[str, list[str]]
) -> None:
    result, inode = await launch(keeper, busybox, **options)
    assert result.failure is None
    assert result.output.split() == [inode, "here", "lo", "there", "42", "0"]


def test_what_is_ready_is_neither_made_nor_raised_again(busybox: Bundle) -> None:
    def steps(*, network: bool) -> list[str]:
        return [str(step) for step in launch_plan(spec, busybox.root(), network=network).steps]

    spec = busybox.spec(ContainerOptions(command=["true"]))
    alone, ready = steps(network=False), steps(network=True)
    assert [step for step in ready if "SIFFLAGS" in step] == []
    assert [step for step in ready if step.startswith("setns")] == [
        "setns(network namespace, NEWNET)  # enter the network namespace that was made ready outside"
    ]
    assert len(alone) == len(ready) + 1  # a socket and an ioctl the less, a setns the more
    assert not launch_plan(spec, busybox.root(), network=True).clone_flags & CLONE.NEWNET
