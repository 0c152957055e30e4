"""Our table as people read it: each rule, network and published port with words, containers and counters. Pure: imports
the model and the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from engine.network.model import Address, Network
from engine.protocol.network import RuleView

_COUNTED = re.compile(r"counter packets \d+ bytes \d+")
_PROTOCOLS = {6: "tcp", 17: "udp"}  # where there is no /etc/protocols nftables writes numbers
Value = Any  # of libnftables-json(5): text, number, or an object of them


@dataclass(frozen=True)
class Listing:
    """The table as nftables lists it: as values, and as text with the handles of the rules."""

    objects: Sequence[Mapping[str, Any]] = ()
    text: str = ""


def views(listing: Listing, names: Mapping[Address, str], networks: Iterable[Network]) -> list[RuleView]:
    """Rules in the order of the table, each followed by the elements that it looks up. `names`: of the containers, by
    their addresses."""
    texts = dict(_by_handle(listing.text))
    sets = {found["name"]: found for item in listing.objects for kind in ("set", "map") if (found := item.get(kind))}
    tables = _Elements(sets, names, list(networks))
    made = []
    for item in listing.objects:
        if (rule := item.get("rule")) is None:
            continue
        counter: Mapping[str, int] = next((part["counter"] for part in rule["expr"] if part.get("counter")), {})
        text, words = texts.get(rule["handle"], ""), rule.get("comment", "")
        made.append(RuleView(rule["chain"], text, words, packets=counter.get("packets"), bytes=counter.get("bytes")))
        made += [view for name in sets if f"@{name} " in f"{text} " for view in tables.views(rule["chain"], name)]
    return made


class _Elements:
    """What is in the sets and maps; those that several rules look up are told of once."""

    def __init__(self, sets: Mapping[str, Any], names: Mapping[Address, str], networks: Sequence[Network]) -> None:
        self._sets, self._names = sets, names
        self._networks = {network.bridge: network for network in networks}
        self._told = {"bridges", "within", "traffic4", "traffic6", "switched_on"}
        self._published = {
            tuple(key): value for name in ("ports4", "ports6") for key, value, _ in _elements(sets.get(name, {}))
        }
        self._traffic = {
            tuple(map(str, key)): counter
            for name in ("traffic4", "traffic6")
            for key, _, counter in _elements(sets.get(name, {}))
        }

    def views(self, chain: str, name: str) -> Iterator[RuleView]:
        if name in self._told:
            return
        self._told.add(name)
        for key, value, counter in _elements(self._sets[name]):
            if value:
                yield self._port(chain, name, key, value)
            else:
                yield self._of_network(chain, name, key, counter)

    def _port(self, chain: str, name: str, key: list[Value], value: list[Value]) -> RuleView:
        *host, protocol, port = key
        words = f"{'UDP ' if protocol == 'udp' else ''}destination {_place(host, port)}"
        text = f"{_text(key)} : {_text(value)}"
        if host == ["::1"]:
            inner = self._behind_loopback(protocol, port)
            words += " goes to the engine, which hands it on" + (f" to {self._inner(inner)}" if inner else "")
            return RuleView(chain, text, words, self._named(inner[0]) if inner else [])
        counter = self._traffic.get((str(value[0]), str(protocol), str(value[1])), {})
        words += f" goes to {self._inner(value)}"
        return RuleView(chain, text, words, self._named(value[0]), counter.get("packets"), counter.get("bytes"))

    def _behind_loopback(self, protocol: Value, port: Value) -> list[Value] | None:
        """Where the engine hands on what comes to ::1: as it is published otherwise."""
        return self._published.get((protocol, port))

    def _inner(self, value: list[Value]) -> str:
        address, port = value
        names = self._named(address)
        return f"{names[0]}:{port}" if names else _place([address], port)

    def _named(self, address: Value) -> list[str]:
        name = self._names.get(ip_address(address))
        return [name] if name else []

    def _of_network(self, chain: str, name: str, key: list[Value], counter: Mapping[str, int]) -> RuleView:
        bridge = key[0]
        if name.startswith(("ranges", "subnets")):
            bridge = next((b for b, n in self._networks.items() if _text(key) in _ranges(n)), "")
        network = self._networks.get(bridge)
        told = f"network {network.name}" if network is not None else f"the network of {bridge}"
        words = {
            "internal": f"nothing leaves {told} or enters it",
            "homes": f"from {told} only {_text(key[1:])} is a source",
            "ranges": f"nobody elsewhere has an address of {_text(key)}",
            "subnets": f"what leaves {_text(key)} for elsewhere takes the host's address",
            "sent": f"what left {told}",
            "received": f"what entered {told}",
            "dropped": f"what {told} sent, or was to get, and was not let through",
        }[name.rstrip("46")]
        within = self._within(network) if network is not None else []
        return RuleView(chain, _text(key), words, within, counter.get("packets"), counter.get("bytes"))

    def _within(self, network: Network) -> list[str]:
        ranges = [subnet.range for subnet in network.subnets]
        return sorted({name for address, name in self._names.items() if any(address in range for range in ranges)})


def _ranges(network: Network) -> set[str]:
    return {str(subnet.range) for subnet in network.subnets}


def _elements(found: Mapping[str, Any]) -> Iterator[tuple[list[Value], list[Value], Mapping[str, int]]]:
    """Key, what a map has for it, and counter of each."""
    for element in found.get("elem", []):
        key, value = element if "map" in found else (element, None)
        counter: Mapping[str, int] = {}
        if isinstance(key, dict) and "elem" in key:
            counter, key = key["elem"].get("counter", {}), key["elem"]["val"]
        parts = [_PROTOCOLS.get(part, part) if isinstance(part, int) and kind == "inet_proto" else part
                 for part, kind in zip(_parts(key), _types(found), strict=True)]  # fmt: skip
        yield parts, _parts(value) if value is not None else [], counter


def _types(found: Mapping[str, Any]) -> list[str]:
    """Of the parts of its keys."""
    return found["type"] if isinstance(found["type"], list) else [found["type"]]


def _parts(value: Value) -> list[Value]:
    """Of a concatenation its parts."""
    if isinstance(value, dict) and "concat" in value:
        return list(value["concat"])
    return [value]


def _text(parts: Iterable[Value]) -> str:
    """As nft(8) writes it."""
    return " . ".join(_word(part) for part in parts)


def _word(part: Value) -> str:
    if isinstance(part, dict) and "prefix" in part:
        return str(ip_network((part["prefix"]["addr"], part["prefix"]["len"])))
    return f'"{part}"' if isinstance(part, str) and part.startswith("hb-") else str(part)


def _place(host: list[Value], port: Value) -> str:
    """A port, of one address of this host or of all."""
    if not host:
        return f"{port} of this host"
    return f"[{host[0]}]:{port}" if ":" in str(host[0]) else f"{host[0]}:{port}"


def _by_handle(text: str) -> Iterator[tuple[int, str]]:
    """The rules' text without their comments, which are the words, and what they have counted."""
    for line in text.splitlines():
        rule, mark, handle = line.strip().rpartition(" # handle ")
        if mark and handle.isdigit() and not rule.endswith("{"):
            yield int(handle), _COUNTED.sub("counter", rule.partition(' comment "')[0])
