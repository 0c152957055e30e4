"""What a container sees of itself, made for real by a keeper."""

from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from engine.containers.keeper import Keeper
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.sandbox import init, receipt
from engine.sandbox.build import exec_plan, launch_plan
from engine.sandbox.program import SKIPPED, read_receipt
from tests.engine.sandbox.conftest import Bundle, Result, finish
from tests.engine.sandbox.leftovers import host_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")


async def run(keeper: Keeper, bundle: Bundle, script: str, **options: object) -> Result:
    wanted = ContainerOptions(command=["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]
    spec, plan = bundle.plan(wanted)
    return await finish(keeper, "c", plan, spec.process)


async def test_the_payload_is_pid_1_and_its_exit_code_comes_back(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "echo $$; exit 7")
    assert (result.output, result.status) == ("1\n", 7)


async def test_death_by_signal_is_128_plus_its_number(keeper: Keeper, busybox: Bundle) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=["sleep", "1000"]))
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False)
    assert launched.held is not None
    signal.pidfd_send_signal(launched.held.pidfd, signal.SIGKILL)
    assert await keeper.ended("c") == signal.SIGKILL


async def test_no_descriptor_of_the_engine_leaks_into_it(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "ls /proc/1/fd")
    # 3 is the directory that ls itself reads, in its own process; PID 1 is the shell, which execs ls.
    assert result.output.split() in (["0", "1", "2"], ["0", "1", "2", "3"])


async def test_every_namespace_is_its_own(keeper: Keeper, busybox: Bundle) -> None:
    names = "uts mnt ipc pid net cgroup"
    result = await run(keeper, busybox, f"cd /proc/self/ns; for n in {names}; do readlink $n; done")
    inside = set(result.output.split())
    assert len(inside) == 6
    assert not inside & {os.readlink(f"/proc/self/ns/{n}") for n in names.split()}


async def test_hostname_and_loopback_are_set_up(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "hostname; ip addr show lo | grep -o 'inet [0-9.]*'", hostname="ada")
    assert result.output == "ada\ninet 127.0.0.1\n"


async def test_the_host_tree_is_gone(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "cat /proc/self/mountinfo; ls /")
    assert str(busybox.directory) not in "".join(line.split(" - ")[0] for line in result.output.splitlines())
    assert " /old" not in result.output


async def test_dev_has_the_default_nodes_and_links(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "ls /dev; echo x > /dev/null; head -c 4 /dev/zero | wc -c; : > /dev/full")
    nodes = "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert result.output == "\n".join([*nodes.split(), "4", ""])


