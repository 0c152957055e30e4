"""Our nftables table, kept as it shall be: which networks there are and which ports are published. Imports the parts
beside it.

What is wanted is remembered here. A change is one transaction of a few elements; when the kernel does not have what we
believe, the whole table is written anew, in one transaction too. Connections outlive both. Who flushes our table or our
rules in another firewall is noticed, and they are put back.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv6Address
from typing import NamedTuple

from engine.errors import EngineError
from engine.network.kernel import links, sysctls
from engine.network.kernel.home import Home
from engine.network.model import Address, Forward, Network, Transport
from engine.network.nftables import coexistence, conntrack, nft, table
from engine.network.nftables.loopback6 import Listener
from engine.network.nftables.rules import Listing
from engine.receipts.steps import apart

FORWARDING = {"ipv4": "ipv4/ip_forward", "ipv6": "ipv6/conf/all/forwarding"}
QUIET = 0.2  # seconds without a change until we look what another firewall has done
APART = (1.0, 60.0)  # seconds between repairs: at first, and at most where somebody undoes them again and again
_LOOPBACK6: dict[Address, int] = {IPv6Address("::1"): 0, IPv6Address("::"): 1}
_log = logging.getLogger(__name__)

Port = tuple[Transport, int]
Place = tuple[str, str]  # what a published port occupies: a map of the table, and a key in it


class _Published(NamedTuple):
    forward: Forward
    elements: list[table.Element]


class Firewall:
    """The table of that name in the home namespace. Nothing is loaded before the first call; `close` it.

    `coexistence`: a sentence for each other firewall that drops what it does not know, and for what was switched on.
    """

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._name = name
        self._nft: nft.Nft | None = None  # made and used in the home's thread only
        self._lock = asyncio.Lock()
        self._networks: dict[str, Network] = {}  # by id
        self._published: dict[Place, _Published] = {}
        self._listeners: dict[Port, Listener] = {}  # at ::1
        self._switched_on: set[str] = set()
        self._applied: table.Content | None = None  # None: not known
        self._print: object = None  # the table's chains as they were written
        self._watch: asyncio.Task[None] | None = None
        self.coexistence: list[str] = []

    async def reason(self) -> str:
        """Why there can be no rules here, and how to mend it; empty: there can."""
        return await self._home.call(self._find_reason)

    async def ensure(self, networks: Iterable[Network], forwards: Iterable[Forward]) -> None:
        """Make the table exactly this, in one transaction, whatever was there. Raises EngineError."""
        async with self._lock:
            self._applied = None
            self._switched_on = await self._home.call(self._find_switched_on)
            await self._make({network.id: network for network in networks}, _by_place(forwards))
            await self._home.call(self._get_along)
            if self._watch is None:
                with apart():
                    self._watch = asyncio.create_task(self._put_back())
        await self._forget_stale()

    async def add_network(self, network: Network) -> None:
        """Let it be seen and, if it is not internal, have a way out. Raises EngineError; then nothing has changed."""
        async with self._lock:
            await self._make({**self._networks, network.id: network}, self._published)

    async def remove_network(self, network: Network) -> None:
        """Nothing is let through to or from its bridge any more. It may be unknown."""
        async with self._lock:
            await self._make({i: n for i, n in self._networks.items() if i != network.id}, self._published)

    async def publish(self, forwards: Iterable[Forward]) -> None:
        """Let these ports of the host lead to containers; one that leads elsewhere is turned. Raises EngineError; then
        nothing has changed."""
        new = _by_place(forwards)
        async with self._lock:
            await self._make(self._networks, {**self._published, **new})
        if _has_udp(new):
            await self._forget_stale()

    async def unpublish(self, forwards: Iterable[Forward]) -> None:
        """And no longer; what is connected by TCP stays. They may be unknown."""
        gone = _by_place(forwards)
        async with self._lock:
            left = {place: one for place, one in self._published.items() if gone.get(place) != one}
            await self._make(self._networks, left)
        if _has_udp(gone):
            await self._forget_stale()

    async def counted(self) -> Listing:
        """The table as it is now, with its counters: for `rules.views`. Raises EngineError."""
        return await self._home.call(self._list)

    async def remove(self) -> None:
        """Take the table away, our rules in other firewalls, and switch forwarding off if we switched it on, unless
        somebody else needs it now. Raises EngineError."""
        await self.close()
        async with self._lock:
            self._applied, self._networks, self._published = None, {}, {}
            await self._home.call(self._remove)
            self._switched_on, self.coexistence = set(), []

    async def close(self) -> None:
        """Let go of it; what is in the kernel stays, but nobody listens at ::1 any more."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        async with self._lock:
            listeners, self._listeners = self._listeners, {}
            for listener in listeners.values():
                await listener.close()
            await self._home.call(self._close_library)

    async def _make(self, networks: dict[str, Network], published: dict[Place, _Published]) -> None:
        """Let the kernel have this; it is what is wanted from then on."""
        listeners = await self._listen(one.forward for one in published.values())
        try:
            if networks is not self._networks or self._applied is None:
                self._switched_on |= await self._home.call(_off_yet, list(networks.values()))
            ports = {port: listener.port for port, listener in listeners.items()}
            elements = (element for one in published.values() for element in one.elements)
            await self._turn(table.content(networks.values(), elements, self._switched_on, ports))
        except BaseException:
            await _close_all(listeners, but=self._listeners)
            raise
        self._networks, self._published = networks, published
        gone, self._listeners = self._listeners, listeners
        await _close_all(gone, but=listeners)

    async def _turn(self, wanted: table.Content) -> None:
        """Let the sets and maps have this, or, when that fails or is cancelled, what they had."""
        applied, self._applied = self._applied, None  # not known in between
        try:
            await self._home.call(self._apply, applied, wanted)
        except asyncio.CancelledError:
            if applied is not None:  # it may be done, or will be
                await self._home.call(self._apply, wanted, applied)
                self._applied = applied
            raise
        self._applied = wanted

    async def _forget_stale(self) -> None:
        forwards = [one.forward for one in self._published.values()]
        ranges = [subnet.range for network in self._networks.values() for subnet in network.subnets]
        with suppress(EngineError):  # a kernel without ctnetlink: stale flows end after two minutes of silence
            flows = await self._home.call(conntrack.Conntrack)
            await asyncio.to_thread(flows.forget_stale, forwards, ranges)

    async def _listen(self, forwards: Iterable[Forward]) -> dict[Port, Listener]:
        """What shall listen at ::1, open; those that do already are kept."""
        listeners: dict[Port, Listener] = {}
        try:
            for port, target in _at_loopback6(forwards).items():
                listener = self._listeners.get(port)
                if listener is None or listener.target != target:
                    listener = Listener(self._home, target)
                    if not await listener.open():
                        break  # no IPv6 here
                listeners[port] = listener
        except BaseException:
            await _close_all(listeners, but=self._listeners)
            raise
        return listeners

    # --- when others change the rules ---

    async def _put_back(self) -> None:
        """For as long as we are there: after every change of others, and when they are done with it, look, and repair.

        Who undoes us again and again is answered more and more slowly.
        """
        (least, most), last = APART, -math.inf
        pause = least
        try:
            told = await self._home.call(coexistence.listen)
        except OSError as error:
            _log.warning("Nobody will notice when the containers' network rules are flushed: %s", error.strerror)
            return
        with told:
            while True:
                await _a_change(told)
                async with self._lock:
                    try:
                        repaired = await self._repair()
                    except EngineError as error:
                        _log.warning("The rules of the containers' network can't be put back: %s", error.message)
                        repaired = True
                if repaired:
                    now = asyncio.get_running_loop().time()
                    pause = least if now - last > 2 * most else min(2 * pause, most)
                    last = now
                    await asyncio.sleep(pause)  # no event would say that the other one has had enough

    async def _repair(self) -> bool:
        """Whether anything of ours was missing."""
        if self._applied is not None and await self._home.call(self._is_ours):
            return await self._home.call(self._get_along)
        _log.warning("Somebody changed the nftables table %s: it is written anew.", self._name)
        self._applied = None
        await self._make(self._networks, self._published)
        await self._home.call(self._get_along)
        return True

    # --- in the home's thread ---

    def _library(self) -> nft.Nft:
        if self._nft is None:
            self._nft = nft.Nft()
        return self._nft

    def _close_library(self) -> None:
        if self._nft is not None:
            self._nft.close()
            self._nft = None

    def _apply(self, applied: table.Content | None, wanted: table.Content) -> None:
        if applied is None or not self._changed(applied, wanted):
            self._library().run(table.whole(self._name, wanted))
            self._print = self._fingerprint()
        if wanted["switched_on"]:
            links.enable_forwarding(ipv6="ipv6" in wanted["switched_on"])

    def _changed(self, applied: table.Content, wanted: table.Content) -> bool:
        """False: the kernel has not what we believe, because somebody else was there."""
        commands = table.change(self._name, applied, wanted)
        try:
            if commands:
                self._library().run(commands)
        except nft.Refused:
            return False
        return True

    def _fingerprint(self) -> object:
        """Chains, rules and sets without elements, counters and handles; None: there is no table."""
        try:
            listed = self._library().objects(f"list table inet {self._name}", terse=True)
        except nft.Refused:
            return None
        for item in listed:
            for part in item.get("rule", {}).get("expr", []):
                part.pop("counter", None)
        return [{**value, "handle": 0, "elem": []} for item in listed for value in item.values()]

    def _is_ours(self) -> bool:
        return self._fingerprint() == self._print

    def _get_along(self) -> bool:
        """Whether other firewalls got rules of ours that they had not."""
        families = " and ".join(family.replace("ip", "IP") for family in sorted(self._switched_on))
        said = [f"Forwarding of {families} was off, and was switched on."] if families else []
        others = coexistence.let_pass(self._library(), self._name)
        self.coexistence = said + others.sentences
        return others.added > 0

    def _list(self) -> Listing:
        library, command = self._library(), f"list table inet {self._name}"
        return Listing(library.objects(command), library.text(command))

    def _find_switched_on(self) -> set[str]:
        with suppress(nft.Refused):  # there is no such table
            for found in self._library().objects(f"list set inet {self._name} switched_on"):
                if "set" in found:
                    return set(found["set"].get("elem", []))
        return set()

    def _find_reason(self) -> str:
        try:
            self._library().check(table.whole(self._name, table.content([], [])))
        except nft.Refused as refused:
            if refused.lacks_rights:
                return "This user may not change the rules of the network (CAP_NET_ADMIN): run the engine as root."
            return f"This kernel lacks what our nftables rules need ({self._first_lack() or refused.why})."
        except EngineError as error:
            return error.message
        return ""

    def _first_lack(self) -> str:
        """Which part of nf_tables this kernel does not have; empty: all that we know of are there."""
        for part, chain in table.NEEDED.items():
            try:
                self._library().check(table.probe("heliostui-probe", chain))
            except nft.Refused:
                return part
        return ""

    def _remove(self) -> None:
        library = self._library()
        switched_on = self._switched_on | self._find_switched_on()
        library.run(f"add table inet {self._name}\ndelete table inet {self._name}")
        coexistence.take_back(library, self._name)
        if switched_on and not coexistence.is_forwarding_needed(library, self._name):
            for family in switched_on:
                sysctls.write_if_there(FORWARDING[family], 0)
        self._close_library()


