"""Our nftables table, kept as it shall be: which networks there are and which ports are published. Imports the parts
beside it.

What is wanted is remembered here. A change is one transaction of a few elements; when the kernel does not have what we
believe, the whole table is written anew, in one transaction too. Connections outlive both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from engine.errors import EngineError
from engine.network import links, nft, sysctls, table
from engine.network.home import Home
from engine.network.model import Forward, Network

FORWARDING = {"ipv4": "ipv4/ip_forward", "ipv6": "ipv6/conf/all/forwarding"}


class Firewall:
    """The table of that name in the home namespace. Nothing is loaded before the first call."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._name = name
        self._nft: nft.Nft | None = None  # made and used in the home's thread only
        self._lock = asyncio.Lock()
        self._networks: dict[str, Network] = {}  # by id
        self._forwards: dict[Forward, None] = {}
        self._switched_on: set[str] = set()
        self._applied: table.Content | None = None  # None: not known
        self.coexistence: list[str] = []

    async def reason(self) -> str:
        """Why there can be no rules here, and how to mend it; empty: there can."""
        return await self._home.call(self._find_reason)

    async def ensure(self, networks: Iterable[Network], forwards: Iterable[Forward]) -> None:
        """Make the table exactly this, in one transaction, whatever was there. Raises EngineError."""
        async with self._lock:
            self._applied = None
            self._switched_on = await self._home.call(self._find_switched_on)
            await self._make({network.id: network for network in networks}, dict.fromkeys(forwards))

    async def add_network(self, network: Network) -> None:
        """Let it be seen and, if it is not internal, have a way out. Raises EngineError; then nothing has changed."""
        async with self._lock:
            await self._make({**self._networks, network.id: network}, self._forwards)

    async def remove_network(self, network: Network) -> None:
        """Nothing is let through to or from its bridge any more. It may be unknown."""
        async with self._lock:
            await self._make({i: n for i, n in self._networks.items() if i != network.id}, self._forwards)

    async def publish(self, forwards: Iterable[Forward]) -> None:
        """Let these ports of the host lead to containers; one that leads elsewhere is turned. Raises EngineError; then
        nothing has changed."""
        new = dict.fromkeys(forwards)
        places = {_place(forward) for forward in new}
        async with self._lock:
            kept = {forward: None for forward in self._forwards if _place(forward) not in places}
            await self._make(self._networks, {**kept, **new})

    async def unpublish(self, forwards: Iterable[Forward]) -> None:
        """And no longer. They may be unknown."""
        gone = set(forwards)
        async with self._lock:
            await self._make(self._networks, {forward: None for forward in self._forwards if forward not in gone})

    async def remove(self) -> None:
        """Take the table away, and switch forwarding off that we switched on, unless somebody else needs it now."""
        async with self._lock:
            self._applied, self._networks, self._forwards = None, {}, {}
            await self._home.call(self._remove)
            self._switched_on = set()

    async def _make(self, networks: dict[str, Network], forwards: dict[Forward, None]) -> None:
        """Let the kernel have this; it is what is wanted from then on."""
        applied, self._applied = self._applied, None  # not known until it is done, cancelled or failed as it may be
        switched_on = self._switched_on | await self._home.call(_will_be_switched_on, list(networks.values()))
        wanted = table.content(networks.values(), forwards, switched_on)
        try:
            await self._home.call(self._apply, applied, wanted)
        except EngineError:
            if applied is not None:
                with suppress(EngineError):
                    await self._home.call(self._apply, None, applied)
                    self._applied = applied
            raise
        self._networks, self._forwards, self._switched_on, self._applied = networks, forwards, switched_on, wanted

    # --- in the home's thread ---

    def _library(self) -> nft.Nft:
        if self._nft is None:
            self._nft = nft.Nft()
        return self._nft

    def _apply(self, applied: table.Content | None, wanted: table.Content) -> None:
        if applied is None or not self._changed(applied, wanted):
            self._library().run(table.whole(self._name, wanted))
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

    def _find_switched_on(self) -> set[str]:
        with suppress(nft.Refused):  # there is no such table
            for found in self._library().objects(f"list set inet {self._name} switched_on"):
                if "set" in found:
                    return set(found["set"].get("elem", []))
        return set()

    def _find_reason(self) -> str:
        try:
            self._library().check(table.whole(self._name, table.content([], [])))
        except EngineError as error:
            return error.message
        return ""

    def _remove(self) -> None:
        self._library().run(f"add table inet {self._name}\ndelete table inet {self._name}")


def _place(forward: Forward) -> tuple[object, ...]:
    """What a published port occupies."""
    return forward.protocol, forward.host, forward.port, forward.container.version


def _will_be_switched_on(networks: Sequence[Network]) -> set[str]:
    """Families that these networks need forwarded and that are not yet."""
    needed = {f"ipv{subnet.range.version}" for n in networks if not n.internal for subnet in n.subnets}
    return {family for family in needed if sysctls.read(FORWARDING[family]) == "0"}
