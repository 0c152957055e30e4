"""The options of the sandbox, as the program inside sees them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import CommandLine

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed"),
]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may")


def said(cli: CommandLine, options: str, script: str) -> str:
    return cli.ok("run", "--rm", *options.split(), "busybox", "sh", "-c", script)


def status(cli: CommandLine, options: str, *fields: str) -> dict[str, str]:
    """Fields of /proc/self/status inside."""
    text = said(cli, options, "cat /proc/self/status")
    table = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return {field: table[field].strip() for field in fields}


def test_limits_umask_and_groups_reach_the_program(cli: CommandLine) -> None:
    options = "--ulimit nofile=60:70 --ulimit core=0 --umask 027 --group-add 1 --oom-score-adj 900"
    script = "ulimit -Sn; ulimit -Hn; ulimit -c; umask; id -G; cat /proc/self/oom_score_adj"
    assert said(cli, options, script).split() == ["60", "70", "0", "0027", "0", "1", "900"]


def test_priorities_reach_the_program(cli: CommandLine) -> None:
    script = "cut -d' ' -f19,41 /proc/self/stat; ionice -p $$; uname -m"
    told = said(cli, "--scheduler batch,nice=7 --ioprio idle --personality linux32", script).splitlines()
    assert told[:2] == ["7 3", "idle"]  # nice, SCHED_BATCH (proc_pid_stat(5))
    assert told[2] in ("i686", "armv8l")


def test_capabilities_are_added_and_dropped(cli: CommandLine) -> None:
    only_chown = "0000000000000001"
    assert status(cli, "--cap-drop ALL --cap-add chown", "CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb") == {
        **dict.fromkeys(("CapBnd", "CapPrm", "CapEff"), only_chown),
        **dict.fromkeys(("CapInh", "CapAmb"), "0" * 16),
    }


def test_filter_and_no_new_privileges_can_be_left_off(cli: CommandLine) -> None:
    assert status(cli, "", "NoNewPrivs", "Seccomp") == {"NoNewPrivs": "1", "Seccomp": "2"}
    off = "--security-opt no-new-privileges=false --security-opt seccomp=unconfined"
    assert status(cli, off, "NoNewPrivs", "Seccomp") == {"NoNewPrivs": "0", "Seccomp": "0"}


def test_a_profile_from_a_file_is_what_holds(cli: CommandLine, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
    )
    assert said(cli, f"--security-opt seccomp={profile}", "mkdir /x 2>/dev/null || echo refused") == "refused"
    profile.write_text('{"defaultAction": "SCMP_ACT_ALOW"}')
    assert "SCMP_ACT_ALOW" in cli.refused("run", "--security-opt", f"seccomp={profile}", "busybox", "true", status=125)


def test_kernel_settings_names_and_shared_memory_are_its_own(cli: CommandLine) -> None:
    options = "--sysctl net.core.somaxconn=99 --sysctl kernel.shmmni=77 --domainname nis -h box --shm-size 1m"
    script = (
        "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/shmmni /proc/sys/kernel/domainname; hostname; df /dev/shm"
    )
    told = said(cli, options, script).split()
    assert told[:4] == ["99", "77", "nis", "box"]
    assert "1024" in told


@as_root
def test_a_device_is_there_and_may_be_used_as_was_said(cli: CommandLine) -> None:
    script = "dd if=/dev/more bs=1 count=3 2>/dev/null | od -An -tx1; echo x > /dev/more && echo written"
    told = said(cli, "--device /dev/zero:/dev/more:rw", script).split()
    assert told == ["00", "00", "00", "written"]


@as_root
def test_a_privileged_container_has_the_hosts_devices_and_nothing_masked(cli: CommandLine) -> None:
    told = status(cli, "--privileged", "CapEff", "Seccomp", "NoNewPrivs")
    assert int(told["CapEff"], 16) >> 21 & 1  # CAP_SYS_ADMIN
    assert (told["Seccomp"], told["NoNewPrivs"]) == ("0", "0")
    inside = set(said(cli, "--privileged", "ls /dev").split())
    assert {entry.name for entry in Path("/dev").iterdir() if entry.is_char_device()} - inside <= {"console", "ptmx"}
    assert said(cli, "--privileged", "mkdir /m && mount -t tmpfs none /m && echo mounted") == "mounted"


@as_root
def test_the_hosts_namespaces_are_shared_where_asked(cli: CommandLine) -> None:
    types = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "cgroupns": "cgroup"}
    script = f"for type in {' '.join(types.values())}; do readlink /proc/self/ns/$type; done"
    ours = [os.readlink(f"/proc/self/ns/{name}") for name in types.values()]
    assert said(cli, " ".join(f"--{option} host" for option in types), script).split() == ours
    assert not set(said(cli, "", script).split()) & set(ours)


@as_root
def test_a_namespace_of_another_container_is_joined(cli: CommandLine) -> None:
    other = cli.ok("run", "-d", "busybox", "sleep", "600")
    try:
        mine = said(cli, f"--network container:{other[:6]} --ipc container:{other}", "readlink /proc/self/ns/net")
        assert mine == cli.ok("exec", other, "readlink", "/proc/self/ns/net")
    finally:
        cli.ok("rm", "-f", other)
    assert "There is no container" in cli.refused("run", "--pid", "container:nobody", "busybox", "true", status=125)


@as_root
def test_ids_of_a_user_namespace_are_as_asked(cli: CommandLine) -> None:
    script = "cat /proc/self/uid_map; id -u; touch /mine; stat -c %u /mine /bin"
    told = said(cli, "--uidmap 0:700000:1000 --uidmap 1000:800000:5", script).split()
    assert told == ["0", "700000", "1000", "1000", "800000", "5", "0", "0", "0"]


def test_clocks_are_moved(cli: CommandLine) -> None:
    if not os.path.exists("/proc/self/ns/time"):
        pytest.skip("this kernel has no time namespaces")
    assert float(said(cli, "--boottime 1000000", "cut -d' ' -f1 /proc/uptime")) > 1_000_000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--ulimit files=3", "There is no ulimit 'files'"),
        ("--sysctl vm.swappiness=1", "belongs to the whole machine"),
        ("--cap-add fly", "'fly' is no capability"),
        ("--device /dev/nothing", "No such file or directory"),
        ("--group-add nobody-knows", "unable to find group nobody-knows"),
        ("--umask 9", "is no umask"),
        ("--oom-score-adj 2000", "from -1000 to 1000"),
        ("--ioprio fast", "is no I/O priority"),
        ("--scheduler rr", "its priority goes from 1 to 99"),
        ("--uts host -h box", "can't be set: the container has no UTS namespace"),
        ("--userns host --uidmap 0:1:1", "With id maps the user namespace is a new one"),
        ("--cgroup-parent ../x", "is no parent of cgroups"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_leaves_nothing(cli: CommandLine, options: str, sentence: str) -> None:
    before = cli.containers()
    assert sentence in cli.refused("run", *options.split(), "busybox", "true", status=125)
    assert cli.containers() == before


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("-v /etc/passwd:/etc", "a file can only be mounted over a file"),
        ("--sysctl net.ipv4.nothing=1", "this kernel has no such setting"),
        ("--sysctl net.ipv4.ip_forward=many", "it takes no such value"),
    ],
)
def test_what_the_kernel_refuses_is_explained(cli: CommandLine, options: str, sentence: str) -> None:
    assert sentence in cli.refused("run", "--rm", *options.split(), "busybox", "true", status=125)


def test_a_filter_that_allows_nothing_ends_the_launch(cli: CommandLine, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text('{"defaultAction": "SCMP_ACT_ERRNO"}')  # the process can't even exit by itself
    options = ("--rm", "--security-opt", f"seccomp={profile}")
    before = cli.containers()
    assert "Operation not permitted" in cli.refused("run", *options, "busybox", "true", status=126)
    assert cli.containers() == before
