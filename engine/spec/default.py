"""The OCI spec of a container from what a person asked for: Docker's defaults, and the checks of what was asked.

Pure but for reading this process's own id maps. Imports the protocol, the structs and `engine.images.image`.
Sources: moby `oci/defaults.go` and `oci/caps/defaults.go`; OCI runtime-spec config-linux.md, "Default Devices".
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec.structs import (
    Capabilities,
    ConsoleSize,
    Device,
    Linux,
    Mount,
    Namespace,
    Process,
    Root,
    Seccomp,
    Spec,
    User,
)
from engine.spec.user import Account

NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
)
DEVICES = tuple(
    Device(path=f"/dev/{name}", type="c", major=major, minor=minor)
    for name, major, minor in (
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("tty", 5, 0),
    )
)
MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
QUIET = ["nosuid", "noexec", "nodev"]
TTY_GROUP = 5
HOSTNAME_MAXIMUM = 64  # bytes, sethostname(2)
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def from_options(
    options: ContainerOptions,
    image: Image,
    container_id: str,
    root_path: str,
    account: Account,
    seccomp: Seccomp | None = None,
) -> Spec:
    """What `options` mean for a container of `image` whose merged root will be at `root_path`.

    Raises EngineError INVALID, naming the option.
    """
    hostname = container_id if options.hostname is None else options.hostname
    check(options)
    user = mapped_user(account.user)
    command = options.command or list(image.command)
    if not command or not command[0]:
        why = "The command is empty" if command else f"No command was given, and {image.name} has none of its own"
        raise EngineError(ErrorCode.INVALID, f"{why}: name the program to run.")
    return Spec(
        root=Root(path=root_path, readonly=options.read_only),
        hostname=hostname,
        process=Process(
            args=command,
            cwd=options.workdir or image.workdir,
            env=environment(options, image, hostname, account.home),
            terminal=options.tty,
            console_size=ConsoleSize(height=options.lines, width=options.columns) if options.tty else None,
            user=user,
            capabilities=capabilities(user),
            no_new_privileges=True,
        ),
        mounts=mounts(),
        linux=Linux(
            namespaces=[Namespace(type=name) for name in NAMESPACES],
            devices=list(DEVICES),
            cgroups_path=f"/heliostui/{container_id}",
            seccomp=seccomp,
            masked_paths=[*MASKED, *image.masked],
            readonly_paths=list(READ_ONLY),
        ),
    )


def environment(options: ContainerOptions, image: Image, hostname: str, home: str) -> list[str]:
    """Ours, then the image's, then the user's; the last one to set a name wins, names keep their first place."""
    ours = [f"HOME={home}", f"HOSTNAME={hostname}", *(["TERM=xterm-256color"] if options.tty else [])]
    merged = {entry.partition("=")[0]: entry for entry in (*image.env, *ours, *options.env)}
    return list(merged.values())


def capabilities(user: User) -> Capabilities:
    """Docker's fourteen for root. Another user gets them in the bounding set only, as execve(2) would have it."""
    names = list(CAPABILITIES)
    return (
        Capabilities(bounding=names, effective=names, permitted=names)
        if user.uid == 0
        else Capabilities(bounding=names)
    )


def mounts() -> list[Mount]:
    pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    if is_mapped(TTY_GROUP, "gid"):  # devpts refuses a group that its user namespace has not
        pts.append(f"gid={TTY_GROUP}")
    return [
        Mount(destination="/proc", type="proc", source="proc", options=QUIET),
        Mount(
            destination="/dev",
            type="tmpfs",
            source="tmpfs",
            options=["nosuid", "strictatime", "mode=755", "size=65536k"],
        ),
        Mount(destination="/dev/pts", type="devpts", source="devpts", options=pts),
        Mount(destination="/dev/shm", type="tmpfs", source="shm", options=[*QUIET, "mode=1777", "size=65536k"]),
        Mount(destination="/dev/mqueue", type="mqueue", source="mqueue", options=QUIET),
        Mount(destination="/sys", type="sysfs", source="sysfs", options=[*QUIET, "ro"]),
        Mount(destination="/sys/fs/cgroup", type="cgroup", source="cgroup", options=[*QUIET, "relatime", "ro"]),
    ]


def check(options: ContainerOptions) -> None:
    """Refuse what no container could be made of."""
    for entry in options.env:
        if not entry.partition("=")[0] or "=" not in entry:
            raise EngineError(ErrorCode.INVALID, f"The environment entry {entry!r} is not of the form NAME=value.")
        _check_text("environment entry", entry)
    for argument in options.command:
        _check_text("command argument", argument)
    if options.workdir is not None:
        check_workdir(options.workdir)
    if options.hostname is not None:
        _check_hostname(options.hostname)
    if options.image is not None and options.rootfs is not None:
        raise EngineError(ErrorCode.INVALID, "Give an image or a root filesystem, not both.")
    check_size(options.columns, options.lines)


def check_workdir(path: str) -> None:
    if not path.startswith("/"):
        raise EngineError(
            ErrorCode.INVALID, f"The working directory {path!r} is invalid, it needs to be an absolute path."
        )
    _check_text("working directory", path)


def check_size(columns: int, lines: int) -> None:
    """The sizes that a terminal can have (`struct winsize` of ioctl_tty(2) holds 16 bits)."""
    if not (0 < columns < 1 << 16 and 0 < lines < 1 << 16):
        raise EngineError(ErrorCode.INVALID, f"A terminal can't be {columns} columns by {lines} lines.")


def mapped_user(user: User) -> User:
    """`user` as far as this process's user namespace has its ids; setuid(2) and setgroups(2) refuse others (EINVAL).

    A supplementary group too many is dropped: nobody asked for it. Raises EngineError INVALID for uid and gid.
    """
    for kind, number in (("uid", user.uid), ("gid", user.gid)):
        if not is_mapped(number, kind):
            raise EngineError(
                ErrorCode.INVALID,
                f"The {kind} {number} is not among the ids that this user may use: add ranges to /etc/subuid and "
                "/etc/subgid, install newuidmap (package uidmap), and restart the engine.",
            )
    groups = [gid for gid in user.additional_gids if is_mapped(gid, "gid")]
    return msgspec.structs.replace(user, additional_gids=groups)


def is_mapped(number: int, kind: str) -> bool:
    """Is the id in this process's user namespace? user_namespaces(7), `/proc/self/uid_map`."""
    for line in Path(f"/proc/self/{kind}_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= number < first + count:
            return True
    return False


def _check_hostname(name: str) -> None:
    labels = name.split(".")
    if len(name) > HOSTNAME_MAXIMUM or not all(re.fullmatch(LABEL, label) for label in labels):
        raise EngineError(
            ErrorCode.INVALID,
            f"The hostname {name!r} is invalid: letters, digits and inner hyphens, in parts of at most 63 with dots "
            f"between them, {HOSTNAME_MAXIMUM} in all.",
        )


def _check_text(what: str, text: str) -> None:
    """What goes to the kernel is bytes that end at the first NUL."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise EngineError(ErrorCode.INVALID, f"The {what} {text!r} can't be written as UTF-8.") from None
    if "\0" in text:
        raise EngineError(ErrorCode.INVALID, f"The {what} {text!r} holds a NUL byte.")
