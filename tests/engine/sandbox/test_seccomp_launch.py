"""Real containers under their filters: the kernel says whether they hold."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from engine.containers.keeper import Keeper
from engine.images.image import Image
from engine.images.store import Images
from engine.protocol.messages import ContainerOptions
from engine.sandbox.syscalls import NUMBERS
from tests.engine.sandbox.conftest import Bundle, finish

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests"),
    pytest.mark.skipif(
        not os.path.exists("/usr/bin/python3"), reason="the programs inside are run by /usr/bin/python3"
    ),
]
PREAMBLE = """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *map(ctypes.c_long, arguments))
    return -ctypes.get_errno() if result < 0 else result
def i386(number):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes([0xB8]) + number.to_bytes(4, "little") + bytes([0xCD, 0x80, 0xC3]))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
KCMP_FILE = 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Made once: it takes longer than all that is done with it."""
    return asyncio.run(Images(tmp_path_factory.mktemp("images")).prepare("host"))


@pytest.fixture
def bundle(tmp_path: Path, image: Image) -> Bundle:
    return Bundle(tmp_path, image)


@pytest.fixture
def kernel_log() -> Iterator[IO[bytes]]:
    """/dev/kmsg, at its end."""
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("the kernel's log can't be read here")
    if "log" not in Path("/proc/sys/kernel/seccomp/actions_logged").read_text().split():
        pytest.skip("this kernel is told not to log what filters say")
    with open(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as log:
        log.seek(0, os.SEEK_END)
        yield log


def records(log: IO[bytes]) -> Iterator[bytes]:
    """What is in the kernel's log from here on; a read gives one record (Documentation/ABI/testing/dev-kmsg)."""
    with suppress(BlockingIOError):
        while record := log.read(8192):
            yield record


async def said(keeper: Keeper, bundle: Bundle, program: str, **options: Any) -> str:
    """What the program prints in a container of its own."""
    command = ["/usr/bin/python3", "-I", "-S", "-c", PREAMBLE + program]
    spec, plan = bundle.plan(ContainerOptions(command=command, **options))
    result = await finish(keeper, "c", plan, spec.process)
    assert result.failure is None, result.failure
    return f"{result.output}{result.errors}".strip() or f"status {result.status}"


def profile(*rules: dict[str, Any], default: str = ALLOW, **further: Any) -> str:
    return json.dumps({"defaultAction": default, "syscalls": rules, **further})


def refusing(name: str, *arguments: tuple[int, str, int], number: int = errno.EXDEV) -> dict[str, Any]:
    args = [{"index": index, "op": f"SCMP_CMP_{op}", "value": value} for index, op, value in arguments]
    return {"names": [name], "action": ERRNO, "errnoRet": number, "args": args}


KCMP = f"print(call({NUMBERS['kcmp']}, os.getpid(), os.getpid(), {KCMP_FILE}, 0, 0))"


async def test_the_default_filter_is_in_force(keeper: Keeper, bundle: Bundle) -> None:
    program = "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp')))"
    assert await said(keeper, bundle, program) == "2 1"


async def test_unconfined_and_privileged_have_none(keeper: Keeper, bundle: Bundle) -> None:
    program = "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp')))"
    assert await said(keeper, bundle, program, seccomp="unconfined") == "0 0"
    assert await said(keeper, bundle, program, privileged=True) == "0 0"


async def test_a_capability_opens_its_calls(keeper: Keeper, bundle: Bundle) -> None:
    assert await said(keeper, bundle, KCMP) == str(-errno.EPERM)
    assert await said(keeper, bundle, KCMP, cap_add=["SYS_PTRACE"]) == "0"


async def test_log_lets_through_what_the_default_refuses(keeper: Keeper, bundle: Bundle) -> None:
    assert await said(keeper, bundle, KCMP, seccomp="log") == "0"
    program = "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp')))"
    assert await said(keeper, bundle, program, seccomp="log") == "2 1"


