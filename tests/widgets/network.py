"""A machine's networks as plain values, for tests of widgets."""

from __future__ import annotations

from widgets.network import Flow, HostInterface, MapContainer, MapEndpoint, MapNetwork, MapPort, NetworkMap


def _endpoint(network: str, interface: str, link: str, *addresses: str) -> MapEndpoint:
    return MapEndpoint(network, interface, link, addresses)


NETWORKS = (
    MapNetwork(
        "n0", "default", "hb-0a", ("10.88.0.0/24", "fd12:3456:789a::/64"), ("10.88.0.1", "fd12::1"), default=True
    ),
    MapNetwork("n1", "backend", "hb-1a", ("10.88.1.0/24",), ("10.88.1.1",)),
    MapNetwork("n2", "vault", "hb-2a", ("10.88.2.0/24",), ("10.88.2.1",), internal=True),
    MapNetwork("n3", "empty", "hb-3a", ("10.88.3.0/24",), ("10.88.3.1",)),
)
WEB = MapContainer(
    "web",
    "web",
    (_endpoint("n1", "eth1", "hweb.1", "10.88.1.2"), _endpoint("n0", "eth0", "hweb.0", "10.88.0.2", "fd12::2")),
    (MapPort(":8080", "80/tcp"), MapPort("127.0.0.1:8443", "443/tcp")),
)
CONTAINERS = (
    WEB,
    MapContainer(
        "api", "api", (_endpoint("n1", "eth0", "hapi.0", "10.88.1.3"), _endpoint("n2", "eth1", "hapi.1", "10.88.2.2"))
    ),
    MapContainer("db", "db", (_endpoint("n2", "eth0", "hdb.0", "10.88.2.3"),)),
    MapContainer("client", "client", (_endpoint("n0", "eth0", "hclient.0", "10.88.0.3"),)),
    MapContainer("sidecar", "sidecar", note="shares web's network", of="web"),
    MapContainer("exporter", "exporter", note="has the host's network", on_host=True),
    MapContainer("lonely", "lonely", note="loopback only"),
)
MACHINE = NetworkMap(
    (HostInterface("eth0", ("192.0.2.10/24",)), HostInterface("wlan0", (), False)),
    NETWORKS,
    CONTAINERS,
    way_out="masquerade: leaves with the host's address",
)
FLOWS = {
    "eth0": Flow(1.2e6, 34e3),
    "hb-0a": Flow(1.2e6, 30e3),
    "hweb.0": Flow(34e3, 1.2e6),
    "hweb.1": Flow(500, 900),
    "hapi.0": Flow(900, 500),
    "hapi.1": Flow(),
    "hclient.0": Flow(150e6, 3e6),
}
