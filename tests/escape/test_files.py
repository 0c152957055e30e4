"""Files through which the kernel obeys, or says more than a container should know; and mounts that would bring them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.escape.conftest import Answer, Fence

REMOUNT_BIND = 0x1000 | 0x20  # MS_BIND | MS_REMOUNT


def test_the_machine_obeys_no_magic_key(fence: Fence) -> None:
    """/proc/sysrq-trigger (proc(5)): one letter reboots the machine."""
    fence.holds("write('/proc/sysrq-trigger')")


def test_core_pattern_names_no_program(fence: Fence) -> None:
    """core(5), CVE-2022-0811: the kernel pipes core dumps to it, as root of the host."""
    fence.holds("write('/proc/sys/kernel/core_pattern')")


def test_no_program_of_its_choice_is_run_by_the_kernel(fence: Fence) -> None:
    """/proc/sys/kernel/modprobe, binfmt_misc, hotplug: further names of programs that the kernel runs outside."""
    fence.holds("write('/proc/sys/kernel/modprobe')")
    fence.hides("writable('/proc/sys/kernel/hotplug', '/proc/sys/kernel/poweroff_cmd', '/proc/sys/fs/binfmt_misc/*')")


def test_kernel_settings_cannot_be_written(fence: Fence) -> None:
    """CVE-2015-3630: files of /proc that were writable in Docker's containers."""
    fence.hides("writable('/proc/sys/*/*', '/proc/sys/*/*/*', '/proc/irq/*', '/proc/irq/*/*', '/proc/fs/*/*/*')")


def test_kernel_objects_cannot_be_written(fence: Fence) -> None:
    """/sys/kernel/uevent_helper, /sys/module/*/parameters, /sys/power: all of sysfs is read-only."""
    fence.hides("writable('/sys/kernel/*', '/sys/kernel/*/*', '/sys/module/*/parameters/*', '/sys/power/*')")


def test_release_agent_is_out_of_reach(fence: Fence) -> None:
    """CVE-2022-0492: a cgroup of v1 runs a program when it gets empty. CVE-2023-25809: /sys/fs/cgroup was writable."""
    fence.holds("call('mount', b'cgroup', b'/mnt', b'cgroup', 0, b'none,name=escape')")
    assert fence.inside.value("writable('/sys/fs/cgroup/*', '/sys/fs/cgroup/*/*')") == []


def test_the_memory_of_the_kernel_cannot_be_read(fence: Fence) -> None:
    """proc(5), /proc/kcore."""
    fence.hides("read('/proc/kcore', 4)")


@pytest.mark.parametrize(
    "path",
    [
        "/proc/keys",  # keyring(7)
        "/proc/timer_list",  # what every processor runs
        "/proc/interrupts",  # when keys are struck
        "/proc/scsi/scsi",  # CVE-2017-16539: devices could be removed
        "/proc/acpi/*",  # CVE-2018-10892: so could bluetooth and the keyboard's light
        "/sys/firmware/*",  # tables of the firmware
        "/sys/devices/virtual/powercap/*",  # CVE-2020-8694: power use tells keys
    ],
)
def test_masked_files_say_nothing(fence: Fence, path: str) -> None:
    """moby oci/defaults.go, MaskedPaths."""
    fence.hides(f"[p for p in glob.glob({path!r}) if os.path.isdir(p) or read(p)]")


def test_no_file_system_can_be_mounted(fence: Fence) -> None:
    """mount(2), fsopen(2), open_tree(2): a fresh proc or sysfs has nothing masked; CVE-2022-0185."""
    fence.holds(
        "call('mount', b'proc', b'/mnt', b'proc', 0, 0)",
        "call('mount', b'sysfs', b'/mnt', b'sysfs', 0, 0)",
        "call('mount', b'/proc/sys', b'/mnt', 0, 0x1000, 0)",
        "call('fsopen', b'proc', 0)",
        "call('open_tree', -100, b'/', 1)",
    )


def test_read_only_mounts_cannot_be_remounted(fence: Fence) -> None:
    """mount(2), mount_setattr(2)."""
    fence.holds(
        f"call('mount', 0, b'/proc', 0, {REMOUNT_BIND}, 0)",
        "call('mount_setattr', -100, b'/proc', 0, bytes(32), 32)",
    )


def test_masks_cannot_be_taken_off(fence: Fence) -> None:
    """umount2(2): below the mask lies the file; pivot_root(2): below the root lay the host's."""
    fence.holds(
        "call('umount2', b'/proc', 2)",
        "call('pivot_root', b'.', b'.')",
    )


def test_debugging_file_systems_are_not_there(fence: Fence) -> None:
    """debugfs, tracefs, securityfs and bpffs of the host say and do nearly everything."""
    names = ("debug", "tracing", "security")
    for directory in (*(f"/sys/kernel/{name}" for name in names), "/sys/fs/bpf"):
        assert fence.inside.value(f"glob.glob('{directory}/*')") == []


def test_a_chroot_within_leads_to_nowhere(fence: Fence) -> None:
    """chroot(2): with a descriptor from before, and enough "..", one is out of any chroot; not out of a pivot_root."""
    secret = fence.person.directory / "secret"
    secret.write_text("of the host")
    fence.hides(f"""
        os.makedirs('/tmp/jail', exist_ok=True)
        before = os.open('/', os.O_RDONLY)
        os.chroot('/tmp/jail')
        os.fchdir(before)
        for _ in range(64):
            os.chdir('..')
        os.chroot('.')
        answer = os.path.exists({str(secret)!r})
    """)


def test_programs_of_the_host_are_only_copied_on_write(fence: Fence) -> None:
    """The image `host` shows /usr of the host: what is written to it stays inside."""
    program = Path("/usr/bin/true").resolve()
    before = program.read_bytes()
    size = f"open({str(program)!r}, 'ab').write(b'escape') and os.path.getsize({str(program)!r})"
    assert fence.inside.attempt(size) in (Answer(len(before) + 6), Answer(error="EACCES"))
    assert program.read_bytes() == before


def test_secrets_and_sockets_of_the_host_are_not_there(fence: Fence) -> None:
    """CVE-2014-3499 and everybody who bound docker.sock: the engine's socket is the host."""
    assert (
        fence.inside.value("[p for p in glob.glob('/run/**', recursive=True) if stat.S_ISSOCK(os.stat(p).st_mode)]")
        == []
    )
    assert not fence.inside.value(f"os.path.exists({str(fence.person.directory)!r})")
    assert fence.inside.value("read('/etc/shadow', 10**6) if os.path.exists('/etc/shadow') else ''") != _own_shadow()


def _own_shadow() -> str:
    try:
        return Path("/etc/shadow").read_text()
    except OSError:
        return "?"
