"""What a failed launch could leave behind on the host."""

from __future__ import annotations

import socket
from pathlib import Path


def host_state() -> dict[str, object]:
    """Mounts and links of this namespace, to be compared before and after."""
    return {
        "mounts": Path("/proc/self/mountinfo").read_text(),
        "links": socket.if_nameindex(),  # /sys/class/net is of the namespace that sysfs was mounted in
    }
