"""Relabelling for SELinux: `z` and `Z` of a mount. Blocks.

Source: libselinux and Docker's `label.Relabel`: `Z` gives a source the container's own label, `z` the same without its
categories, which every container may use.
"""

from __future__ import annotations

import errno
import os

ATTRIBUTE = "security.selinux"
FORBIDDEN = frozenset(
    {"/", "/usr", "/etc", "/home", "/root", "/boot", "/var", "/bin", "/sbin", "/lib", "/dev", "/proc"}
)


def relabel(source: str, label: str, *, shared: bool) -> None:
    """Give `source` and all below it the mount label of a container, `user:role:type:level`.

    Raises OSError; PermissionError for a directory that the host itself lives by.
    """
    source = os.path.realpath(source)
    if source in FORBIDDEN:
        raise PermissionError(1, "the host needs the labels that it has; leave z and Z away", source)
    value = (":".join(label.split(":")[:4]) if shared else label).encode() + b"\0"
    os.setxattr(source, ATTRIBUTE, value, follow_symlinks=False)
    if not os.path.isdir(source):
        return
    try:
        # By descriptors: a container that has the source already could put links in our way.
        for _, directories, files, where in os.fwalk(source):
            for name in (*directories, *files):
                os.setxattr(f"/proc/self/fd/{where}/{name}", ATTRIBUTE, value, follow_symlinks=False)
    except RecursionError:
        raise OSError(errno.ENAMETOOLONG, "directories are nested too deeply", source) from None
