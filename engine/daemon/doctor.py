"""`doctor`: what this machine can and can't do for containers, and what each lack costs. Blocks briefly: use a thread.

Facts are read in `findings` and judged in one small pure function each. May import the engine's cgroups, heap.library,
network, protocol and system call numbers.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.cgroups import Hierarchy
from engine.heap import library
from engine.network.names import upstream
from engine.network.nftables import nft
from engine.network.rootless import way_out
from engine.protocol.messages import Finding, ImageSummary
from engine.sandbox.kernel import FSCONFIG, FSOPEN
from engine.sandbox.portable import system_call
from engine.sandbox.syscalls import NUMBERS

TUN = "/dev/net/tun"
YAMA = "/proc/sys/kernel/yama/ptrace_scope"
NEEDED = (5, 12)  # mount_setattr(2)
SETTINGS = {  # what keeps ordinary users from user namespaces, and the value that does
    "/proc/sys/user/max_user_namespaces": "0",
    "/proc/sys/kernel/unprivileged_userns_clone": "0",  # Debian
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",  # Ubuntu
}


def findings(rootless: bool, hierarchy: Hierarchy, images: Sequence[ImageSummary], executor: str) -> list[Finding]:
    """One line per ability. `executor` is fast or portable, `images` all built-in ones, available or not."""
    found = [
        kernel(platform.release()),
        user_namespaces(rootless, [path for path, value in SETTINGS.items() if _read(path).strip() == value]),
        overlay(rootless, overlay_error()),
        seccomp(_read("/proc/sys/kernel/seccomp/actions_avail")),
        cgroups(hierarchy),
        terminals("devpts" in _read("/proc/filesystems").split()),
        launcher(executor),
        heap(library.path() is not None, _read(YAMA).strip()),
        limits(hierarchy.controllers(), hierarchy.reason),
        network(rootless, has_nftables(), way_out.installed(), os.access(TUN, os.R_OK | os.W_OK)),
        names(_read(str(upstream.RESOLV_CONF))),
    ]
    if rootless:
        helpers = [name for name in ("newuidmap", "newgidmap") if shutil.which(name)]
        found.append(subordinate_ids(_ids("/proc/self/uid_map"), _ids("/proc/self/gid_map"), helpers))
    return [*found, *map(image, images)]


def kernel(release: str) -> Finding:
    """`release` as uname(2) gives it."""
    version = tuple(map(int, re.findall(r"\d+", release)[:2]))
    if version >= NEEDED:
        return Finding(name="kernel", status="ok", text=f"Linux {release} has all calls that a launch is made of.")
    text = f"Linux {release} lacks mount_setattr(2): containers can't be started before Linux 5.12."
    return Finding(name="kernel", status="missing", text=text)


def user_namespaces(rootless: bool, forbidding: Sequence[str]) -> Finding:
    """`forbidding`: the settings that keep ordinary users out."""
    name = "user namespaces"
    if rootless:
        return Finding(name=name, status="ok", text="The engine runs in one, without any privilege on this machine.")
    if forbidding:
        text = f"{' and '.join(forbidding)} forbids them: only root can run heliostui here."
        return Finding(name=name, status="limited", text=text)
    if not os.path.exists("/proc/self/ns/user"):
        text = "This kernel is built without them: only root can run heliostui here."
        return Finding(name=name, status="limited", text=text)
    return Finding(name=name, status="ok", text="Ordinary users can run heliostui as well.")


def overlay(rootless: bool, error: int) -> Finding:
    """`error`: the errno of an overlay tried out, 0 where there was none."""
    if error == 0:
        where = " in a user namespace" if rootless else ""
        text = f"Images are shared by containers, each with its own writable layer (overlay{where})."
        return Finding(name="overlay", status="ok", text=text)
    advice = "Linux 5.11 is the first to allow it to ordinary users" if rootless else "try modprobe overlay"
    text = f"An overlay can't be mounted ({os.strerror(error)}): containers can't be started; {advice}."
    return Finding(name="overlay", status="missing", text=text)


def seccomp(actions: str) -> Finding:
    """`actions` as in /proc/sys/kernel/seccomp/actions_avail, seccomp(2)."""
    if "errno" in actions.split():
        return Finding(
            name="seccomp", status="ok", text="System calls of containers are filtered; no library is needed."
        )
    text = "This kernel can't filter system calls: containers can't be started with the default profile."
    return Finding(name="seccomp", status="missing", text=text)


def cgroups(hierarchy: Hierarchy) -> Finding:
    if hierarchy.version == 2:
        text = f"Containers live in cgroup2, at {hierarchy.base}: each is paused and killed as a whole."
        return Finding(name="cgroups", status="ok", text=text)
    if hierarchy.version == 1:
        text = f"Containers live in the v1 freezer, at {hierarchy.base}: pausing works, killing takes a little longer."
        return Finding(name="cgroups", status="ok", text=text)
    return Finding(name="cgroups", status="missing", text=f"{hierarchy.reason} Until then nothing can be paused.")


def terminals(devpts: bool) -> Finding:
    if devpts:
        return Finding(name="terminals", status="ok", text="Every container has terminals of its own (devpts).")
    text = "This kernel has no devpts: containers can't be started."
    return Finding(name="terminals", status="missing", text=text)


def launcher(executor: str) -> Finding:
    if executor == "fast":
        return Finding(name="launcher", status="ok", text="Launches are carried out by the fast executor (C).")
    text = (
        "The fast executor was not built, and launches take about twice as long: install gcc and the Python headers, "
        "then install heliostui again."
    )
    return Finding(name="launcher", status="limited", text=text)


def heap(compiled: bool, ptrace_scope: str) -> Finding:
    """`ptrace_scope`: Yama's setting, empty without it (Documentation/admin-guide/LSM/Yama.rst)."""
    if not compiled:
        text = "The allocator was not built, so there are no --heap and no playgrounds: install gcc and reinstall."
        return Finding(name="heap", status="limited", text=text)
    if ptrace_scope == "3":
        text = f"{YAMA} forbids to read other programs' memory: heaps of containers can't be shown."
        return Finding(name="heap", status="limited", text=text)
    return Finding(
        name="heap", status="ok", text="Programs can use our allocator (--heap), and their heaps be watched."
    )


