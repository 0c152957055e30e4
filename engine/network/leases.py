"""Who has which address of a network. In memory and pure: after a crash it is made anew of what stands in the kernel.

An address is given back when its container has ended, and asked for again by the next start: so a container keeps its
own for as long as nobody else needs it. Both families get the same number in their range where that is free.
"""

from __future__ import annotations

from engine.errors import EngineError
from engine.network.model import Address, Network, Subnet
from engine.network.subnets import is_for_hosts
from engine.protocol.messages import ErrorCode


class Leases:
    """The leases of one network. Nothing here waits, so two callers never get the same."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._holders: dict[Address, str] = {}  # container ids
        self._last: dict[str, tuple[Address, ...]] = {}  # what a container had when it last ran
        self._next = 1  # a number in the ranges: those that were given last are used again last

    def take(self, container: str, wanted: dict[int, Address]) -> tuple[Address, ...]:
        """One address of each family, IPv4 first; `wanted`: by IP version. EngineError(INVALID, WRONG_STATE)."""
        last: dict[int, Address] = {address.version: address for address in self._last.get(container, ())}
        taken: list[Address] = []
        try:
            for subnet in self._network.subnets:
                address = self._address(container, subnet, wanted.get(subnet.range.version), last, taken)
                self._holders[address] = container
                taken.append(address)
        except BaseException:
            for address in taken:
                del self._holders[address]
            raise
        self._last[container] = tuple(taken)
        return tuple(taken)

    def hold(self, container: str, address: Address) -> None:
        """It has this address already, as the kernel shows."""
        self._holders[address] = container
        self._last[container] = (*(a for a in self._last.get(container, ()) if a.version != address.version), address)

    def give_back(self, container: str) -> None:
        """All that it has."""
        for address in [address for address, holder in self._holders.items() if holder == container]:
            del self._holders[address]

    def forget(self, container: str) -> None:
        """The container is gone for good."""
        self.give_back(container)
        self._last.pop(container, None)

    def holder(self, address: Address) -> str | None:
        """The id of the container that has it."""
        return self._holders.get(address)

    def check(self, wanted: Address) -> Subnet:
        """The subnet that a wanted address is in. EngineError(INVALID) when no container can have it."""
        for subnet in self._network.subnets:
            if is_for_hosts(wanted, subnet.range):
                if wanted == subnet.gateway:
                    break
                return subnet
        ranges = " and ".join(str(subnet.range) for subnet in self._network.subnets)
        what = "is its gateway" if any(wanted == subnet.gateway for subnet in self._network.subnets) else "is not in it"
        raise EngineError(
            ErrorCode.INVALID,
            f"No container of network {self._network.name!r} ({ranges}) can have {wanted}: it {what}.",
        )

    def _address(
        self, container: str, subnet: Subnet, wanted: Address | None, last: dict[int, Address], taken: list[Address]
    ) -> Address:
        if wanted is not None:
            self.check(wanted)
            if (holder := self._holders.get(wanted)) not in (None, container):
                raise EngineError(
                    ErrorCode.WRONG_STATE,
                    f"Container {holder} has {wanted} of network {self._network.name!r}: stop it, or choose another "
                    "address.",
                )
            return wanted
        if (again := last.get(subnet.range.version)) is not None and self._is_free(again, subnet):
            return again
        if taken:  # the same number as in the other family
            first = self._network.subnets[0].range
            number = int(taken[0]) - int(first.network_address)
            if number < subnet.range.num_addresses and self._is_free(alike := subnet.range[number], subnet):
                return alike
        return self._free(subnet)

    def _free(self, subnet: Subnet) -> Address:
        size = subnet.range.num_addresses
        for number in range(self._next, self._next + size):
            address = subnet.range[number % size]
            if self._is_free(address, subnet):
                self._next = number % size + 1
                return address
        raise EngineError(
            ErrorCode.WRONG_STATE,
            f"Network {self._network.name!r} has no address left in {subnet.range}: make another network with a "
            "larger --subnet.",
        )

    def _is_free(self, address: Address, subnet: Subnet) -> bool:
        return address not in self._holders and address != subnet.gateway and is_for_hosts(address, subnet.range)
