"""/dev: the spec's device nodes and the links every program expects (config-linux.md, "Default Devices")."""

from __future__ import annotations

import errno
import os
import posixpath

from engine.sandbox.kernel import MOVE_MOUNT, S
from engine.sandbox.plan import Plan
from engine.sandbox.tree import Tree, clone_tree
from engine.spec.structs import Device

KINDS = {"c": S.IFCHR, "u": S.IFCHR, "b": S.IFBLK, "p": S.IFIFO}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


def make_devices(plan: Plan, tree: Tree, devices: list[Device], in_user_namespace: bool) -> None:
    """Make the nodes; a user namespace may not, so there the host's own are bound."""
    plan.part = "devices"
    for device in devices:
        parent, name = posixpath.split(device.path)
        directory = tree.directory(parent)
        if in_user_namespace:
            plan.call("mknodat", directory, name, S.IFREG | 0o666, 0, why=f"{device.path}: a file to cover")
            node = clone_tree(plan, device.path, f"{device.path}: the host's node")
            plan.call("move_mount", node, "", directory, name, MOVE_MOUNT.F_EMPTY_PATH, why=device.path)
            continue
        number = os.makedev(device.major, device.minor)
        mode = KINDS[device.type] | device.file_mode
        plan.call("mknodat", directory, name, mode, number, why=f"{device.path}: {device.major}:{device.minor}")
        if device.uid or device.gid:
            plan.call("fchownat", directory, name, device.uid, device.gid, 0, why=f"{device.path}: its owner")
    dev = tree.directory("/dev")
    for name, target in LINKS.items():
        plan.call("symlinkat", target, dev, name, why=f"/dev/{name} → {target}", allow=[errno.EEXIST])
