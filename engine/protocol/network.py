"""Networks, published ports, names and health as people ask for them and see them. Imports value and msgspec.

Addresses are text as `ipaddress` writes it; rates and counters are bytes and packets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from engine.protocol.value import Value

Protocol = Literal["tcp", "udp"]


class NetworkOption(Value, frozen=True, forbid_unknown_fields=True):
    """One network that a container shall be in: `--network NAME[:ip=…,alias=…]`."""

    name: str
    ip: str | None = None  # None: the next one that is free
    ip6: str | None = None
    mac: str | None = None  # None: made of the address
    aliases: list[str] = []  # further names in this network


class PortOption(Value, frozen=True, forbid_unknown_fields=True):
    """`-p [ADDRESS:]HOST[-LAST]:CONTAINER[-LAST][/tcp|udp]`. Ranges are of one length; or a range of the host's, of
    which a single port of the container gets the first that is free."""

    container: int
    container_last: int | None = None
    host: int | None = None  # None: any that is free
    host_last: int | None = None
    address: str | None = None  # of the host; None: all of them, of both families
    protocol: Protocol = "tcp"


class HealthCheck(Value, frozen=True, forbid_unknown_fields=True):
    """`--health-cmd` and what belongs to it. Times in seconds, as Docker's defaults."""

    command: list[str]  # run in the container; exit status 0: healthy
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3  # failures in a row until it counts as unhealthy
    start_period: float = 0.0  # in which failures do not count
    start_interval: float = 5.0  # between checks in that period


class HealthProbe(Value, frozen=True):
    """One check that was made. `output`: its first 4,096 bytes."""

    started_at: datetime
    finished_at: datetime
    exit_code: int
    output: str = ""


class Health(Value, frozen=True):
    """How a container with a health check is."""

    status: Literal["starting", "healthy", "unhealthy"]
    failures: int = 0  # in a row
    probes: list[HealthProbe] = []  # the last five, the newest last


class Subnet(Value, frozen=True):
    """One address range of a network, and the address of the bridge in it: "10.88.1.0/24", "10.88.1.1"."""

    subnet: str
    gateway: str


class Member(Value, frozen=True):
    """A running container in a network."""

    container: str  # its name
    id: str
    interface: str  # its name inside: "eth0"
    host_interface: str  # the other end of the veth, on the bridge
    mac: str
    ip: str | None = None
    ip6: str | None = None
    aliases: list[str] = []


class NetworkDetail(Value, frozen=True):
    """One network as `network inspect` tells it."""

    id: str
    name: str
    bridge: str  # its interface on the host
    subnets: list[Subnet]
    created_at: datetime
    internal: bool = False  # no way out of it
    mtu: int = 1500
    labels: dict[str, str] = {}
    default: bool = False  # where containers are that name no network
    members: list[Member] = []
    used_by: list[str] = []  # names of all containers that ask for it, running or not


class PortMapping(Value, frozen=True):
    """A published port in force."""

    container_port: int
    protocol: Protocol
    address: str  # of the host: "0.0.0.0", "::", "127.0.0.1"
    port: int


class EndpointDetail(Value, frozen=True):
    """What a container has in one network. Empty addresses: it is not running."""

    network: str
    interface: str = ""
    host_interface: str = ""
    bridge: str = ""
    mac: str = ""
    ip: str = ""
    ip_prefix: int = 0
    gateway: str = ""
    ip6: str = ""
    ip6_prefix: int = 0
    gateway6: str = ""
    aliases: list[str] = []


class ContainerNetworks(Value, frozen=True):
    """The `network` object of a container's `inspect`."""

    mode: Literal["networks", "none", "host", "container", "path"] = "none"
    endpoints: list[EndpointDetail] = []
    ports: list[PortMapping] = []
    reason: str = ""  # why it has loopback only, where it would have been given the default network


# --- what the console shows ---


class Counters(Value, frozen=True):
    """Of one interface, seen from its owner: received and sent so far (`rtnl_link_stats64`)."""

    received: int = 0  # bytes
    sent: int = 0
    received_packets: int = 0
    sent_packets: int = 0
    dropped: int = 0


class Interface(Value, frozen=True):
    """One interface of the host or of a container. `kind`: bridge, veth, loopback, tun, physical …"""

    name: str
    kind: str
    up: bool
    mtu: int
    mac: str = ""
    addresses: list[str] = []  # with their prefix lengths
    counters: Counters = Counters()
    master: str = ""  # the bridge it belongs to
    container: str = ""  # of a veth on the host: whose other end it is, by name
    network: str = ""  # of a bridge or veth: which network's, by name


class MapContainer(Value, frozen=True):
    """A running container on the map."""

    id: str
    name: str
    mode: Literal["networks", "none", "host", "container", "path"]
    endpoints: list[EndpointDetail] = []
    ports: list[PortMapping] = []
    of: str = ""  # mode container: whose networks it shares


class Route(Value, frozen=True):
    """One line of `ip route`. `destination` "default" or a prefix; `source` the address preferred."""

    destination: str
    interface: str
    gateway: str = ""
    source: str = ""
    scope: str = ""
    protocol: str = ""
    metric: int = 0
    family: Literal[4, 6] = 4


class Neighbour(Value, frozen=True):
    """One line of `ip neigh`. `state`: reachable, stale, failed …; `name`: of the container whose address it is."""

    address: str
    interface: str
    mac: str = ""
    state: str = ""
    name: str = ""


class Socket(Value, frozen=True):
    """One socket, as ss(8). `pid` and `command`: the process that has it open, the first one of them."""

    protocol: Literal["tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix"]
    state: str
    local: str  # address:port; unix: the path
    remote: str = ""
    received: int = 0  # bytes in the queues; of a listener: connections that wait, and how many may
    sent: int = 0
    pid: int | None = None
    command: str = ""
    uid: int | None = None


class RuleView(Value, frozen=True):
    """One rule, or element of a map, of our nftables table. `words`: what it does, for people: "destination 8080 of
    this host goes to web:80". Counters are None where nothing counts."""

    chain: str
    text: str  # as nft(8) writes it
    words: str
    containers: list[str] = []  # names of those that it concerns; empty: all
    packets: int | None = None
    bytes: int | None = None


class DnsQuery(Value, frozen=True):
    """A question to our resolver and what became of it. `source`: our names, an upstream's address, or refused."""

    time: float  # seconds since the epoch
    container: str  # who asked, by name; empty: not known
    name: str
    type: str  # A, AAAA, PTR …
    answer: str  # "10.88.0.2", "NXDOMAIN", "SERVFAIL" …
    source: str = ""
    milliseconds: float = 0.0
