"""The file systems that every container has: /proc, /dev and what is in it, /sys, the cgroups.

Imports the structs. Sources: config-linux.md, "Default Filesystems"; moby `oci/defaults.go`. What a person asks for is
in `mounts`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.spec.structs import Mount

QUIET = ["nosuid", "noexec", "nodev"]
TTY_GROUP = 5
SHM_SIZE = 64 << 20  # bytes, Docker's


def system_mounts(
    apart: Collection[str], *, shm_size: int | None, writable: bool, tty_group: bool, in_user_namespace: bool
) -> list[Mount]:
    """Parents first. `apart`: types of the namespaces that are not the host's; `writable`: /sys and the cgroups may be
    changed; `tty_group`: group 5 exists inside; `in_user_namespace`: the host's namespaces are not ours to mount."""
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    if tty_group:  # devpts refuses a group that its user namespace has not
        pts.append(f"gid={TTY_GROUP}")
    protected = [] if writable else ["ro"]
    return [
        _bound("/proc", []) if in_user_namespace and "pid" not in apart else _quiet("/proc", "proc", "proc"),
        Mount(
            destination="/dev",
            type="tmpfs",
            source="tmpfs",
            options=["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        Mount(destination="/dev/pts", type="devpts", source="devpts", options=pts),
        *_ipc_mounts(apart, SHM_SIZE if shm_size is None else shm_size),
        _bound("/sys", protected)
        if in_user_namespace and "network" not in apart
        else _quiet("/sys", "sysfs", "sysfs", *protected),
        _quiet("/sys/fs/cgroup", "cgroup", "cgroup", "relatime", *protected),
    ]


def _ipc_mounts(apart: Collection[str], shm_size: int) -> list[Mount]:
    """Shared memory and message queues; whoever shares the host's IPC namespace shares these, too."""
    if "ipc" not in apart:
        return [_bound(path, []) for path in ("/dev/shm", "/dev/mqueue") if Path(path).is_dir()]
    return [
        _quiet("/dev/shm", "tmpfs", "shm", "mode=1777", f"size={shm_size}"),
        _quiet("/dev/mqueue", "mqueue", "mqueue"),
    ]


def _quiet(destination: str, type: str, source: str, *options: str) -> Mount:
    return Mount(destination=destination, type=type, source=source, options=[*QUIET, *options])


def _bound(path: str, options: list[str]) -> Mount:
    return Mount(destination=path, source=path, options=["rbind", *QUIET, *options])
