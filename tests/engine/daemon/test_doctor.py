"""`doctor` tells the truth about this machine, and for every lack what it costs."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.cgroups import Hierarchy
from engine.daemon import doctor
from engine.protocol.messages import Finding, ImageSummary

HOST = ImageSummary(name="host", description="The programs of this machine", command=["sh"], available=True)
BUSYBOX = ImageSummary(
    name="busybox", description="", command=["sh"], available=False, reason="Install busybox-static."
)
UNIFIED = Hierarchy(2, "/sys/fs/cgroup/heliostui")


@pytest.mark.parametrize("rootless", [False, True])
def test_every_line_is_a_whole_sentence_with_a_name_of_its_own(rootless: bool) -> None:
    found = doctor.findings(rootless, UNIFIED, [HOST, BUSYBOX], "portable")
    assert len({finding.name for finding in found}) == len(found)
    for finding in found:
        assert finding.text[0].isupper() or finding.text.startswith("/"), finding
        assert finding.text.endswith("."), finding
        assert "\n" not in finding.text
    assert ("subordinate ids" in {finding.name for finding in found}) == rootless


def test_looking_leaves_no_descriptor_and_no_mount() -> None:
    gc.collect()  # what earlier tests have left open
    before = os.listdir("/proc/self/fd"), mounts()
    doctor.findings(False, UNIFIED, [HOST], "fast")
    assert (os.listdir("/proc/self/fd"), mounts()) == before


def mounts() -> list[str]:
    """Those of this machine, but for what tests that run at the same time mount in their directories."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if not line.split()[4].startswith(tempfile.gettempdir())]


@pytest.mark.parametrize(
    ("finding", "status", "says"),
    [
        (doctor.kernel("6.1.0-21-amd64"), "ok", "6.1.0"),
        (doctor.kernel("5.12"), "ok", ""),
        (doctor.kernel("5.10.0-28-amd64"), "missing", "5.12"),
        (doctor.kernel("4.19.0"), "missing", "mount_setattr"),
        (doctor.user_namespaces(True, []), "ok", ""),
        (doctor.user_namespaces(False, ["/proc/sys/user/max_user_namespaces"]), "limited", "max_user_namespaces"),
        (doctor.heap(True, "1"), "ok", "--heap"),
        (doctor.heap(True, ""), "ok", ""),
        (doctor.heap(True, "3"), "limited", "ptrace_scope"),
        (doctor.heap(False, "1"), "limited", "gcc"),
        (doctor.overlay(False, 0), "ok", "writable layer"),
        (doctor.overlay(False, errno.ENODEV), "missing", "modprobe overlay"),
        (doctor.overlay(True, errno.EPERM), "missing", "5.11"),
        (doctor.seccomp("kill_process errno allow"), "ok", ""),
        (doctor.seccomp(""), "missing", "default profile"),
        (doctor.cgroups(UNIFIED), "ok", "paused"),
        (doctor.cgroups(Hierarchy(1, "/sys/fs/cgroup/freezer/heliostui")), "ok", "v1"),
        (doctor.cgroups(Hierarchy(0, reason="It is not ours.")), "missing", "It is not ours."),
        (
            doctor.limits(dict.fromkeys(("cpu", "memory", "pids", "io", "cpuset", "hugetlb"), 2), ""),
            "ok",
            "memory (v2)",
        ),
        (doctor.limits({"memory": 1, "pids": 1}, ""), "limited", "Not on CPU time, disks, CPUs, huge pages"),
        (doctor.limits({}, "It is not ours."), "missing", "It is not ours."),
        (doctor.terminals(False), "missing", "devpts"),
        (doctor.launcher("fast"), "ok", ""),
        (doctor.launcher("portable"), "limited", "install gcc"),
        (doctor.network(False, True, [], False), "ok", "published ports"),
        (doctor.network(False, False, [], False), "missing", "install nftables"),
        (doctor.network(True, True, ["pasta 1", "slirp4netns 2"], True), "ok", "pasta 1"),
        (doctor.network(True, True, [], True), "missing", "pasta"),
        (doctor.network(True, True, ["pasta 1"], False), "missing", "modprobe tun"),
        (doctor.names("nameserver 192.0.2.53\n"), "ok", "192.0.2.53"),
        (doctor.names("# nameserver 192.0.2.53\n"), "limited", "127.0.0.1 is asked"),
        (doctor.subordinate_ids(65537, 65537, []), "ok", "65537"),
        (doctor.subordinate_ids(1, 1, []), "limited", "newuidmap and newgidmap"),
        (doctor.subordinate_ids(1, 1, ["newuidmap", "newgidmap"]), "limited", "usermod"),
        (doctor.image(BUSYBOX), "missing", "busybox-static"),
    ],
)
def test_a_lack_is_named_with_its_cost(finding: Finding, status: str, says: str) -> None:
    assert finding.status == status
    assert says in finding.text


@pytest.mark.skipif(os.geteuid() != 0, reason="taking capabilities away from a child needs root")
def test_an_overlay_that_cannot_be_made_is_noticed() -> None:
    """A child without privilege and without a user namespace of its own is refused by the kernel."""
    script = "import os, sys; from engine.daemon.doctor import overlay_error; os.setuid(65534); print(overlay_error())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == str(errno.EPERM), done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="root can mount overlays on every kernel that has them")
def test_an_overlay_that_can_be_made_is_found() -> None:
    if "overlay" not in Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no overlay")
    assert doctor.overlay_error() == 0
