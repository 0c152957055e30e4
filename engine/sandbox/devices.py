"""/dev: the spec's device nodes and the links every program expects (config-linux.md, "Devices")."""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from engine.sandbox.kernel import AT, MOVE_MOUNT, S
from engine.sandbox.plan import Plan
from engine.sandbox.tree import Descriptor, Tree, clone_tree
from engine.spec.structs import Device

KINDS = {"c": S.IFCHR, "u": S.IFCHR, "b": S.IFBLK, "p": S.IFIFO}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# A /dev that is not ours alone, such as the host's, may have it already.
THERE = [errno.EEXIST]


def make_devices(plan: Plan, tree: Tree, devices: list[Device], in_user_namespace: bool) -> None:
    """Make the nodes; a user namespace may not (mknod(2)), so there the host's own are bound."""
    plan.part = "devices"
    for device in devices:
        parent, name = posixpath.split(device.path)
        directory = tree.directory(parent)
        if in_user_namespace and device.type != "p":
            _bind(plan, directory, name, device)
        else:
            _make(plan, directory, name, device)
    dev = tree.directory("/dev")
    for name, target in LINKS.items():
        plan.call("symlinkat", target, dev, name, why=f"/dev/{name} → {target}", allow=THERE)


def _make(plan: Plan, directory: Descriptor, name: str, device: Device) -> None:
    number = 0 if device.type == "p" else os.makedev(device.major, device.minor)
    mode = KINDS[device.type] | stat.S_IMODE(device.file_mode)
    what = "a pipe" if device.type == "p" else f"{device.major}:{device.minor}"
    made = plan.call("mknodat", directory, name, mode, number, why=f"{device.path}: {what}", allow=THERE)
    if device.uid or device.gid:
        # The sixth argument, which the call does not look at, skips it where the node is not one that we made.
        owner = device.uid, device.gid, AT.SYMLINK_NOFOLLOW
        plan.call("fchownat", directory, name, *owner, made, why=f"{device.path}: its owner")


def _bind(plan: Plan, directory: Descriptor, name: str, device: Device) -> None:
    why = f"{device.path}: a file to cover"
    plan.call("mknodat", directory, name, S.IFREG | 0o666, 0, why=why, allow=THERE)
    node = clone_tree(plan, host_node(device), f"{device.path}: the host's node")
    plan.call("move_mount", node, "", directory, name, MOVE_MOUNT.F_EMPTY_PATH, why=device.path)


def host_node(device: Device) -> str:
    """Where the host has the device: under the same name if that is it, else where the kernel says (sysfs(5))."""
    kind = "block" if device.type == "b" else "char"
    if _is(device.path, kind, device):
        return device.path
    try:
        with open(f"/sys/dev/{kind}/{device.major}:{device.minor}/uevent", encoding="utf-8") as file:
            names = [line.removeprefix("DEVNAME=").strip() for line in file if line.startswith("DEVNAME=")]
    except OSError:
        return device.path
    return f"/dev/{names[0]}" if names else device.path


def _is(path: str, kind: str, device: Device) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    right = stat.S_ISBLK(found.st_mode) if kind == "block" else stat.S_ISCHR(found.st_mode)
    return right and found.st_rdev == os.makedev(device.major, device.minor)