async def test_sys_and_kernel_settings_are_read_only(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(
        keeper,
        busybox,
        "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper; do"
        "  [ -e $f ] && (echo x > $f) 2>/dev/null && echo wrote $f; done; true",
    )
    assert result.output == ""


async def test_masked_paths_say_nothing(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "cat /proc/keys /proc/timer_list | wc -c; ls /sys/firmware /proc/acpi | wc -l")
    assert result.output.split()[0] == "0"


async def test_what_is_written_stays_above_the_image(keeper: Keeper, busybox: Bundle) -> None:
    before = sorted(p.name for p in Path(busybox.image.layers[0]).iterdir())
    result = await run(keeper, busybox, "echo hello > /greeting && rm /etc/passwd && ls /etc/passwd; echo $?")
    assert result.output == "1\n"
    assert (Path(busybox.image.layers[0]) / "etc" / "passwd").exists()
    assert sorted(p.name for p in Path(busybox.image.layers[0]).iterdir()) == before
    upper = busybox.directory / "0" / "root" / "upper"
    assert (upper / "greeting").read_text() == "hello\n"


async def test_a_read_only_root_refuses_writes(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "touch /x; echo $?; touch /dev/shm/y; echo $?", read_only=True)
    assert result.output == "1\n0\n"


async def test_capabilities_are_dropped_and_no_new_privileges_is_set(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status")
    status = dict(line.split(":\t") for line in result.output.splitlines())
    assert status["CapEff"] == status["CapPrm"] == status["CapBnd"] == "00000000a80425fb"
    assert status["CapAmb"] == status["CapInh"] == "0" * 16
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


async def test_signals_are_as_new(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "exec grep -E '^Sig(Blk|Ign)' /proc/self/status")
    assert set(result.output.split()[1::2]) == {"0" * 16}


async def test_a_user_has_no_capabilities_and_its_groups(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "id -u; id -g; grep CapEff /proc/self/status; echo > /dev/stdout", user="ada")
    assert result.output.split() == ["1000", "1000", "CapEff:", "0" * 16]


@pytest.mark.parametrize("user", ["root", "ada"])
async def test_the_hosts_null_device_can_not_be_changed_by_what_reads_as_nothing(
    keeper: Keeper, busybox: Bundle, user: str
) -> None:
    """Standard input, masked files (runc: CVE-2025-31133 and its fixStdioPermissions): none is the host's to change."""
    before = os.stat("/dev/null")
    script = (
        "for f in /proc/self/fd/0 /proc/keys /proc/timer_list; do chmod 600 $f; chown 1000 $f; touch $f; done; true"
    )
    await run(keeper, busybox, script, user=user)
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid, after.st_mode, after.st_mtime) == (
        before.st_uid, before.st_gid, before.st_mode, before.st_mtime,
    )  # fmt: skip


async def test_arguments_environment_directory_and_umask_arrive(keeper: Keeper, busybox: Bundle) -> None:
    command = ["/bin/sh", "-c", 'echo "$1|$2|$GREETING"; pwd; umask', "sh", "two  words", 'a"b']
    spec, plan = busybox.plan(ContainerOptions(command=command, env=["GREETING=grüß  dich"], workdir="/tmp"))
    result = await finish(keeper, "c", plan, spec.process)
    assert result.output == 'two  words|a"b|grüß  dich\n/tmp\n0022\n'


async def test_a_terminal_is_its_own_and_controls_it(keeper: Keeper, busybox: Bundle) -> None:
    result = await run(keeper, busybox, "tty; stty size; echo > /dev/tty && echo yes", tty=True, columns=97, lines=31)
    assert result.output.split() == ["/dev/pts/0", "31", "97", "yes"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("nonesuch", ErrorCode.COMMAND_NOT_FOUND),
        ("/nonesuch", ErrorCode.COMMAND_NOT_FOUND),
        ("/etc/passwd", ErrorCode.COMMAND_NOT_EXECUTABLE),
        ("/etc", ErrorCode.COMMAND_NOT_EXECUTABLE),
        ("/etc/passwd/x", ErrorCode.COMMAND_NOT_FOUND),
    ],
)
async def test_a_command_that_cannot_run_is_named(
    keeper: Keeper, busybox: Bundle, command: str, code: ErrorCode
) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=[command]))
    result = await finish(keeper, "c", plan, spec.process)
    assert result.failure is not None
    assert result.failure.code == code
    assert command in result.failure.message


async def test_a_missing_working_directory_is_named(keeper: Keeper, busybox: Bundle) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=["true"], workdir="/no/such"))
    result = await finish(keeper, "c", plan, spec.process)
    assert result.failure is not None
    assert '"/no/such": No such file or directory' in result.failure.message


async def test_the_init_reaps_orphans_and_passes_the_exit_code_on(keeper: Keeper, busybox: Bundle) -> None:
    gone = "i=0; while [ -d /proc/$orphan ] && [ $i -lt 2000 ]; do sleep 0.01; i=$((i+1)); done"
    script = f"orphan=$(sleep 0.05 > /dev/null & echo $!); {gone}; ps -o pid,stat,comm | grep -c Z; exit 5"
    spec = busybox.spec(ContainerOptions(command=["sh", "-c", script]))
    plan = launch_plan(spec, busybox.root(), init=init.path())
    result = await finish(keeper, "c", plan, spec.process)
    assert (result.output, result.status) == ("0\n", 5)


