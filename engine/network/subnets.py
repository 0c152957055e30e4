"""Ranges of addresses for networks: chosen where nobody says any, or checked. Pure; imports the model and the errors.

IPv4 comes from 10.88.0.0/16 and what follows: a /16 for the default network, as with Docker, a /24 for others; IPv6 is
a unique local /64 with a random global id (RFC 4193, section 3.2). A range that the host has a route to is never taken:
the network behind it would be out of reach.
"""

from __future__ import annotations

import secrets
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain

from engine.errors import EngineError
from engine.network.model import Address, Range, Subnet
from engine.protocol.messages import ErrorCode

LARGE = tuple(IPv4Network(f"10.{second}.0.0/16") for second in range(88, 256))
POOLS = (*LARGE, IPv4Network("172.16.0.0/12"))
"""Where /24s come from, in this order."""
SMALLEST = {4: 30, 6: 126}
"""The longest prefixes: room for the bridge and one container."""


def choose(taken: Iterable[Range], *, ipv6: bool, large: bool = False) -> tuple[Subnet, ...]:
    """A subnet of each family, clear of all that is `taken`. EngineError(INVALID) when there is none left. `large`: a
    /16 of IPv4 if there is one, for tens of thousands of containers."""
    taken = list(taken)
    candidates: Iterable[IPv4Network] = chain(LARGE, _candidates()) if large else _candidates()
    chosen: list[Range] = [first_free(candidates, taken)]
    if ipv6:
        chosen.append(first_free(_unique_local(), taken))
    return tuple(Subnet(range, range[1]) for range in chosen)


def first_free(candidates: Iterable[Range], taken: Sequence[Range]) -> Range:
    """The first candidate that overlaps with nothing."""
    is_clear = _clear_of(taken)
    for candidate in candidates:
        if is_clear(candidate):
            return candidate
    raise EngineError(
        ErrorCode.INVALID, "No range of addresses is left that this host has no route to: give one with --subnet."
    )


def given(text: str, gateway: str | None, taken: Iterable[tuple[Range, str]]) -> Subnet:
    """A subnet as somebody wrote it; `taken`: ranges, and whose they are. EngineError(INVALID) says what is wrong."""
    try:
        range = ip_network(text)
    except ValueError:
        raise EngineError(ErrorCode.INVALID, _no_subnet(text)) from None
    if "%" in text:
        raise EngineError(ErrorCode.INVALID, f"{text[:64]!r} is no subnet: it has a zone.")
    if range.prefixlen > SMALLEST[range.version]:
        raise EngineError(
            ErrorCode.INVALID,
            f"The subnet {text} has no room for a container: the longest prefix is /{SMALLEST[range.version]}.",
        )
    if range.is_multicast or range.is_loopback or range.is_link_local or not range.prefixlen:
        raise EngineError(
            ErrorCode.INVALID,
            f"The subnet {text} can't be used, as its addresses mean something else: choose one such as 10.9.0.0/24.",
        )
    for other, whose in taken:
        if overlap(range, other):
            raise EngineError(
                ErrorCode.INVALID, f"The subnet {text} overlaps with {other}, which is {whose}: choose another one."
            )
    return Subnet(range, range[1] if gateway is None else _gateway(gateway, range))


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges, of any family, have an address in common."""
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def _clear_of(taken: Iterable[Range]) -> Callable[[Range], bool]:
    """Whether a range overlaps with none of them: by bisection, as there may be thousands of networks."""
    starts: dict[int, list[int]] = {4: [], 6: []}
    ends: dict[int, list[int]] = {4: [-1], 6: [-1]}  # of all that begin before: one more than starts
    for range in sorted(taken, key=lambda range: int(range.network_address)):
        starts[range.version].append(int(range.network_address))
        ends[range.version].append(max(int(range.broadcast_address), ends[range.version][-1]))

    def is_clear(range: Range) -> bool:
        before = bisect_right(starts[range.version], int(range.broadcast_address))
        return ends[range.version][before] < int(range.network_address)

    return is_clear


def is_for_hosts(address: Address, range: Range) -> bool:
    """Whether somebody can have this address: it is in the range, and neither the network's nor for broadcasts."""
    if address not in range or address == range.network_address:
        return False
    return range.version == 6 or address != range.broadcast_address


def _gateway(text: str, range: Range) -> Address:
    try:
        gateway = ip_address(text)
    except ValueError:
        raise EngineError(ErrorCode.INVALID, f"The gateway {text[:64]!r} is no address.") from None
    if "%" in text or not is_for_hosts(gateway, range):
        raise EngineError(ErrorCode.INVALID, f"The gateway {gateway} is no address of a host in the subnet {range}.")
    return gateway


def _no_subnet(text: str) -> str:
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        return f"{text[:64]!r} is no subnet: write it as 10.1.2.0/24 or fd00:1:2::/64."
    return f"{text!r} is an address in a subnet: did you mean {meant}?"


def _candidates() -> Iterator[IPv4Network]:
    for pool in POOLS:
        yield from pool.subnets(new_prefix=24)


def _unique_local() -> Iterator[IPv6Network]:
    while True:
        yield IPv6Network((b"\xfd" + secrets.token_bytes(5) + bytes(10), 64))
