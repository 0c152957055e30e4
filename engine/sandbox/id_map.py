"""Id-mapped mounts: files of the host's ids appear as a user namespace's (mount_setattr(2), MOUNT_ATTR_IDMAP)."""

from __future__ import annotations

import struct

from engine.sandbox.kernel import AT, MOUNT_ATTR
from engine.sandbox.plan import Buffer, Input, Plan
from engine.sandbox.tree import ALL_BELOW, Descriptor
from engine.spec.structs import IdMapping

USERNS_FD = 24  # offset in struct mount_attr


ROOT = IdMapping(container_id=0, host_id=0, size=1)


def root_of(mappings: list[IdMapping]) -> IdMapping:
    """The line of a map that begins with root, or with the lowest id where there is no root; for no map, that which
    changes nothing."""
    return min(mappings, key=lambda mapping: mapping.container_id, default=ROOT)


def map_ids(plan: Plan, mount: Descriptor, user_namespace: Input, why: str, *, below: bool = False) -> None:
    """Map the ids of a detached mount; `below`: and of all mounts below it. The file system must be one that can
    (Linux 5.12; tmpfs 6.3), and who calls must have power over it: the go-between, before it enters the namespace."""
    attributes = Buffer(struct.pack("=QQQQ", MOUNT_ATTR.IDMAP, 0, 0, 0), f"{{IDMAP, {user_namespace.name}}}")
    plan.store(user_namespace, attributes, USERNS_FD, why=f"{why}: whose ids", outside=True)
    flags = ALL_BELOW if below else AT.EMPTY_PATH
    plan.call("mount_setattr", mount, "", flags, attributes, 32, why=why, outside=True)
