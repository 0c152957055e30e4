"""What containers ask for: which kind of network, addresses, ports. Pure; imports the model and the protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import Literal

import msgspec

from engine.errors import EngineError
from engine.network.model import Address, Forward
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.protocol.network import NetworkOption, PortMapping, PortOption

DEFAULT = "default"
ALSO_DEFAULT = "bridge"  # as Docker calls it
RESERVED = (ALSO_DEFAULT, "host", "none", "private", "container", "ns")
LONGEST_NAME = 64
MOST = 36  # networks of one container: see `model.host_interface`
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_EXPOSED = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp))?", re.ASCII)
_ALL = {4: "0.0.0.0", 6: "::"}


def mode(options: ContainerOptions) -> Literal["networks", "none", "host", "container", "path"]:
    """How a container comes to its network. A bundle says all by itself."""
    way = options.namespaces.get("network")
    if way is None or (way == "private" and options.networks):
        return "networks" if options.bundle is None or options.networks else "none"
    if way.startswith("container:"):
        return "container"
    if way.startswith("ns:"):
        return "path"
    return "host" if way == "host" else "none"


def wanted(options: ContainerOptions) -> list[NetworkOption]:
    """The networks it asks for, in order."""
    if mode(options) != "networks":
        return []
    return options.networks or [NetworkOption(name=DEFAULT)]


def insists(options: ContainerOptions) -> bool:
    """Whether loopback alone would not do."""
    return bool(options.networks or options.ports or options.publish_all)


def check_name(name: str) -> None:
    """EngineError(INVALID) unless a network can have it."""
    if name in RESERVED:
        why = f"No network can be called {name!r}: --network {name} means something else. Choose another name."
        raise EngineError(ErrorCode.INVALID, why)
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise EngineError(
            ErrorCode.INVALID,
            f"{name[:LONGEST_NAME]!r} is no name of a network: at most {LONGEST_NAME} of letters, digits, '_', '.' and "
            "'-', beginning with a letter or digit.",
        )


def address(text: str, version: int) -> Address:
    """EngineError(INVALID) unless it is one of that family."""
    try:
        found = ip_address(text)
    except ValueError:
        raise EngineError(ErrorCode.INVALID, f"{text[:64]!r} is no address.") from None
    if "%" in text:  # the same address would be another one
        raise EngineError(ErrorCode.INVALID, f"{text[:64]!r}: an address with a zone can't be a container's.")
    if found.version != version:
        raise EngineError(ErrorCode.INVALID, f"{text} is no IPv{version} address.")
    return found


def check_mac(text: str) -> None:
    """EngineError(INVALID) unless an interface can have it: multicast addresses it can't."""
    if not _MAC.fullmatch(text) or int(text[:2], 16) & 1 or not int(text.replace(":", ""), 16):
        raise EngineError(
            ErrorCode.INVALID,
            f"{text[:32]!r} can't be a container's MAC address: write six bytes, of which the first is even, as "
            "02:42:ac:11:00:02.",
        )


def exposed(texts: Iterable[str]) -> Iterator[PortOption]:
    """`-P`: each at any port of the host."""
    for text in texts:
        found = _EXPOSED.fullmatch(text)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if found is None or not 1 <= first <= last <= 65_535:
            raise EngineError(ErrorCode.INVALID, f"{text[:64]!r} is no port to expose: write 80, 80-90 or 53/udp.")
        protocol: Literal["tcp", "udp"] = "udp" if found[3] == "udp" else "tcp"
        yield PortOption(container=first, container_last=last if last > first else None, protocol=protocol)


def ports(options: ContainerOptions) -> list[PortOption]:
    """What it wants published. EngineError(INVALID)."""
    return [*options.ports, *(exposed(options.expose) if options.publish_all else ())]


def is_asked(options: ContainerOptions, forward: Forward) -> bool:
    """Whether a container asks for what is published."""
    return any(
        port.container <= forward.container_port <= (port.container_last or port.container)
        and port.protocol == forward.protocol
        for port in ports(options)
    )


def without(option: PortOption, port: int, protocol: str) -> list[PortOption]:
    """What is left of an option when one port of the container is published no more."""
    last = option.container_last or option.container
    if option.protocol != protocol or not option.container <= port <= last:
        return [option]
    return [
        _part(option, first, end) for first, end in ((option.container, port - 1), (port + 1, last)) if first <= end
    ]


def _part(option: PortOption, first: int, last: int) -> PortOption:
    host = None if option.host is None else option.host + first - option.container
    return msgspec.structs.replace(
        option,
        container=first,
        container_last=last if last > first else None,
        host=host,
        host_last=None if host is None or last == first else host + last - first,
    )


def mappings(forwards: Sequence[Forward]) -> list[PortMapping]:
    """Forwards as people see them."""
    return [
        PortMapping(
            container_port=forward.container_port,
            protocol=forward.protocol,
            address=str(forward.host or _ALL[forward.container.version]),
            port=forward.port,
        )
        for forward in forwards
    ]
