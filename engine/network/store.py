"""Networks on disk, and what stands in the kernel for running containers. Blocks: call it in a thread. OSError.

<state>/networks/<id>.json         a network; it outlives reboots
<runtime>/networks/<container>.json  what a running container was given, written before the kernel is told: whatever
                                   a crash leaves there can be found. It ends with the kernel's own state, at a reboot.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.errors import EngineError
from engine.network.model import Endpoint, Forward, Network, Subnet
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import step

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """What one running container has in the kernel."""

    container: str  # id
    endpoints: tuple[Endpoint, ...] = ()
    forwards: tuple[Forward, ...] = ()


class Store:
    """The two directories of one engine."""

    def __init__(self, state: Path, runtime: Path) -> None:
        self._networks = state / "networks"
        self._standing = runtime / "networks"

    def networks(self) -> list[Network]:
        """All of them, the oldest first. A file that can't be read any more is left alone, said to be
        so in the engine's log, and is no network."""
        return sorted(_all(self._networks, _network), key=lambda network: network.created_at)

    def save(self, network: Network) -> None:
        """Durably."""
        self._networks.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._networks / f"{network.id}.json", network, durable=True)
        _sync(self._networks)

    def remove(self, network: Network) -> None:
        """What is gone already is fine."""
        (self._networks / f"{network.id}.json").unlink(missing_ok=True)
        _sync(self._networks)

    def standing(self) -> list[Standing]:
        """Of all containers that were given something."""
        return list(_all(self._standing, _standing_of))

    def stand(self, standing: Standing) -> None:
        """Write it before the kernel is told. EngineError(STORAGE)."""
        path = self._standing / f"{standing.container}.json"
        try:
            self._standing.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, standing, durable=False)
        except OSError as error:
            why = f"What a container has in its networks can't be written down: {error.strerror} ({path})."
            raise EngineError(ErrorCode.STORAGE, why) from error

    def fall(self, container: str) -> None:
        """Nothing of it stands any more."""
        path = self._standing / f"{container}.json"
        with step("unlink", path):
            path.unlink(missing_ok=True)


def _all(directory: Path, meaning: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    if not directory.is_dir():
        return
    for entry in os.scandir(directory):
        if entry.name.endswith(".json") and not entry.name.startswith("."):
            try:
                read = msgspec.json.decode(Path(entry.path).read_bytes(), type=dict[str, Any])
                if f"{read.get('id', read.get('container'))}.json" != entry.name:
                    raise ValueError
                found = meaning(read)
            except (OSError, msgspec.MsgspecError, KeyError, TypeError, ValueError):
                _log.warning("%s can't be read any more, and is passed over.", entry.path)
                continue
            yield found


def _write(path: Path, value: object, *, durable: bool) -> None:
    new = path.with_name(f".{path.name}")
    try:
        new.write_bytes(msgspec.json.encode(value, enc_hook=str))
        if durable:
            _sync(new)
        with step("rename", new, path):
            new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# msgspec decodes no unions of address types; so what is read is put together here.


def _network(read: dict[str, Any]) -> Network:
    subnets = tuple(Subnet(ip_network(one["range"]), ip_address(one["gateway"])) for one in read["subnets"])
    created_at = datetime.fromisoformat(read["created_at"])
    return Network(**{**read, "subnets": subnets, "created_at": created_at})


def _standing_of(read: dict[str, Any]) -> Standing:
    return Standing(
        read["container"],
        tuple(_endpoint(one) for one in read["endpoints"]),
        tuple(_forward(one) for one in read["forwards"]),
    )


def _endpoint(read: dict[str, Any]) -> Endpoint:
    addresses = tuple(ip_interface(one) for one in read["addresses"])
    gateways = tuple(ip_address(one) for one in read["gateways"])
    return Endpoint(**{**read, "addresses": addresses, "gateways": gateways, "aliases": tuple(read["aliases"])})


def _forward(read: dict[str, Any]) -> Forward:
    host = read["host"] and ip_address(read["host"])
    return Forward(**{**read, "host": host, "container": ip_address(read["container"])})
