"""Who is called what, and who may know it: the names of containers in their networks. Pure; imports model only.

A name is seen by the containers that share a network with its bearer: plainly (`web`) and with the network's name
behind it (`web.backend`). Letter case does not matter. What the names are asked with and answered by is the resolver's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from engine.network.model import Address, Endpoint, Range

HOST_NAMES = frozenset({"host.heliostui.internal", "host.docker.internal", "host.containers.internal"})
LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))  # localhost, RFC 6761 section 6.3
Version = Literal[4, 6]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what it may have. The host itself is one, by a bridge's address: no container, nothing outside."""

    container: str = ""  # id
    name: str = ""
    networks: tuple[str, ...] = ()  # ids, in the order of the container's interfaces
    servers: tuple[Address, ...] = ()  # asked in place of the host's
    outside: bool = False  # whether other names than ours are looked for


@dataclass
class _Bearers:
    """Those who are called the same in one network, and whose turn it is to be told first, of each version."""

    addresses: dict[str, tuple[Address, ...]] = field(default_factory=dict)  # by container
    turns: dict[Version | None, int] = field(default_factory=dict)

    def told(self, version: Version | None) -> list[Address]:
        found = [a for addresses in self.addresses.values() for a in addresses if version in (None, a.version)]
        if len(found) > 1:
            turn = self.turns[version] = (self.turns.get(version, -1) + 1) % len(found)
            return found[turn:] + found[:turn]
        return found


@dataclass
class _Place:
    """One network: its name, the host's addresses in it, its ranges, and who is in it under which names."""

    name: str
    gateways: tuple[Address, ...]
    ranges: tuple[Range, ...]
    names: dict[str, _Bearers] = field(default_factory=dict)
    members: int = 0

    @property
    def suffix(self) -> str:
        return f".{self.name.lower()}"


@dataclass
class _Member:
    """One container: its names in all networks, and its places, in order."""

    names: tuple[str, ...]  # at least one
    endpoints: dict[str, Endpoint] = field(default_factory=dict)  # by network


