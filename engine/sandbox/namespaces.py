"""`linux.namespaces` of the spec: which are made, which are joined, and how one gets into them (namespaces(7)).

New ones come with the process (clone3(2)). Those that are joined, and every user namespace, the launcher hands in as
descriptors: see `handed_in`. A go-between enters them, and makes the process in them: only children come to be in
another PID or time namespace, and what a user namespace shall own must be made by somebody who is in it. A new network
namespace may have been made ready beforehand: the process enters it by itself, at its beginning.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine.sandbox.kernel import AT_FDCWD, CLONE, PR, O
from engine.sandbox.plan import Input, Plan, Ref
from engine.spec.structs import Namespace, TimeOffset

FLAGS = {
    "pid": CLONE.NEWPID,
    "network": CLONE.NEWNET,
    "mount": CLONE.NEWNS,
    "ipc": CLONE.NEWIPC,
    "uts": CLONE.NEWUTS,
    "cgroup": CLONE.NEWCGROUP,
    "user": CLONE.NEWUSER,
    "time": CLONE.NEWTIME,
}


@dataclass(frozen=True)
class Namespaces:
    """Those of one container. `made`: types; `joined`: by type, but for the user namespace. A type in none of them is
    the engine's own. `network`: the new network namespace, if it was made ready outside."""

    made: frozenset[str]
    joined: dict[str, Input]
    user: Input | None
    network: Input | None = None

    def is_own(self, type: str) -> bool:
        """Whether the container has one that nobody had before."""
        return type in self.made


def handed_in(namespaces: Iterable[Namespace]) -> list[Namespace]:
    """Those of which the launcher hands in a descriptor each, as the first inputs of its own, in this order."""
    return [namespace for namespace in namespaces if namespace.path is not None or namespace.type == "user"]


def declare(plan: Plan, namespaces: Iterable[Namespace], *, network: bool = False) -> Namespaces:
    """Sort the spec's namespaces, and tell clone3(2) of those that it makes. `network`: not the new network namespace,
    which is handed in."""
    namespaces = list(namespaces)
    inputs = {namespace.type: plan.input(f"{namespace.type} namespace") for namespace in handed_in(namespaces)}
    user = inputs.pop("user", None)
    made = frozenset(
        namespace.type for namespace in namespaces if namespace.type not in inputs and namespace.type != "user"
    )
    ready = plan.input("network namespace") if network and "network" in made else None
    for type in sorted(made - {"time"}):  # its clocks must be set before anybody is in it
        if type != "network" or ready is None:
            plan.clone_flags |= FLAGS[type]
    return Namespaces(made, inputs, user, ready)


def join_first(plan: Plan, namespaces: Namespaces) -> list[tuple[str, Ref]]:
    """Enter those that the host owns. One that belongs to the user namespace that is entered afterwards refuses
    (EPERM); the steps are for `join_then`."""
    plan.part = "namespaces"
    later = [errno.EPERM] if namespaces.user else []
    tried = []
    for type, descriptor in namespaces.joined.items():
        if type not in ("mount", "time"):
            why = f"join a {type} namespace"
            tried.append((type, plan.call("setns", descriptor, FLAGS[type], why=why, allow=later)))
    return tried


def enter_user(plan: Plan, namespaces: Namespaces) -> None:
    """From here on: all capabilities, but only over what this user namespace owns (user_namespaces(7))."""
    if namespaces.user is not None:
        plan.part = "namespaces"
        plan.call("setns", namespaces.user, CLONE.NEWUSER, why="enter the container's user namespace")


def join_then(plan: Plan, namespaces: Namespaces, tried: list[tuple[str, Ref]]) -> None:
    """Enter the rest; the mount namespace last, because it takes the host's files out of sight."""
    plan.part = "namespaces"
    if namespaces.user is not None:
        for type, step in tried:
            why = f"join the {type} namespace, which the user namespace owns"
            plan.call("setns", namespaces.joined[type], FLAGS[type], why=why, if_failed=step)
    if (time := namespaces.joined.get("time")) is not None:
        plan.own_memory = True  # setns(2) into a time namespace wants no memory shared with another process
        plan.call("setns", time, CLONE.NEWTIME, why="join a time namespace")
    if (mount := namespaces.joined.get("mount")) is not None:
        plan.call("setns", mount, CLONE.NEWNS, why="join a mount namespace, and have its root")


def enter_ready(plan: Plan, namespaces: Namespaces) -> None:
    """The network namespace that somebody has furnished: before sysfs(5) shows whose network the process sees."""
    if namespaces.network is not None:
        plan.part = "network"
        why = "enter the network namespace that was made ready outside"
        plan.call("setns", namespaces.network, CLONE.NEWNET, why=why)


def enter_first(plan: Plan, init: Input, types: Collection[str], *, mounts: bool = False) -> set[str]:
    """As the init of a running container: what only a child comes to be in. `init`: its pidfd (setns(2)). With `mounts`
    its mount namespace as well: whoever is seen inside tells there what is mounted where he is. Returns the types that
    are still to be entered."""
    plan.part = "namespaces"
    flags = CLONE(0)
    left = set(types) - {"pid", "time"}
    if "pid" in types:
        flags |= CLONE.NEWPID
        if mounts and "mount" in types:
            flags |= CLONE.NEWNS
            left.remove("mount")
    if "time" in types:
        plan.own_memory = True
        flags |= CLONE.NEWTIME
    if flags:
        plan.call("setns", init, flags, why="be born into the container's PID namespace")
    plan.born()
    return left


def enter_then(plan: Plan, init: Input, types: Collection[str]) -> None:
    """All others of a running container at once."""
    plan.part = "namespaces"
    flags = CLONE(0)
    for type in types:
        if type not in ("pid", "time"):
            flags |= FLAGS[type]
    if flags:
        plan.call("setns", init, flags, why="enter the container's namespaces")


def make_time(plan: Plan, offsets: dict[str, TimeOffset], *, rootless: bool) -> None:
    """A time namespace, whose clocks can be moved until somebody is in it (time_namespaces(7))."""
    plan.part = "namespaces"
    plan.own_memory = True  # a child that shares the maker's memory would stay in the old one
    plan.call("unshare", CLONE.NEWTIME, why="a time namespace for children")
    if offsets:
        text = "".join(f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in offsets.items())
        write_own(plan, "timens_offsets", text, f"its clocks: {', '.join(offsets)}", rootless=rootless)


def write_own(plan: Plan, file: str, text: str, why: str, *, rootless: bool) -> None:
    """The go-between writes a file of its own in /proc. `rootless`: it belongs to root outside as long as nobody may
    look into us, so for this while somebody may (proc(5), "Files and directories"); only where memory is not shared."""
    if rootless:
        plan.own_memory = True
        plan.call("prctl", PR.SET_DUMPABLE, 1, 0, 0, 0, why=f"be allowed to write {file}")
    opened = plan.call("openat", AT_FDCWD, f"/proc/self/{file}", O.WRONLY | O.CLOEXEC, 0, why=why, result=file)
    plan.call("write", opened, text, len(text), why=why)
    if rootless:
        plan.call("prctl", PR.SET_DUMPABLE, 0, 0, 0, 0, why="and nobody may look into us again")
