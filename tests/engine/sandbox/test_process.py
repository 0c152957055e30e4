"""What a program begins with: limits, priorities, kernel settings, keys, capabilities."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from engine.containers.keeper import Keeper
from engine.protocol.messages import ContainerOptions, Scheduler
from engine.sandbox.build import launch_plan
from engine.sandbox.capabilities import NUMBERS as CAPABILITIES
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS
from engine.spec.structs import Capabilities, MemoryPolicy
from tests.engine.conftest import KeeperProcess
from tests.engine.sandbox.conftest import Bundle, Result, finish

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")


async def run(keeper: Keeper, bundle: Bundle, script: str, **options: object) -> Result:
    spec = bundle.spec(msgspec.convert({"command": ["/bin/sh", "-c", script], **options}, ContainerOptions))
    result = await finish(keeper, "c", launch_plan(spec, bundle.root()), spec.process)
    assert result.failure is None, result.failure
    return result


async def status_of(keeper: Keeper, bundle: Bundle, **options: object) -> dict[str, str]:
    result = await run(keeper, bundle, "cat /proc/self/status", **options)
    return dict(line.split(":\t", 1) for line in result.output.splitlines() if ":\t" in line)


async def test_limits_of_resources_are_set(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "cat /proc/self/limits", ulimits=["nofile=100:200", "core=0"])
    limits = {line[:26].strip(): line[26:].split()[:2] for line in result.output.splitlines()}
    assert limits["Max open files"] == ["100", "200"]
    assert limits["Max core file size"] == ["0", "0"]


async def test_the_oom_score_is_the_programs_and_not_the_keepers(
    keeper: Keeper, keeper_process: KeeperProcess, busybox: Bundle
) -> None:
    before = Path(f"/proc/{keeper_process.process.pid}/oom_score_adj").read_text()
    result = await run(keeper, busybox, "cat /proc/self/oom_score_adj", oom_score_adj=321)
    assert result.output == "321\n"
    assert Path(f"/proc/{keeper_process.process.pid}/oom_score_adj").read_text() == before


@pytest.mark.parametrize(("name", "value"), [("net.ipv4.ip_forward", "1"), ("kernel.msgmax", "4321")])
async def test_kernel_settings_hold_inside_and_only_there(
    keeper: Keeper, busybox: Bundle, name: str, value: str
) -> None:
    path = Path("/proc/sys", name.replace(".", "/"))
    before = path.read_text()
    result = await run(
        keeper, busybox, f"cat {path}; (echo 7 > {path}) 2>/dev/null || echo refused", sysctls={name: value}
    )
    assert result.output.split() == [value, "refused"]
    assert path.read_text() == before


async def test_further_groups_and_the_umask(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["sh", "-c", "umask; grep Groups /proc/self/status"], umask="027"))
    user = msgspec.structs.replace(spec.process.user, additional_gids=[7, 4242])
    spec = msgspec.structs.replace(spec, process=msgspec.structs.replace(spec.process, user=user))
    result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process)
    assert result.output.split() == ["0027", "Groups:", "7", "4242"]


@pytest.mark.parametrize(
    ("wanted", "policy", "priority"),
    [
        (Scheduler(policy="batch", nice=5), 3, 0),
        (Scheduler(policy="idle"), 5, 0),
        (Scheduler(policy="fifo", priority=7), 1, 7),
        (Scheduler(policy="other", nice=-3), 0, 0),
    ],
)
async def test_it_is_scheduled_as_wanted(
    keeper: Keeper, busybox: Bundle, wanted: Scheduler, policy: int, priority: int
) -> None:
    result = await run(keeper, busybox, "exec cat /proc/self/stat", scheduler=wanted)
    fields = result.output.rpartition(")")[2].split()  # from the third on, proc_pid_stat(5)
    assert (int(fields[41 - 3]), int(fields[40 - 3])) == (policy, priority)
    if policy in (0, 3):  # sched(7): for the others it means nothing, and is whatever ours is
        assert int(fields[19 - 3]) == wanted.nice


async def test_io_priority_and_personality(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "ionice -p $$; uname -m", io_priority="best-effort:6", personality="linux32")
    assert result.output.splitlines() == ["best-effort: prio 6", "i686" if os.uname().machine == "x86_64" else "armv8l"]


async def test_memory_policy(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["cat", "/proc/self/numa_maps"]))
    linux = msgspec.structs.replace(spec.linux, memory_policy=MemoryPolicy(mode="MPOL_BIND", nodes="0"))
    spec = msgspec.structs.replace(spec, linux=linux)
    if not Path("/proc/self/numa_maps").exists():
        pytest.skip("this kernel knows no NUMA (CONFIG_NUMA)")
    result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process)
    assert "bind:0" in result.output, result.failure


async def test_the_session_keyring_is_its_own(keeper: Keeper, bundle: Bundle) -> None:
    """keyctl(2): KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING."""
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        pytest.skip("no Python in the host image")
    ours = system_call(NUMBERS["keyctl"], 0, -3, 0)
    if ours == -errno.ENOSYS:
        pytest.skip("this kernel has no keys (CONFIG_KEYS)")
    script = f"{python} -c 'import ctypes; print(ctypes.CDLL(None).syscall({NUMBERS['keyctl']}, 0, -3, 0))'"
    result = await run(keeper, bundle, script, seccomp="unconfined")
    assert int(result.output) > 0, result.errors
    assert int(result.output) != ours


async def test_names_of_host_and_domain(keeper: Keeper, busybox: Bundle) -> None:
    script = "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname"
    result = await run(keeper, busybox, script, hostname="ada", domainname="love.lace")
    assert result.output == "ada\nlove.lace\n"


def bits(names: list[str]) -> str:
    return f"{sum(1 << CAPABILITIES[name] for name in names):016x}"


async def test_all_five_sets_of_capabilities_are_as_the_spec_says(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(ContainerOptions(command=["cat", "/proc/self/status"], user="ada"))
    sets = {
        "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW", "CAP_SYS_TIME"],
        "effective": ["CAP_KILL"],
        "permitted": ["CAP_KILL", "CAP_NET_RAW"],
        "inheritable": ["CAP_KILL", "CAP_NET_RAW"],
        "ambient": ["CAP_NET_RAW"],
    }
    capabilities = Capabilities(**sets)
    spec = msgspec.structs.replace(spec, process=msgspec.structs.replace(spec.process, capabilities=capabilities))
    result = await finish(keeper, "c", launch_plan(spec, busybox.root()), spec.process)
    status = dict(line.split(":\t") for line in result.output.splitlines() if line.startswith("Cap"))
    # capabilities(7): of another user than root execve(2) leaves what is ambient.
    assert status["CapEff"] == status["CapPrm"] == status["CapAmb"] == bits(["CAP_NET_RAW"])
    assert status["CapInh"] == bits(sets["inheritable"])
    assert status["CapBnd"] == bits(sets["bounding"])


@pytest.mark.parametrize("user", ["root", "ada"])
async def test_a_filter_without_no_new_privileges(keeper: Keeper, busybox: Bundle, user: str) -> None:
    status = await status_of(keeper, busybox, no_new_privileges=False, user=user)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("0", "2")
    assert status["CapEff"] == ("00000000a80425fb" if user == "root" else "0" * 16)
    assert status["CapBnd"] == "00000000a80425fb"


async def test_a_privileged_program_has_every_capability(keeper: Keeper, busybox: Bundle) -> None:
    status = await status_of(keeper, busybox, privileged=True)
    ours = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapBnd" in line)
    assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == ours
    assert status["Seccomp"] == "0"


async def test_apparmor_and_selinux_labels_are_written_right_before_the_program(busybox: Bundle) -> None:
    """This kernel may have neither: the steps are what can be looked at."""
    spec, plan = busybox.plan(
        ContainerOptions(command=["true"]), apparmor_profile="docker-default", selinux_label="u:r:t:s0"
    )
    written = [step.args[1] for step in plan.steps if step.call == "write" and step.part == "labels"]
    assert written == ["exec docker-default", "exec docker-default", "u:r:t:s0"]
    opened = [step.args[1] for step in plan.steps if step.call == "openat" and step.part == "labels"]
    assert opened == ["/proc/self/attr/apparmor/exec", "/proc/self/attr/exec", "/proc/self/attr/exec"]
    calls = [step.call for step in plan.steps]
    assert calls.index("pivot_root") < max(i for i, step in enumerate(plan.steps) if step.part == "labels")


async def test_asking_for_a_label_without_a_security_module_fails_the_launch(keeper: Keeper, busybox: Bundle) -> None:
    if Path("/sys/module/apparmor/parameters/enabled").exists():
        pytest.skip("this kernel has AppArmor")
    spec, plan = busybox.plan(ContainerOptions(command=["true"]), apparmor_profile="no-such-profile")
    result = await finish(keeper, "c", plan, spec.process)
    assert result.failure is not None
    assert "no-such-profile" in result.failure.message