class Zone:
    """The names of all containers that are in networks now. Nothing of it is kept: at its start the engine joins them
    anew."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._members: dict[str, _Member] = {}
        self._askers: dict[str, Asker] = {}  # by the text of their address
        self._bearers: dict[Address, str] = {}  # container, for names of addresses
        self._clients: dict[str, tuple[tuple[Address, ...], bool]] = {}  # servers and outside, where they were said

    # Containers

    def join(self, endpoint: Endpoint, network: str, names: Sequence[str], gateways: Sequence[Address] = ()) -> None:
        """A container has an address in a network. `network`: its name; `names`: the container's name first, then its
        hostname if it has one; its id and the endpoint's aliases are names as well; `gateways`: the host's addresses
        there. A second time for the same network takes the place of the first."""
        self.leave(endpoint.container, endpoint.network)
        place = self._places.get(endpoint.network)
        if place is None:
            ranges = tuple(address.network for address in endpoint.addresses)
            place = self._places[endpoint.network] = _Place(network, tuple(gateways), ranges)
            for gateway in gateways:
                self._askers[str(gateway)] = Asker(networks=(endpoint.network,))
        called = tuple(names) or (endpoint.container,)
        member = self._members.setdefault(endpoint.container, _Member(called))
        if member.names != called:
            self._call(endpoint.container, member, called)
        member.endpoints[endpoint.network] = endpoint
        place.members += 1
        self._enter(endpoint.container, member, endpoint)
        self._tell(endpoint.container, member)

    def leave(self, container: str, network: str | None = None) -> None:
        """It is in this network no more; None: in none, and all of it is forgotten. What is not there is left alone."""
        if network is None:
            self._clients.pop(container, None)
        member = self._members.get(container)
        if member is None:
            return
        for id in [network] if network is not None else list(member.endpoints):
            if (endpoint := member.endpoints.pop(id, None)) is not None:
                self._withdraw(container, member, endpoint)
                self._left(id)
        if member.endpoints:
            self._tell(container, member)
        else:
            del self._members[container]

    def rename(self, container: str, old: str, new: str) -> None:
        """One of its names is another one now, in all networks."""
        if (member := self._members.get(container)) is not None:
            self._call(container, member, tuple(new if name == old else name for name in member.names))
            self._tell(container, member)

    def client(self, container: str, servers: Sequence[Address] = (), outside: bool = True) -> None:
        """What it gets besides names of ours: `servers` in place of the host's, or nothing where not `outside`. Said
        before its first `join` or later; forgotten when it leaves all networks at once."""
        self._clients[container] = (tuple(servers), outside)
        if (member := self._members.get(container)) is not None:
            self._tell(container, member)

    def endpoints(self, network: str) -> list[Endpoint]:
        """Of all who are in a network."""
        members = self._members.values()
        return [endpoint for member in members if (endpoint := member.endpoints.get(network)) is not None]

    # Questions

    def asker(self, address: str) -> Asker | None:
        """Who has this address, as inet_ntop(3) writes it; None: nobody whom we know."""
        return self._askers.get(address)

    def addresses(self, asker: Asker, name: str, version: Version | None = None) -> list[Address] | None:
        """The addresses of a name (lower case, no dot at its end) as `asker` sees it, those of one version where it is
        named; another one first each time. Empty: the name is ours, without any such address. None: it is not ours."""
        special = self._special(asker, name)
        if special is not None:
            return [address for address in special if version in (None, address.version)]
        found: dict[Address, None] | None = None
        for bearers in self._called(asker, name):
            found = (found or {}) | dict.fromkeys(bearers.told(version))
        return None if found is None else list(found)

    def name(self, asker: Asker, address: Address) -> str | None:
        """What an address is called: `web.backend`. Empty: it is in a network of ours, but nobody's whom `asker` may
        know. None: it is not ours."""
        if any(address in self._places[id].gateways for id in asker.networks):
            return "host.heliostui.internal"
        if (container := self._bearers.get(address)) is not None:
            member = self._members[container]
            for id in asker.networks:
                endpoint = member.endpoints.get(id)
                if endpoint is not None and any(own.ip == address for own in endpoint.addresses):
                    return f"{member.names[0]}{self._places[id].suffix}"
            return ""
        return "" if any(address in range for place in self._places.values() for range in place.ranges) else None

    # How

    def _special(self, asker: Asker, name: str) -> Iterable[Address] | None:
        if name in HOST_NAMES:
            return self._places[asker.networks[0]].gateways
        return LOOPBACK if name == "localhost" or name.endswith(".localhost") else None

    def _called(self, asker: Asker, name: str) -> Iterator[_Bearers]:
        for id in asker.networks:
            place = self._places[id]
            if (bearers := place.names.get(name)) is not None:
                yield bearers
            if name.endswith(place.suffix):
                scoped = place.names.get(name[: -len(place.suffix)])
                if scoped is not None and scoped is not bearers:
                    yield scoped

    def _left(self, network: str) -> None:
        place = self._places[network]
        place.members -= 1
        if not place.members:
            del self._places[network]
            for gateway in place.gateways:
                self._askers.pop(str(gateway), None)

    def _call(self, container: str, member: _Member, names: tuple[str, ...]) -> None:
        """Give it other names in the networks where it is."""
        for endpoint in member.endpoints.values():
            self._withdraw(container, member, endpoint)
        member.names = names
        for endpoint in member.endpoints.values():
            self._enter(container, member, endpoint)

    def _enter(self, container: str, member: _Member, endpoint: Endpoint) -> None:
        addresses = tuple(address.ip for address in endpoint.addresses)
        names = self._places[endpoint.network].names
        for name in _all_names(container, member, endpoint):
            names.setdefault(name, _Bearers()).addresses[container] = addresses
        self._bearers.update(dict.fromkeys(addresses, container))

    def _withdraw(self, container: str, member: _Member, endpoint: Endpoint) -> None:
        names = self._places[endpoint.network].names
        for name in _all_names(container, member, endpoint):
            if (bearers := names.get(name)) is not None:
                bearers.addresses.pop(container, None)
                if not bearers.addresses:
                    del names[name]
        for address in endpoint.addresses:
            if self._bearers.get(address.ip) == container:  # it may be another one's by now
                del self._bearers[address.ip]
                self._askers.pop(str(address.ip), None)

    def _tell(self, container: str, member: _Member) -> None:
        """Make anew what is looked up at every question."""
        servers, outside = self._clients.get(container, ((), True))
        asker = Asker(container, member.names[0], tuple(member.endpoints), servers, outside)
        for endpoint in member.endpoints.values():
            for address in endpoint.addresses:
                if self._bearers.get(address.ip) == container:
                    self._askers[str(address.ip)] = asker


def _all_names(container: str, member: _Member, endpoint: Endpoint) -> set[str]:
    return {name.lower() for name in (container, *member.names, *endpoint.aliases) if name}


def address_asked(name: str) -> Address | None:
    """The address whose name is asked by `2.0.88.10.in-addr.arpa` or its like in ip6.arpa (RFC 1035, 3596). None:
    the name is of another kind."""
    labels = name.lower().split(".")
    try:
        if labels[4:] == ["in-addr", "arpa"]:
            return ip_address(".".join(labels[3::-1]))
        if labels[32:] == ["ip6", "arpa"] and all(len(label) == 1 for label in labels[:32]):
            digits = "".join(labels[31::-1])
            return IPv6Address(int(digits, 16))
    except ValueError:
        pass
    return None
