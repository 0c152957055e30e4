"""Ports as people write them, as Docker does: `[ADDRESS:][HOST[-LAST]:]CONTAINER[-LAST][/tcp|udp]`.

Shared by the command line, the console and the engine, so that all of them read and refuse alike. Functions raise
ValueError with one sentence. Imports the values of networks and the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

from engine.protocol.network import PortMapping, PortOption, Protocol

_FORM = "[ADDRESS:][HOST:]CONTAINER[/tcp|udp], as in 8080:80"
_PUBLISHED = re.compile(r"(?:(?P<rest>.*):)?(?P<container>[^:]*)", re.DOTALL)
_ADDRESS = re.compile(r"(?:\[(?P<six>[^]]*)\]|(?P<four>[^:]*)):(?P<host>[^:]*)", re.DOTALL)
_NUMBER = re.compile(r"\d{1,5}", re.ASCII)
LARGEST = 65535


def parse(text: str) -> PortOption:
    """`80`, `8080:80`, `8000-8010:80/udp`, `127.0.0.1::80`, `[::1]:8080:80`, `8000-8002:80-82`."""
    ports, protocol = _split(text)
    match = _PUBLISHED.fullmatch(ports)
    assert match is not None  # any text does
    address, host = _host(text, match["rest"])
    container, container_last = _range(text, match["container"])
    first, last = (None, None) if host in ("", "0") else _range(text, host)
    option = PortOption(
        container=container,
        container_last=container_last,
        host=first,
        host_last=last,
        address=address,
        protocol=protocol,
    )
    check(option)
    return option


def text(option: PortOption) -> str:
    """What `parse` makes the option of."""
    host = "" if option.host is None else _range_text(option.host, option.host_last)
    container = _range_text(option.container, option.container_last)
    protocol = "" if option.protocol == "tcp" else f"/{option.protocol}"
    if option.address is not None:
        return f"{bracketed(option.address)}:{host}:{container}{protocol}"
    return f"{host}:{container}{protocol}" if host else f"{container}{protocol}"


def check(option: PortOption) -> None:
    """See that such a port can be: numbers, order and lengths of ranges, the address."""
    ends = (option.container, option.container_last, option.host, option.host_last)
    for port in ends:
        if port is not None and not 1 <= port <= LARGEST:
            raise ValueError(f"there is no port {port}: ports are 1 to {LARGEST}")
    for first, last in (ends[:2], ends[2:]):
        if last is not None and (first is None or first >= last):
            raise ValueError(f"the range of ports {_number(first)}-{last} does not go up")
    if option.container_last is not None and option.host is not None and _length(*ends[:2]) != _length(*ends[2:]):
        raise ValueError(f"'{text(option)}': the ranges of ports need to be of one length")
    if option.address is not None and option.address != _address(option.address):
        raise ValueError(f"the address '{option.address}' is written {_address(option.address)}")


def numbered(text: str) -> tuple[int, Protocol]:
    """A single port, `80` or `53/udp`."""
    ports, protocol = _split(text)
    first, last = _range(text, ports)
    if last is not None:
        raise ValueError(f"'{text}' is more than one port: write one, as in 80 or 53/udp")
    return first, protocol


def exposed(text: str) -> list[str]:
    """Each port of `80`, `53/udp`, `8000-8010` with its protocol: `80/tcp` …"""
    ports, protocol = _split(text)
    first, last = _range(text, ports)
    return [f"{port}/{protocol}" for port in range(first, (last or first) + 1)]


def mapping_text(mapping: PortMapping) -> str:
    """A port in force as `docker ps` writes it: `0.0.0.0:8080->80/tcp`."""
    return f"{bracketed(mapping.address)}:{mapping.port}->{mapping.container_port}/{mapping.protocol}"


def mappings_text(mappings: Sequence[PortMapping]) -> str:
    """Ports in force as `docker ps` writes them, ranges together: `0.0.0.0:8000-8001->80-81/tcp, [::]:53->53/udp`."""
    texts: list[str] = []
    runs: list[list[PortMapping]] = []
    for mapping in sorted(mappings, key=_order):
        last = runs[-1][-1] if runs else None
        follows = last is not None and _order(mapping) == (*_order(last)[:3], last.container_port + 1, last.port + 1)
        if follows:
            runs[-1].append(mapping)
        else:
            runs.append([mapping])
    for first, *others in runs:
        if not others:
            texts.append(mapping_text(first))
            continue
        host, container = f"{first.port}-{others[-1].port}", f"{first.container_port}-{others[-1].container_port}"
        texts.append(f"{bracketed(first.address)}:{host}->{container}/{first.protocol}")
    return ", ".join(texts)


def _order(mapping: PortMapping) -> tuple[bool, str, str, int, int]:
    """IPv4 first, then by address, protocol and ports."""
    return ":" in mapping.address, mapping.address, mapping.protocol, mapping.container_port, mapping.port


def bracketed(address: str) -> str:
    """An address with brackets around it where there are colons in it."""
    return f"[{address}]" if ":" in address else address


def _split(text: str) -> tuple[str, Protocol]:
    """Ports and protocol."""
    ports, slash, protocol = text.partition("/")
    if not slash or protocol.lower() == "tcp":
        return ports, "tcp"
    if protocol.lower() == "udp":
        return ports, "udp"
    raise ValueError(f"'{text}': there is no protocol '{protocol}' for ports here, only tcp and udp")


def _host(text: str, rest: str | None) -> tuple[str | None, str]:
    """The address, if there is one, and the ports of the host, or ""."""
    if rest is None:
        return None, ""
    match = _ADDRESS.fullmatch(rest)
    if match is not None:
        written = match["six"] if match["six"] is not None else match["four"]
        if (":" in written) != (match["six"] is not None):
            raise ValueError(f"'{text}': in brackets belongs an IPv6 address")
        return (_address(written) if written else None), match["host"]
    if ":" in rest or "[" in rest:
        raise ValueError(f"'{text}' is no port to publish: write {_FORM}; an IPv6 address in brackets, [::1]:8080:80")
    if "." in rest:
        raise ValueError(f"'{text}': between address and container's port belongs the host's, if only ':', as in ::80")
    return None, rest


def _address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"'{text}' is no address of the host: write an IP address, as in 127.0.0.1:8080:80") from None
    if "%" in text:
        raise ValueError(f"'{text}': an address with a zone can't be published on")
    return str(address)


def _range(text: str, ports: str) -> tuple[int, int | None]:
    """First and last; no last where it is a single port."""
    first, dash, last = ports.partition("-")
    if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
        where = "" if text == ports else f"'{text}': "
        raise ValueError(f"{where}'{ports}' is no port: write a number from 1 to {LARGEST}, or a range, 8000-8010")
    begin, end = int(first), int(last or first)
    check(PortOption(container=begin))
    check(PortOption(container=end))
    if end < begin:
        raise ValueError(f"'{text}': the range of ports {ports} does not go up")
    return begin, end if end > begin else None


def _range_text(first: int, last: int | None) -> str:
    return str(first) if last is None else f"{first}-{last}"


def _length(first: int | None, last: int | None) -> int:
    return 1 if first is None or last is None else last - first + 1


def _number(port: int | None) -> str:
    return "" if port is None else str(port)
