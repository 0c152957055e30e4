"""AppArmor profile and SELinux label of the program (proc_pid_attr(5)).

The file is opened while the host's /proc is there, and written when all is done: the label holds from execve(2) on.
"""

from __future__ import annotations

import errno

from engine.sandbox.kernel import AT_FDCWD, O
from engine.sandbox.plan import Plan, Ref
from engine.spec.structs import Process

EXEC = "/proc/self/attr/exec"
APPARMOR_EXEC = "/proc/self/attr/apparmor/exec"  # since Linux 5.8; the one above is the first module's


Labels = list[tuple[str, Ref]]  # what is to be written, and to which file


def open_labels(plan: Plan, process: Process) -> Labels:
    """Open the files of those labels that the process shall have."""
    plan.part = "labels"
    labels: Labels = []
    flags = O.WRONLY | O.CLOEXEC
    if process.apparmor_profile:
        text = f"exec {process.apparmor_profile}"
        why = f"AppArmor profile {process.apparmor_profile}"
        new = plan.call("openat", AT_FDCWD, APPARMOR_EXEC, flags, 0, why=why, allow=[errno.ENOENT])
        old = plan.call("openat", AT_FDCWD, EXEC, flags, 0, why=why, if_failed=new)
        labels += [(text, new), (text, old)]  # one of the two is skipped
    if process.selinux_label:
        file = plan.call("openat", AT_FDCWD, EXEC, flags, 0, why=f"SELinux label {process.selinux_label}")
        labels.append((process.selinux_label, file))
    return labels


def write_labels(plan: Plan, labels: Labels) -> None:
    """From the next execve(2) on they hold."""
    plan.part = "labels"
    for text, file in labels:
        plan.call("write", file, text, len(text.encode()), why=f"label: {text}")
