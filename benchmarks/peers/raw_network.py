"""What a container's network is made of, by `ip -batch` and `nft -f`, all that can be said at once in one batch.

a network namespace, a veth pair, one end on a bridge; addresses and default routes of both families;
an element for the published port in the maps of a table, and for its traffic
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

BRIDGE, END, NAMESPACE, TABLE = "raw0", "rawveth", "rawcontainer", "inet raw"
HOST = [
    f"link add {END} mtu 1500 type veth peer name eth0 mtu 1500 netns {NAMESPACE}",
    f"link set {END} master {BRIDGE} up",
]
CONTAINER = [
    "link set lo up",
    "address add 10.99.0.2/24 dev eth0",
    "address add fd99::2/64 dev eth0 nodad",
    "link set eth0 up",
    "route add default via 10.99.0.1",
    "route add default via fd99::1",
]
MAPS = (
    "map ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }",
    "map ports6 { type inet_proto . inet_service : ipv6_addr . inet_service; }",
    "set traffic4 { type ipv4_addr . inet_proto . inet_service; counter; }",
    "set traffic6 { type ipv6_addr . inet_proto . inet_service; counter; }",
)
ELEMENTS = (
    "ports4 { tcp . 8090 : 10.99.0.2 . 80 }",
    "ports6 { tcp . 8090 : fd99::2 . 80 }",
    "traffic4 { 10.99.0.2 . tcp . 80 }",
    "traffic6 { fd99::2 . tcp . 80 }",
)


class Raw:
    """The bridge and the table are there from `__init__` on, as ours are before the first container."""

    def __init__(self, directory: Path) -> None:
        self._files = {name: directory / name for name in ("host", "container", "publish", "unpublish")}
        self._files["host"].write_text("\n".join(HOST))
        self._files["container"].write_text("\n".join(CONTAINER))
        self._files["publish"].write_text("".join(f"add element {TABLE} {each}\n" for each in ELEMENTS))
        self._files["unpublish"].write_text("".join(f"delete element {TABLE} {each}\n" for each in ELEMENTS))
        sh(f"ip link add {BRIDGE} type bridge && ip address add 10.99.0.1/24 dev {BRIDGE}")
        sh(f"ip address add fd99::1/64 dev {BRIDGE} nodad && ip link set {BRIDGE} up")
        sh(f"nft 'table {TABLE} {{ {'; '.join(MAPS)}; }}'")

    def attach(self) -> float:
        """Seconds to give a container a network and a port. All is taken back while nobody looks at the clock."""
        host, container, publish, unpublish = self._files.values()
        begin = time.monotonic()
        sh(f"ip netns add {NAMESPACE}; ip -batch {host} && ip -n {NAMESPACE} -batch {container} && nft -f {publish}")
        took = time.monotonic() - begin
        sh(f"nft -f {unpublish} && ip link delete {END} && ip netns delete {NAMESPACE}")
        return took

    def close(self) -> None:
        sh(f"ip link delete {BRIDGE} && nft delete table {TABLE}")


def sh(script: str) -> str:
    """What it prints; it must succeed."""
    return subprocess.run(["sh", "-ec", script], stdout=subprocess.PIPE, text=True, check=True).stdout