def limits(controllers: Mapping[str, int], reason: str) -> Finding:
    """`controllers`: those that containers have, with their version; `reason`: why others are not ours."""
    names = {
        "cpu": "CPU time",
        "memory": "memory",
        "pids": "processes",
        "io": "disks",
        "cpuset": "CPUs",
        "hugetlb": "huge pages",
    }
    there = [f"{what} (v{controllers[name]})" for name, what in names.items() if name in controllers]
    lacking = [what for name, what in names.items() if name not in controllers]
    if not there:
        text = f"No limits can be set: a container may take all of the machine. {reason}".strip()
        return Finding(name="limits", status="missing", text=text)
    text = f"Limits can be set on {', '.join(there)}."
    if lacking:
        why = f" {reason}" if reason else " This kernel has no more controllers."
        return Finding(name="limits", status="limited", text=f"{text} Not on {', '.join(lacking)}:{why}")
    return Finding(name="limits", status="ok", text=text)


def network(rootless: bool, nftables: bool, programs: Sequence[str], tun: bool) -> Finding:
    """`nftables`: whether its library is there. For ordinary users: `programs` that could connect their containers,
    with versions, the first one is taken; `tun`: whether they could make an interface."""
    name = "network"
    if not nftables:
        text = f"Containers have loopback only: {nft.LIBRARY} is missing; install nftables."
        return Finding(name=name, status="missing", text=text)
    if not rootless:
        text = "Containers have networks with IPv4 and IPv6, reach the world, and are reached at published ports."
        return Finding(name=name, status="ok", text=text)
    if not programs:
        text = f"Containers have loopback only, because no program connects them to the world: {way_out.NONE}"
        return Finding(name=name, status="missing", text=text)
    if not tun:
        text = f"Containers have loopback only, because {TUN} can't be used: root runs `modprobe tun`."
        return Finding(name=name, status="missing", text=text)
    text = f"Containers have networks; {programs[0]} connects them to the world, as this user."
    return Finding(name=name, status="ok", text=text)


def has_nftables() -> bool:
    """Whether libnftables(3) can be loaded."""
    try:
        ctypes.CDLL(nft.LIBRARY)
    except OSError:
        return False
    return True


def names(resolv_conf: str) -> Finding:
    """`resolv_conf`: the text of the host's."""
    servers = ", ".join(map(str, upstream.parse(resolv_conf).servers))
    if any(line.split()[:1] == ["nameserver"] for line in resolv_conf.splitlines()):
        text = f"Containers know each other by name; other names are asked of {servers}, this machine's name servers."
        return Finding(name="names", status="ok", text=text)
    text = (
        f"{upstream.RESOLV_CONF} names no name server, so {servers} is asked: put one there, or give containers --dns, "
        "if they find nobody but each other."
    )
    return Finding(name="names", status="limited", text=text)


def subordinate_ids(users: int, groups: int, helpers: Sequence[str]) -> Finding:
    """`users`, `groups`: how many ids the engine's user namespace has."""
    name = "subordinate ids"
    if users > 1 and groups > 1:
        return Finding(name=name, status="ok", text=f"Containers have {users} users and {groups} groups.")
    lacking = [helper for helper in ("newuidmap", "newgidmap") if helper not in helpers]
    advice = f"install {' and '.join(lacking)} (package uidmap)" if lacking else "give yourself ranges by usermod(8)"
    text = (
        "Containers have one user, root: --user with another one fails, and so do programs that change to one; "
        f"{advice}, see subuid(5), and restart the engine."
    )
    return Finding(name=name, status="limited", text=text)


def image(summary: ImageSummary) -> Finding:
    if summary.available:
        return Finding(name=f"image {summary.name}", status="ok", text=f"{summary.description}.")
    return Finding(name=f"image {summary.name}", status="missing", text=summary.reason)


def overlay_error() -> int:
    """Make an overlay file system, mounted nowhere, and let it go again: 0 or the errno. fsopen(2), fsconfig(2)."""

    def text(value: str) -> int:
        kept.append(ctypes.create_string_buffer(value.encode()))
        return ctypes.addressof(kept[-1])

    kept: list[ctypes.Array[ctypes.c_char]] = []
    context = system_call(NUMBERS["fsopen"], text("overlay"), FSOPEN.CLOEXEC)
    if context < 0:
        return -context
    try:
        layers = (text("lowerdir"), text("/usr:/etc"))
        for command, key, value in ((FSCONFIG.SET_STRING, *layers), (FSCONFIG.CMD_CREATE, 0, 0)):
            result = system_call(NUMBERS["fsconfig"], context, command, key, value, 0)
            if result < 0:
                return -result
        return 0
    finally:
        os.close(context)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # not on this kernel, or not for us
        return ""


def _ids(path: str) -> int:
    """How many ids a map of user_namespaces(7) has."""
    return sum(int(line.split()[2]) for line in _read(path).splitlines())
