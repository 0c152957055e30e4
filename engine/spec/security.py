"""What hides the kernel from a container, and labels: `--security-opt`, `--privileged`. Seccomp is in `seccomp`.

Looks at what the host has. Imports the errors. Sources: moby `oci/defaults.go`; apparmor(7), selinux(8),
container_selinux(8).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode

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
APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
APPARMOR_PROFILES = Path("/sys/kernel/security/apparmor/profiles")
SELINUX = Path("/sys/fs/selinux/enforce")
SELINUX_CONTEXT = {"user": "system_u", "role": "system_r", "type": "container_t", "level": "s0"}
SELINUX_FILES = "container_file_t"


def apparmor_profile(asked: str | None) -> str:
    """The profile to run under, "" for none. Raises EngineError: UNSUPPORTED where the host has no AppArmor, INVALID
    where the profile is not loaded."""
    if asked is None or (asked == "unconfined" and not _says(APPARMOR, "Y")):
        return ""
    if not _says(APPARMOR, "Y"):
        raise EngineError(
            ErrorCode.UNSUPPORTED,
            f"The AppArmor profile {asked!r} can't be applied: this kernel runs without AppArmor.",
        )
    try:
        loaded = [line.rpartition(" (")[0] for line in APPARMOR_PROFILES.read_text().splitlines()]
    except OSError:  # only root may read it; the kernel will tell
        return asked
    if asked not in (*loaded, "unconfined"):
        raise EngineError(
            ErrorCode.INVALID, f"The AppArmor profile {asked!r} is not loaded: apparmor_parser -r FILE loads one."
        )
    return asked


def selinux_labels(asked: Sequence[str]) -> tuple[str, str]:
    """The labels of the process and of its mounts, "" for none. `asked`: `user:U`, `role:R`, `type:T`, `level:L`,
    `filetype:T` or `disable`. Raises EngineError INVALID, and UNSUPPORTED where the host has no SELinux."""
    context, files = dict(SELINUX_CONTEXT), SELINUX_FILES
    for text in asked:
        key, _, value = text.partition(":")
        if text == "disable":
            continue
        if not value or (key not in context and key != "filetype"):
            raise EngineError(
                ErrorCode.INVALID,
                f"{text!r} is no SELinux label: write user:, role:, type:, level: or filetype: and a name, or disable.",
            )
        if key == "filetype":
            files = value
        else:
            context[key] = value
    if not asked or "disable" in asked:
        return "", ""
    if not SELINUX.exists():
        raise EngineError(
            ErrorCode.UNSUPPORTED,
            f"The SELinux label {asked[0]!r} can't be applied: this machine runs without SELinux.",
        )
    user, role, type, level = context.values()
    return f"{user}:{role}:{type}:{level}", f"{user}:object_r:{files}:{level}"


def _says(path: Path, word: str) -> bool:
    try:
        return path.read_text().strip() == word
    except OSError:
        return False