async def test_the_init_passes_signals_on(keeper: Keeper, busybox: Bundle) -> None:
    spec = busybox.spec(
        ContainerOptions(command=["sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done"])
    )
    plan = launch_plan(spec, busybox.root(), init=init.path())
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False)
    assert launched.held is not None
    assert launched.held.descriptors.stdout is not None
    os.set_blocking(launched.held.descriptors.stdout, True)
    assert os.read(launched.held.descriptors.stdout, 3) == b"up\n"
    signal.pidfd_send_signal(launched.held.pidfd, signal.SIGTERM)
    assert await keeper.ended("c") == 9 << 8


async def test_another_program_joins_all_namespaces(keeper: Keeper, busybox: Bundle) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=["sleep", "1000"], hostname="there"))
    launched = await keeper.launch("c", plan.assemble(), [], tty=False, stdin=False)
    assert launched.held is not None
    script = "hostname; cat /proc/1/comm; grep -E 'CapEff|Seccomp:' /proc/self/status; ls /proc/self/fd"
    process = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", script])).process
    entering = exec_plan(spec, process)
    result = await finish(keeper, "c/1", entering, process, [launched.held.pidfd])
    words = result.output.split()
    assert words[:2] == ["there", "sleep"]
    assert words[2:6] == ["CapEff:", "00000000a80425fb", "Seccomp:", "2"]


async def test_another_program_gets_a_terminal_of_the_container(keeper: Keeper, busybox: Bundle) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=["sleep", "1000"], tty=True))
    launched = await keeper.launch("c", plan.assemble(), [], tty=True, stdin=False)
    assert launched.held is not None
    process = busybox.spec(ContainerOptions(command=["/bin/sh", "-c", "tty; stty size"], tty=True)).process
    result = await finish(keeper, "c/1", exec_plan(spec, process), process, [launched.held.pidfd])
    assert result.output.split() == ["/dev/pts/1", "24", "80"]


async def test_the_receipt_times_every_step(keeper: Keeper, busybox: Bundle) -> None:
    spec, plan = busybox.plan(ContainerOptions(command=["true"]))
    result = await finish(keeper, "c", plan, spec.process)
    steps = receipt.steps(plan, result.launched.receipt, result.launched.finished)
    assert steps[0].call == "prctl"
    assert [s for s in steps if s.outcome == "done"][-1].call == "execve"
    reached = [s for s in steps if s.outcome != "not reached"]
    assert all(a.end <= b.start + 1 and a.start <= a.end for a, b in pairwise(reached))
    assert {s.outcome for s in steps} <= {"done", "allowed", "skipped", "not reached"}


async def test_each_step_that_fails_stops_the_launch_there_and_leaves_nothing(keeper: Keeper, busybox: Bundle) -> None:
    """Every step in turn is replaced by a call that no kernel has."""
    options = ContainerOptions(command=["/bin/true"], tty=True)
    _, pattern = busybox.plan(options)
    before = host_state()
    for index in range(len(pattern.steps)):
        spec, plan = busybox.plan(options)
        plan.steps[index] = plan.steps[index]._replace(call="afs_syscall", allow=frozenset(), if_failed=None)
        launched = await keeper.launch("c", plan.assemble(), [], tty=True, stdin=False)
        if launched.held is not None:
            # Its argument was the result of a call that was allowed to fail here, so it was skipped.
            assert read_receipt(launched.receipt).values[index] == SKIPPED
            assert await keeper.ended("c") == 0
            await keeper.forget("c")
            continue
        assert read_receipt(launched.receipt).failed == index + 1
        failure = receipt.failure(plan, launched.receipt, spec.process)
        assert failure is not None
        if failure.code == ErrorCode.LAUNCH_FAILED and "directory" not in failure.message:
            assert f"step {index + 1} of {len(plan.steps)}" in failure.message
    assert host_state() == before