async def test_what_log_lets_through_stands_in_the_kernels_log(
    keeper: Keeper, bundle: Bundle, kernel_log: IO[bytes]
) -> None:
    program = f"call({NUMBERS['kcmp']}, os.getpid(), os.getpid(), 99, 0, 0)"  # there is no type 99
    await said(keeper, bundle, program, seccomp="log")
    lines = b"".join(records(kernel_log)).decode()
    if "type=1326" not in lines:
        pytest.skip("the kernel's log leaves things out, as it may (audit's rate limit, or a daemon that has it)")
    assert f"syscall={NUMBERS['kcmp']} " in lines
    assert "code=0x7ffc0000" in lines


async def test_a_profile_of_ones_own_answers_with_its_errno(keeper: Keeper, bundle: Bundle) -> None:
    program = f"print(call({NUMBERS['umask']}, 18), call({NUMBERS['getpid']}) > 0)"
    assert await said(keeper, bundle, program, seccomp=profile(refusing("umask"))) == f"{-errno.EXDEV} True"


async def test_a_profile_looks_at_arguments(keeper: Keeper, bundle: Bundle) -> None:
    rules = [refusing("umask", (0, "GE", 0o70), (0, "LT", 0o77)), refusing("umask", (0, "EQ", 1), number=errno.EDOM)]
    program = (
        f"print(*(call({NUMBERS['umask']}, mask) < 0 and -call({NUMBERS['umask']}, mask) for mask in (1, 2, 56, 63)))"
    )
    # Conditions on one argument are alternatives, as runc has them: >= 0o70 or < 0o77 is every mask.
    assert await said(keeper, bundle, program, seccomp=profile(*rules)) == " ".join([str(errno.EXDEV)] * 4)
    (lone,) = rules[1:]
    assert await said(keeper, bundle, program, seccomp=profile(lone)) == f"{errno.EDOM} False False False"


async def test_a_killing_profile_kills(keeper: Keeper, bundle: Bundle) -> None:
    rule = {"names": ["umask"], "action": "SCMP_ACT_KILL_PROCESS"}
    # PID 1 of its namespace is killed by it all the same: it is no signal that could be ignored.
    assert await said(keeper, bundle, f"call({NUMBERS['umask']}, 18)", seccomp=profile(rule)) == "status 159"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
async def test_32_bit_programs_run_under_rules_of_their_own(keeper: Keeper, bundle: Bundle) -> None:
    assert await said(keeper, bundle, "print(i386(20) == os.getpid(), i386(21))") == f"True {-errno.EPERM}"  # mount
    only = profile(refusing("getpid"), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    assert await said(keeper, bundle, "print(i386(20), i386(21))", seccomp=only) == f"{-errno.EXDEV} {-errno.EFAULT}"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
async def test_a_profile_without_them_kills_32_bit_programs(keeper: Keeper, bundle: Bundle) -> None:
    assert await said(keeper, bundle, "i386(20)", seccomp=profile()) == "status 159"


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_ALG"])
async def test_a_socket_that_reaches_out_is_refused(keeper: Keeper, bundle: Bundle, family: str) -> None:
    number = {"AF_VSOCK": 40, "AF_ALG": 38}[family]
    program = f"print(call({NUMBERS['socket']}, {number}, 1, 0), call({NUMBERS['socket']}, 1, 1, 0) >= 0)"
    assert await said(keeper, bundle, program) == f"{-errno.EPERM} True"


async def test_flags_go_to_the_kernel(keeper: Keeper, bundle: Bundle) -> None:
    flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"]
    spec, plan = bundle.plan(ContainerOptions(command=["true"], seccomp=profile(flags=flags)))
    (step,) = (step for step in plan.steps if step.call == "seccomp")
    assert step.args[1] == 2 | 4
    assert (await finish(keeper, "c", plan, spec.process)).status == 0


async def test_without_no_new_privileges_the_filter_holds_too(keeper: Keeper, bundle: Bundle) -> None:
    options = {"no_new_privileges": False, "user": "1000"}
    program = (
        KCMP + "\nprint(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('NoNewPrivs')))"
    )
    assert await said(keeper, bundle, program, **options) == f"{-errno.EPERM}\n0"
