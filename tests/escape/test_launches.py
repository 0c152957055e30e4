"""What an image or the options of a container can do to whoever makes it: links, races, files that are none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.escape.conftest import Fence

UID = "busybox awk '/^Uid/ { print $2 }' /proc/self/status"


class Trap:
    """A root file system to run, and beside it a directory of the host that nothing may reach."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self.outside = directory / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("of the host\n")
        (self.root / "bin").mkdir(parents=True)
        (self.root / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
        (self.root / "bin/busybox").chmod(0o755)
        (self.root / "bin/sh").symlink_to("busybox")

    def link(self, *names: str) -> None:
        """Lead out of the root by each of the names."""
        for name in names:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).symlink_to(self.outside)

    def untouched(self) -> bool:
        """Nothing was made outside."""
        return sorted(os.listdir(self.outside)) == ["secret"]


@pytest.fixture
def trap(fence: Fence) -> Iterator[Trap]:
    if not Path("/bin/busybox").exists():
        pytest.skip("no /bin/busybox on this host")
    directory = Path(tempfile.mkdtemp(dir=fence.person.directory))
    yield Trap(directory)
    shutil.rmtree(directory)


def run(fence: Fence, trap: Trap, *options: str, script: str) -> str:
    """What a script says in it; nothing when the container is refused."""
    for path in [trap.root.parent, trap.root, *trap.root.rglob("*")]:
        os.chown(path, fence.person.account.pw_uid, fence.person.account.pw_gid, follow_symlinks=False)
    ran = fence.run(*options, "--rootfs", str(trap.root), "--", "/bin/sh", "-c", script)
    assert "Traceback" not in ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", ["proc", "dev", "sys", "dev/shm", "sys/fs/cgroup"])
def test_links_in_place_of_mount_points_lead_nowhere(fence: Fence, trap: Trap, name: str) -> None:
    """CVE-2019-19921, CVE-2021-30465, CVE-2023-27561: proc was mounted, or masked, somewhere else."""
    trap.link(name)
    said = run(
        fence, trap, script="busybox cat /proc/keys /proc/kcore | busybox wc -c; busybox ls -d /proc/self /dev/null"
    )
    assert said in ("0\n/dev/null\n/proc/self\n", "")
    assert trap.untouched()


def test_masked_files_are_covered_by_the_null_device_of_the_host(fence: Fence, trap: Trap) -> None:
    """CVE-2025-31133: /dev/null of the image was a link to what should be hidden."""
    (trap.root / "dev").mkdir()
    (trap.root / "dev/null").symlink_to("/proc/keys")
    assert (
        run(fence, trap, script="busybox cat /proc/keys | busybox wc -c; busybox stat -c %t:%T /dev/null") == "0\n1:3\n"
    )


def test_a_working_directory_is_not_made_outside(fence: Fence, trap: Trap) -> None:
    """CVE-2024-45310: directories were made through a link."""
    trap.link("work")
    run(fence, trap, "-w", "/work/new", script="true")
    assert trap.untouched()


def test_a_name_is_not_looked_up_in_files_of_the_host(fence: Fence, trap: Trap) -> None:
    """CVE-2018-15664 and its like: /etc/passwd of an image is a link."""
    (trap.outside / "secret").write_text("spy:x:0:0::/:/bin/sh\n")
    (trap.root / "etc").mkdir()
    (trap.root / "etc/passwd").symlink_to(trap.outside / "secret")
    assert run(fence, trap, "-u", "spy", script="echo here") == ""


def test_a_user_list_that_never_ends_holds_nobody_up(fence: Fence, trap: Trap) -> None:
    """A FIFO, or a device, in place of /etc/passwd: whoever reads it waits for ever."""
    (trap.root / "etc").mkdir()
    os.mkfifo(trap.root / "etc/passwd")
    assert run(fence, trap, "-u", "0:0", script=UID) == "0\n"


def test_a_number_is_never_a_name(fence: Fence, trap: Trap) -> None:
    """CVE-2016-3697: an account called "1" that is root."""
    (trap.root / "etc").mkdir()
    (trap.root / "etc/passwd").write_text("1:x:0:0::/:/bin/sh\n")
    assert run(fence, trap, "-u", "1", script=UID) in (("1\n", "") if fence.rootless else ("1\n",))


def test_a_program_is_looked_for_inside(fence: Fence, trap: Trap) -> None:
    """CVE-2019-14271 and its like: the launcher runs and loads nothing from the image before it is inside."""
    (trap.root / "lib").mkdir()
    (trap.root / "etc").mkdir()
    (trap.root / "etc/ld.so.preload").write_text("/lib/evil.so\n")
    trap.link("lib/evil.so")
    assert run(fence, trap, script="echo inside; echo $PATH").startswith("inside\n")


def test_nothing_is_mounted_through_a_link(fence: Fence, trap: Trap) -> None:
    """CVE-2021-30465, CVE-2017-1002101: the target of a volume is a link that leads out."""
    trap.link("data", "deep/er")
    volume = trap.root.parent / "volume"
    volume.mkdir()
    for target in ("/data", "/data/new", "/deep/er/new", "/data/../../outside"):
        run(fence, trap, "-v", f"{volume}:{target}", script="echo written > /data/file")
        assert trap.untouched()
    assert (trap.outside / "secret").read_text() == "of the host\n"
