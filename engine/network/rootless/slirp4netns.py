"""slirp4netns(1): the way into the world where there is no pasta. Says how it is called; imports the model.

It needs no route of the host to start, and little memory. Its IPv6 has a range that can't be chosen, and is not
configured by it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

NAME = "slirp4netns"
PACKAGE = "slirp4netns"
MTU = 65520  # bytes: the largest there is, because every packet costs a system call
RANGE6 = IPv6Network("fd00::/64")
PROTECTIONS = ("--enable-sandbox", "--enable-seccomp")  # of the host, from a defect of its; not everywhere possible


def words(
    path: str, namespace: str, interface: str, range4: IPv4Network, protections: Sequence[str] = PROTECTIONS
) -> Sequence[str]:
    """The command: in the network namespace at the path `namespace` make `interface`, and configure its IPv4.

    The host's loopback and its name servers are not reached through it.
    """
    return [
        path, "--configure", "--mtu", str(MTU), "--cidr", str(range4), "--enable-ipv6", "--disable-host-loopback",
        "--disable-dns", *protections, "--netns-type", "path", namespace, interface,
    ]  # fmt: skip


def find() -> str | None:
    """Where it is installed."""
    return shutil.which(NAME)


def version(path: str) -> str:
    """What it says of itself, perhaps nothing. Blocks."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    found = re.match(r"slirp4netns version (\S+)", said)
    return found[1] if found else ""
