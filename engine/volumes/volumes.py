"""The volumes, who uses them, and the verbs that act on them. Imports asyncio and the parts.

A container *claims* its mounts when it is made: volumes are made and filled, sources on the host checked. The claim
holds until the container is removed, whether it runs or not.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from posixpath import normpath

import msgspec

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ErrorCode, MountOption, VolumeDetail
from engine.spec import mounts as spec_mounts
from engine.volumes import filters, labels, sources
from engine.volumes.copy_up import copy_up
from engine.volumes.store import Description, Store

LONGEST_NAME = 128
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
VolumeDetails = list[VolumeDetail]  # the class below has a verb called `list`


@dataclass
class Claim:
    """What a new container got: its mounts, each volume with a name now, and the directories of these."""

    mounts: list[MountOption] = field(default_factory=list)
    directories: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)  # volumes that are new
    made_sources: list[str] = field(default_factory=list)  # and directories of the host


class Volumes:
    """All volumes of one engine. `name_of` tells a container's name by its id."""

    def __init__(self, state: Path, name_of: Callable[[str], str]) -> None:
        self._store = Store(state)
        self._name_of = name_of
        self._used: dict[str, frozenset[str]] = {}  # names of volumes by the id of the container that claimed them
        self._lock = asyncio.Lock()  # one at a time makes, fills or removes

    async def recover(self, claimed: Iterable[tuple[str, Sequence[MountOption]]]) -> None:
        """Take over the claims of containers that are there already, by their ids; tidy up after a crash."""
        for id, mounts in claimed:
            self._note(id, mounts)
        async with self._storage("tidy up the volumes"):
            await asyncio.to_thread(self._store.tidy)

    # Containers

    async def claim(self, id: str, mounts: Sequence[MountOption], image: Image) -> Claim:
        """Get ready what container `id` is to mount. EngineError; then nothing is left of it."""
        claim = Claim()
        if not mounts:
            return claim
        for mount in mounts:
            spec_mounts.check(mount)
            if mount.type == "volume" and mount.source:
                _check_name(mount.source)
        mounts = [msgspec.structs.replace(mount, destination=normpath(mount.destination)) for mount in mounts]
        async with self._lock, self._storage("make the volumes of a container"):
            try:
                claim.made_sources = await asyncio.to_thread(sources.ready, mounts)
                for mount in mounts:
                    claim.mounts.append(await self._claimed(claim, mount, image) if mount.type == "volume" else mount)
            except BaseException:
                await asyncio.to_thread(self._take_back, claim)
                raise
            self._note(id, claim.mounts)
        return claim

    async def give_up(self, id: str, claim: Claim) -> None:
        """Undo a claim, because there will be no container."""
        self._used.pop(id, None)
        async with self._lock:
            await asyncio.to_thread(self._take_back, claim)

    async def release(self, id: str, *, anonymous: bool = False) -> None:
        """A container is gone; with `anonymous` go the volumes without a name that nobody else claims."""
        names = self._used.pop(id, frozenset())
        if not (anonymous and names):
            return
        async with self._lock, self._storage("remove the volumes of a container"):
            for name in names - self._in_use():
                description = await asyncio.to_thread(self._store.describe, name)
                if description is not None and description.anonymous:
                    await asyncio.to_thread(self._store.remove, name)

    # Verbs

    async def create(self, name: str | None, wanted: dict[str, str]) -> VolumeDetail:
        """Make a volume; one that is there already is answered as it is."""
        if name is not None:
            _check_name(name)
        async with self._lock, self._storage("make a volume"):
            made = _new_name() if name is None else name
            found = await asyncio.to_thread(self._store.describe, made)
            if found is None:
                found = Description(created_at=datetime.now(UTC), labels=wanted, anonymous=name is None)
                await asyncio.to_thread(self._store.make, made, found)
        return self._detail(made, found)

    async def list(self, wanted: Sequence[str] = ()) -> VolumeDetails:
        """Those that hold against all filters, by name."""
        test = filters.parse(wanted)
        async with self._storage("list the volumes"):
            details = await asyncio.to_thread(self._all)
        return [detail for detail in details if test(detail)]

    async def inspect(self, name: str) -> VolumeDetail:
        """One, with its size. EngineError(NO_SUCH_VOLUME)."""
        async with self._storage(f"look at the volume {name!r}"):
            detail = self._detail(name, await self._present(name))
            return msgspec.structs.replace(detail, size=await asyncio.to_thread(self._store.size, name))

    async def remove(self, name: str) -> None:
        """Remove one that no container has claimed. EngineError(NO_SUCH_VOLUME, WRONG_STATE)."""
        async with self._lock, self._storage(f"remove the volume {name!r}"):
            detail = self._detail(name, await self._present(name))
            if detail.used_by:
                raise EngineError(
                    ErrorCode.WRONG_STATE,
                    f"The volume {name!r} is in use: remove its containers first ({', '.join(detail.used_by)}).",
                )
            await asyncio.to_thread(self._store.remove, name)

    async def prune(self, all: bool = False) -> VolumeDetails:
        """Remove those without a name, or `all`, that no container has claimed; returns them."""
        async with self._lock, self._storage("remove the volumes that nobody uses"):
            details = await asyncio.to_thread(self._all)
            gone = [detail for detail in details if not detail.used_by and (all or detail.anonymous)]
            for detail in gone:
                await asyncio.to_thread(self._store.remove, detail.name)
        return gone

    # How it is done

    async def relabel(self, claim: Claim, label: str | None) -> None:
        """Let the container at the sources that were given to it with `z` or `Z`, where SELinux decides about that."""
        if label:
            for mount in claim.mounts:
                if words := {"z", "Z"} & set(mount.options):
                    place = claim.directories.get(mount.source, mount.source)
                    async with self._storage(f"relabel {place!r}"):
                        await asyncio.to_thread(labels.relabel, place, label, shared=words == {"z"})

    async def _claimed(self, claim: Claim, mount: MountOption, image: Image) -> MountOption:
        name = mount.source or _new_name()
        if await asyncio.to_thread(self._store.describe, name) is None:
            description = Description(created_at=datetime.now(UTC), anonymous=not mount.source)
            await asyncio.to_thread(self._store.make, name, description)
            claim.made.append(name)
        claim.directories[name] = str(self._store.data(name))
        if "nocopy" not in mount.options:
            await asyncio.to_thread(self._fill, image, mount.destination, claim.directories[name])
        return msgspec.structs.replace(mount, source=name)

    def _fill(self, image: Image, destination: str, directory: str) -> None:
        if not os.listdir(directory):
            copy_up(image, destination, directory)

    def _take_back(self, claim: Claim) -> None:
        for name in claim.made:
            self._store.remove(name)
        sources.take_back(claim.made_sources)

    def _note(self, id: str, mounts: Sequence[MountOption]) -> None:
        if names := frozenset(mount.source for mount in mounts if mount.type == "volume"):
            self._used[id] = names

    def _in_use(self) -> set[str]:
        return {name for names in self._used.values() for name in names}

    async def _present(self, name: str) -> Description:
        found = await asyncio.to_thread(self._store.describe, name) if _NAME.fullmatch(name) else None
        if found is None:
            raise EngineError(ErrorCode.NO_SUCH_VOLUME, f"There is no volume {name[:LONGEST_NAME]!r}.")
        return found

    def _all(self) -> VolumeDetails:
        found = ((name, self._store.describe(name)) for name in self._store.names())
        return [self._detail(name, description) for name, description in found if description is not None]

    def _detail(self, name: str, description: Description) -> VolumeDetail:
        return VolumeDetail(
            name=name,
            created_at=description.created_at,
            path=str(self._store.data(name)),
            labels=description.labels,
            anonymous=description.anonymous,
            used_by=sorted(self._name_of(id) for id, names in self._used.items() if name in names),
        )

    @asynccontextmanager
    async def _storage(self, doing: str) -> AsyncIterator[None]:
        """Turn an OSError into an EngineError(STORAGE)."""
        try:
            yield
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise EngineError(ErrorCode.STORAGE, f"Could not {doing}: {error.strerror}{where}.") from error


def _new_name() -> str:
    return secrets.token_hex(32)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise EngineError(
            ErrorCode.INVALID,
            f"{name[:LONGEST_NAME]!r} is no name of a volume: at most {LONGEST_NAME} of letters, digits, '_', '.' and "
            "'-', beginning with a letter or digit.",
        )
