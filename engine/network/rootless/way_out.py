"""What connects the home namespace of an ordinary user's engine to the world: pasta, else slirp4netns. Imports what is
beside it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from engine.containers.keeper import Keeper
from engine.errors import EngineError
from engine.network import subnets
from engine.network.kernel import links, rtnetlink
from engine.network.kernel.home import Home
from engine.network.kernel.netlink import Netlink
from engine.network.model import Range, prefixed
from engine.network.rootless import pasta, slirp4netns
from engine.network.rootless.beside import Command, Program
from engine.protocol.messages import ErrorCode

log = logging.getLogger("engine.network")

INTERFACE = "uplink"  # in the home namespace
NONE = "install passt, which has pasta (`apt install passt`), or slirp4netns."
PATIENCE = 10.0  # seconds until it is connected, which takes a tenth of one
RANGES = tuple(IPv4Network(f"{two}.{third}.0/24") for two in ("10.0", "172.31", "192.168") for third in range(2, 255))
RANGES6 = tuple(IPv6Network(f"fd00:0:0:{fourth:x}::/64") for fourth in range(2, 255))
_GROUPS = 0x1 | 0x40 | 0x400  # RTMGRP_LINK, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE: rtnetlink(7)


@dataclass(frozen=True)
class Way:
    """One that could be tried. `families`: 4, 6, of which it makes a default route."""

    name: str
    words: Sequence[str]
    families: frozenset[int]


class WayOut:
    """`name` of the program, empty where there is none. `reason`: why there is none."""

    def __init__(self, keeper: Keeper) -> None:
        self.name = ""
        self.reason = ""
        self.programs = {name: Program(keeper, name) for name in (pasta.NAME, slirp4netns.NAME)}

    def find(self) -> bool:
        """Take over the one that is there since an earlier engine, if there is."""
        for program in self.programs.values():
            if program.runs:
                program.listen()
                self.name, self.reason = program.name, ""
                return True
        return False

    async def ended(self) -> None:
        """Wait until it has."""
        if self.name:
            await self.programs[self.name].ended()

    async def connect(self, home: Home, namespace: str) -> None:
        """By the first that goes; `namespace`: the path of the home namespace. EngineError says why none does."""
        self.name = ""
        taken = [*await asyncio.to_thread(links.used_ranges), *await home.call(links.used_ranges)]
        families = await asyncio.to_thread(default_routes)
        failures = []
        for way in ways(namespace, taken, families):
            program = self.programs[way.name]
            try:
                await program.start(Command(way.words))
                await _connected(home, program, way.families)
                if way.name == slirp4netns.NAME and 6 in families:
                    await home.call(_give_ipv6, slirp4netns.RANGE6)
            except EngineError as error:
                failures.append(f"{way.name}: {error.message.rstrip('.')}")
                await program.end()
                continue
            log.info("containers reach the world by %s", way.name)
            self.name, self.reason = way.name, ""
            return
        self.reason = f"no program connects them to the world ({'; '.join(failures)})." if failures else NONE
        raise EngineError(ErrorCode.UNSUPPORTED, f"Containers can have no network but loopback: {self.reason}")

    async def end(self) -> None:
        """End it."""
        for program in self.programs.values():
            await program.end()
        self.name = ""


def ways(namespace: str, taken: Sequence[Range], families: frozenset[int]) -> Iterator[Way]:
    """What is installed, in the order in which it is tried. `taken`: ranges of addresses with a route; `families`:
    those in which the host has a way out."""
    range4, range6 = subnets.first_free(RANGES, taken), subnets.first_free(RANGES6, taken)
    assert isinstance(range4, IPv4Network)
    assert isinstance(range6, IPv6Network)
    if (path := pasta.find()) is not None:
        yield Way(pasta.NAME, pasta.words(path, namespace, INTERFACE, range4, range6), families)
    if (path := slirp4netns.find()) is not None:
        for protections in (slirp4netns.PROTECTIONS, ()):
            words = slirp4netns.words(path, namespace, INTERFACE, range4, protections)
            yield Way(slirp4netns.NAME, words, frozenset({4}))


def installed() -> list[str]:
    """What there is, with versions, in the order in which it is tried: "pasta 0.0~git20230309", … Blocks."""
    found = [(module, path) for module in (pasta, slirp4netns) if (path := module.find()) is not None]
    return [f"{module.NAME} {module.version(path)}".strip() for module, path in found]


def default_routes() -> frozenset[int]:
    """The families with a way out of the network namespace that the calling thread is in. Blocks."""
    with Netlink() as netlink:
        return frozenset(route.family for route in rtnetlink.routes(netlink) if _is_default(route))


def _is_default(route: rtnetlink.Route) -> bool:
    return route.destination is None and route.table == rtnetlink.RT_TABLE_MAIN and route.type == "unicast"


async def _connected(home: Home, program: Program, families: frozenset[int]) -> None:
    """Wait for its default routes. EngineError says why they do not come."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    ended = asyncio.create_task(program.ended())
    ended.add_done_callback(lambda _: changed.set())
    with await home.call(_watch) as watch:
        loop.add_reader(watch.fileno(), _hear, watch, changed)
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := await home.call(default_routes)) or not found >= families:
                    if ended.done():
                        raise EngineError(ErrorCode.UNSUPPORTED, program.said[-1] if program.said else "it just ended")
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            if not await home.call(default_routes):
                raise EngineError(ErrorCode.UNSUPPORTED, "it makes no default route") from None
        finally:
            loop.remove_reader(watch.fileno())
            ended.cancel()
            with suppress(asyncio.CancelledError):
                await ended


def _watch() -> socket.socket:
    """Tells when links and routes change."""
    watch = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    watch.bind((0, _GROUPS))
    return watch


def _hear(watch: socket.socket, changed: asyncio.Event) -> None:
    with suppress(OSError):  # ENOBUFS: more has changed than there was room to tell
        watch.recv(65536)
    changed.set()


def _give_ipv6(range: IPv6Network) -> None:
    """An address, and a default route by the one that slirp4netns answers for."""
    with Netlink() as netlink:
        index = rtnetlink.index_of(netlink.get(rtnetlink.get_link(INTERFACE)))
        address = rtnetlink.new_address(index, prefixed(range[100], range.prefixlen))
        netlink.do(address, rtnetlink.new_default_route(index, range[2], 1024))
