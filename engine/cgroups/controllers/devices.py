"""Which device nodes may be opened and made: the lists of v1 (cgroup-v1/devices.rst), a program in v2."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.cgroups import device_filter
from engine.cgroups.cgroup import Cgroup
from engine.cgroups.errors import LimitError
from engine.spec.structs import DeviceCgroup


def restrict(cgroup: Cgroup, rules: Sequence[DeviceCgroup]) -> None:
    """Let `rules` hold in a new cgroup. Raises LimitError.

    In a user namespace there is no need to and no way: nobody in it can make a device node that works
    (user_namespaces(7)), and those that are bound into the container are meant for it.
    """
    if all(rule.allow for rule in rules):  # then there was nothing that they would be exceptions of
        return
    try:
        if cgroup.version("devices") == 1:
            for rule in rules:
                cgroup.write(f"devices.{'allow' if rule.allow else 'deny'}", _line(rule), cgroup.directory("devices"))
            return
        directory = os.open(cgroup.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            device_filter.attach(directory, rules)
        finally:
            os.close(directory)
    except OSError as error:
        if not isinstance(error, PermissionError) or not _in_user_namespace():
            raise LimitError(f"Devices can't be fenced off: {error.strerror}.", unsupported=True) from error


def _line(rule: DeviceCgroup) -> str:
    if rule.type in ("a", ""):
        return "a"
    major, minor = ("*" if number is None or number < 0 else number for number in (rule.major, rule.minor))
    return f"{rule.type} {major}:{minor} {rule.access or 'rwm'}"


def _in_user_namespace() -> bool:
    with open("/proc/self/uid_map") as file:
        return file.read().split() != ["0", "0", "4294967295"]
