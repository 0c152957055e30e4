"""What the launcher hands in for mounts: a descriptor for each that the process could not make by itself. Pure.

A mount with id maps of its own gets a user namespace that has them (`user_namespace.make`); a tmpfs that begins with
what the image has there gets the file system, filled (`detached`).
"""

from __future__ import annotations

from engine.sandbox.mount_options import sort_options
from engine.sandbox.plan import Input, Plan
from engine.spec.structs import Mount


def has_own_maps(mount: Mount) -> bool:
    """Whether its ids are mapped otherwise than the container's."""
    return sort_options(mount.options).id_mapped and bool(mount.uid_mappings or mount.gid_mappings)


def is_filled(mount: Mount) -> bool:
    """Whether it is a tmpfs with a copy of what it covers (`tmpcopyup`)."""
    return mount.type == "tmpfs" and sort_options(mount.options).copy_up


def handed_in(mounts: list[Mount]) -> list[int]:
    """The numbers of the mounts that get one, in the order in which the launcher hands them in."""
    return [number for number, mount in enumerate(mounts) if has_own_maps(mount) or is_filled(mount)]


def declare(plan: Plan, mounts: list[Mount]) -> dict[int, Input]:
    """The inputs of a plan, by the mount's number."""
    return {number: plan.input(f"for {mounts[number].destination}") for number in handed_in(mounts)}
