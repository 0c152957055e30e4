"""pasta(1), of passt: the way into the world that is taken if it is there. Says how it is called; imports the model.

It works without any privilege, has IPv6 wherever the host has it, and connections through it look as if they were made
by a program of this user.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

NAME = "pasta"
PACKAGE = "passt"
MTU = 65520  # bytes: the largest there is, because every packet costs a system call


def words(path: str, namespace: str, interface: str, range4: IPv4Network, range6: IPv6Network) -> Sequence[str]:
    """The command: in the network namespace at the path `namespace` make and configure `interface`.

    The addresses are ours and not the host's, so that containers reach the host by its own. Nothing is published by
    it, in neither direction, and its gateway is not the host's loopback: what listens there stays out of reach.
    """
    return [
        path, "--foreground", "--quiet", "--netns", namespace, "--ns-ifname", interface, "--config-net",
        "--mtu", str(MTU),
        "--address", str(range4[100]), "--netmask", str(range4.prefixlen), "--gateway", str(range4[2]),
        "--address", str(range6[100]), "--gateway", str(range6[2]),
        "--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none",
        "--no-map-gw", "--no-dhcp", "--no-dhcpv6", "--no-ra",
    ]  # fmt: skip


def find() -> str | None:
    """Where it is installed."""
    return shutil.which(NAME)


def version(path: str) -> str:
    """What it says of itself, perhaps nothing. Blocks."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.match(r"pasta (\S+)", said)
    return found[1] if found and found[1] != "unknown" else ""