def _by_place(forwards: Iterable[Forward]) -> dict[Place, _Published]:
    made = {}
    for forward in forwards:
        elements = table.elements(forward)
        (name, key, _), *_ = elements
        made[name, key] = _Published(forward, elements)
    return made


def _has_udp(published: Mapping[Place, _Published]) -> bool:
    return any(one.forward.protocol == "udp" for one in published.values())


async def _close_all(listeners: Mapping[Port, Listener], *, but: Mapping[Port, Listener]) -> None:
    for port, listener in listeners.items():
        if but.get(port) is not listener:
            await listener.close()


def _at_loopback6(forwards: Iterable[Forward]) -> dict[Port, Forward]:
    """What is published at ::1: there alone, else at every address, to IPv6 of the container rather than to IPv4."""
    found: dict[Port, tuple[int, Forward]] = {}
    for forward in forwards:
        if forward.host is None:
            rank = 1 if forward.container.version == 6 else 2
        elif forward.host in _LOOPBACK6:
            rank = _LOOPBACK6[forward.host]
        else:
            continue
        port = forward.protocol, forward.port
        if port not in found or rank < found[port][0]:
            found[port] = rank, forward
    return {port: forward for port, (_, forward) in found.items()}


def _off_yet(networks: Sequence[Network]) -> set[str]:
    """Families that these networks need forwarded and that are not."""
    versions = {subnet.range.version for network in networks if not network.internal for subnet in network.subnets}
    needed = {"ipv4", *(f"ipv{version}" for version in versions)} if versions else set()
    return {family for family in needed if sysctls.read(FORWARDING[family]) == "0"}


async def _a_change(told: socket.socket) -> None:
    """Wait until somebody has changed tables or chains, and then has been quiet for a while."""
    while not await _is_telling(told):
        pass
    with suppress(TimeoutError):
        async with asyncio.timeout(20 * QUIET):
            while True:
                async with asyncio.timeout(QUIET):
                    await _is_telling(told)


async def _is_telling(told: socket.socket) -> bool:
    try:
        return coexistence.tells_of_a_change(await asyncio.get_running_loop().sock_recv(told, 65536))
    except OSError as error:
        if error.errno != errno.ENOBUFS:
            raise
        return True  # so much has changed that some of it is lost
