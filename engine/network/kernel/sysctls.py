"""Settings below /proc/sys/net, of the network namespace that the calling thread is in. Imports the steps.

Source: the kernel's Documentation/networking/ip-sysctl.rst.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from engine.receipts.steps import step

_ROOT = "/proc/sys/net"


def write(name: str, value: int | str) -> None:
    """Write one, by its path: "ipv4/conf/eth0/arp_notify". Raises OSError with the file's name."""
    with step("write", f"{_ROOT}/{name}", str(value).encode()):
        file = os.open(f"{_ROOT}/{name}", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, str(value).encode())
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{_ROOT}/{name}") from None
        finally:
            os.close(file)


def write_if_there(name: str, value: int | str) -> bool:
    """The same, where the kernel has it (IPv6 may be switched off, a setting may be newer); false where it has not."""
    try:
        write(name, value)
    except FileNotFoundError:
        return False
    return True


def read(name: str) -> str:
    """What is set, empty where the kernel does not have it."""
    try:
        return Path(_ROOT, name).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def prepare_container() -> None:
    """What a container's namespace has that was just made, as Docker and Podman have it.

    - Docker: any port may be listened on, and ping works, without a capability
      (`net.ipv4.ip_unprivileged_port_start`, `ping_group_range`). `--sysctl` of the user comes later, and wins.
    - Podman (netavark), as the default of all interfaces to come: who comes up tells the neighbours (`arp_notify`, and
      `ndisc_notify` for IPv6), so that an address that was another container's is found at once; answers may come back
      on another interface than the way out (`rp_filter` 2); no router's advertisement of another container is believed.
    - A container is no IPv6 router. Whether it is one for IPv4 is inherited from the host, as with Docker.
    """
    write("ipv4/ip_unprivileged_port_start", 0)
    _let_everybody_ping()
    write("ipv4/conf/default/arp_notify", 1)
    write("ipv4/conf/default/rp_filter", 2)
    if write_if_there("ipv6/conf/all/forwarding", 0):
        write("ipv6/conf/default/accept_ra", 0)
        write("ipv6/conf/default/autoconf", 0)
        write("ipv6/conf/default/ndisc_notify", 1)


def _let_everybody_ping() -> None:
    """Groups that are not mapped into our user namespace can't be named: only those up to the last one that is."""
    try:
        write("ipv4/ping_group_range", "0 2147483647")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        rows = [[int(word) for word in line.split()] for line in Path("/proc/self/gid_map").read_text().splitlines()]
        last = max((first + size - 1 for first, _, size in rows), default=0)
        write("ipv4/ping_group_range", f"0 {last}")
