"""Commands of networks. Imports command."""

from __future__ import annotations

from engine.protocol.messages import Status
from heliostui.keymap.command import ANY, RUNNING, Command


def _network(id: str, action: str, keys: str, label: str, help: str, states: frozenset[Status]) -> Command:
    return Command(id, action, keys, label, help, states, "Networks", changes=True, place="containers")


NETWORKS = (
    _network("network.publish", "publish", "P", "Publish…", "Publish one more of its ports", ANY),
    _network("network.connect", "connect", "C", "Connect…", "Put it into one more network", ANY),
    _network(
        "network.take-back",
        "take_back",
        "",
        "Take back",
        "Take back the port, or leave the network, under the cursor",
        ANY,
    ),
    _network(
        "network.capture",
        "capture",
        "c",
        "Capture…",
        "Capture its traffic to a pcap file; the same key ends it",
        RUNNING,
    ),
    Command(
        "network.map",
        "map",
        "N,0",
        "Map",
        "The networks of the machine as a map, with live traffic",
        group="Networks",
        footer=True,
        place="containers",
    ),
)
