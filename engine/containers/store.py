"""Containers on disk: one directory each, written so that any instant may be the last. Imports asyncio and msgspec.

    containers/<id>/config.json    the OCI runtime spec it is run by
                    image.json     the image it is made from: directories and defaults
                    state.json     its `Record`; written last, so a directory without one was never finished
                    launch.json    the receipt of its last launch
                    upper/ work/ merged/   its own layer of the overlay, the overlay's workspace, its root's place
                    log/           its output
                    network/       its hosts, resolv.conf and hostname (see `networking`)
    corrupt/<id>-<n>   set aside, because it could not be read
    trash/<id>-<n>     removed; being deleted

A file is replaced by writing a neighbour, fsync, rename, and fsync of the directory. A container that is created to be
started at once is not kept waiting by the disk: its files are synced with the first record after its start, which is
before anybody is told of it. One that is removed when it ends (--rm) is not synced at all. All of it happens in
threads. What can't be written is an EngineError(STORAGE).
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from engine import trees
from engine.containers import names
from engine.containers.record import Record
from engine.errors import EngineError
from engine.images import Image
from engine.protocol.messages import ErrorCode, Finding, Launch
from engine.receipts.steps import step
from engine.spec import seccomp
from engine.spec.structs import Spec

FILES = ("config.json", "image.json", "state.json")  # all of a container, but for what it does
_FULL = {
    errno.ENOSPC: "the disk is full, make room in {}",
    errno.EDQUOT: "the disk quota is used up, make room in {}",
    errno.EROFS: "the file system of {} is read-only, make it writable again",
}


@dataclass(frozen=True)
class Stored:
    """One container as it is on disk. The image is the generation that it was created from."""

    record: Record
    spec: Spec
    image: Image


@dataclass
class Found:
    """What `Store.load` read: whole containers, and a finding for each that was set aside."""

    containers: list[Stored] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Add a finding for `doctor`."""
        self.findings.append(Finding(name="state", status="limited", text=text))


class Store:
    """The `containers`, `corrupt` and `trash` directories below `state`."""

    def __init__(self, state: Path) -> None:
        self._root = state
        self._containers = state / "containers"
        self._corrupt = state / "corrupt"
        self._trash = state / "trash"
        self._unsynced: set[str] = set()  # ids of containers that a crash of the machine would lose
        self._deleting = asyncio.Lock()  # one thread at most is busy deleting

    def directory(self, id: str) -> Path:
        """The container's directory."""
        return self._containers / id

    async def create(self, stored: Stored, *, durable: bool = True) -> None:
        """Make the container's directory with its files; nothing is left of it when that fails.

        If not `durable`, the first `save` makes it so.
        """
        await asyncio.to_thread(self._create, stored, durable)

    async def save(self, record: Record) -> None:
        """Replace the container's record; durably, unless it is removed at its end anyway."""
        with self._storage(f"store the state of container {record.name!r}"):
            await asyncio.to_thread(self._save, record)

    async def save_spec(self, id: str, name: str, spec: Spec) -> None:
        """Replace the spec that the container is run by."""
        with self._storage(f"store the spec of container {name!r}"):
            await asyncio.to_thread(_replace, self.directory(id) / "config.json", msgspec.json.encode(spec))

    async def save_launch(self, launch: Launch) -> None:
        """Keep the receipt of the container's last launch."""
        with self._storage(f"store the launch receipt of container {launch.name!r}"):
            path = self.directory(launch.id) / "launch.json"
            await asyncio.to_thread(_replace, path, msgspec.json.encode(launch), durable=False)

    async def launch(self, id: str) -> Launch | None:
        """The receipt of the container's last launch; None when there is none that can be read."""
        try:
            text = await asyncio.to_thread((self.directory(id) / "launch.json").read_bytes)
            return msgspec.json.decode(text, type=Launch)
        except (OSError, msgspec.MsgspecError):
            return None

    async def load(self) -> Found:
        """All containers on disk. Unfinished ones go to the trash, unreadable ones are set aside; neither is fatal."""
        with self._storage("read the containers"):
            return await asyncio.to_thread(self._load)

    async def remove(self, id: str) -> Path | None:
        """Make the container's directory vanish at once; what is returned is to be given to `delete`."""
        self._unsynced.discard(id)
        with self._storage(f"remove container {id}"):
            return await asyncio.to_thread(_move_aside, self.directory(id), self._trash)

    async def delete(self, trash: Path) -> None:
        """Delete a tree that `remove` moved out of the way; what resists stays for the next start."""
        async with self._deleting:
            with step("rmtree", trash, "openat, unlinkat, rmdir of all that is in it"):
                await asyncio.to_thread(trees.remove, trash, ignore_errors=True)

    def leftovers(self) -> list[Path]:
        """Trees in the trash, to be given to `delete`."""
        return sorted(self._trash.iterdir()) if self._trash.is_dir() else []

    @contextmanager
    def _storage(self, doing: str) -> Iterator[None]:
        """Turn an OSError into an EngineError(STORAGE) that names what was being done, and what helps."""
        try:
            yield
        except OSError as error:
            number = error.errno or errno.EIO
            where = f" ({error.filename})" if error.filename else ""
            reason = _FULL[number].format(self._root) if number in _FULL else os.strerror(number) + where
            raise EngineError(ErrorCode.STORAGE, f"Could not {doing}: {reason}.") from error

    def _create(self, stored: Stored, durable: bool) -> None:
        directory = self.directory(stored.record.id)
        with self._storage(f"store the state of container {stored.record.name!r}"):
            self._containers.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.mkdir(mode=0o700)
            try:
                _write(directory / "config.json", msgspec.json.encode(stored.spec), durable=durable)
                _write(directory / "image.json", msgspec.json.encode(stored.image), durable=durable)
                _replace(directory / "state.json", msgspec.json.encode(stored.record), durable=durable)
                if durable:
                    _sync(self._containers)
                else:
                    self._unsynced.add(stored.record.id)
            except BaseException:
                shutil.rmtree(directory, ignore_errors=True)
                raise

    def _save(self, record: Record) -> None:
        directory = self.directory(record.id)
        durable = not record.options.remove  # of a --rm container a crash of the machine leaves nothing anyway
        new = record.id in self._unsynced and durable
        _replace(directory / "state.json", msgspec.json.encode(record), durable=durable and not new)
        if new:  # nobody counts on it before all of it is there; what was renamed first, the disk writes all at once
            for path in (*(directory / name for name in FILES), directory, self._containers):
                _sync(path)
            self._unsynced.discard(record.id)

    def _load(self) -> Found:
        found = Found()
        if not self._containers.is_dir():
            return found
        for directory in sorted(self._containers.iterdir()):
            if not names.is_id(directory.name):
                found.note(f"{directory} is no container of ours; it is left alone.")
                continue
            try:
                found.containers.append(_read(directory))
            except (OSError, msgspec.MsgspecError) as error:
                try:
                    self._clear_away(directory, error, found)
                except OSError as trouble:
                    found.note(f"Container {directory.name} can't be read ({error}), nor set aside ({trouble}).")
        return found

    def _clear_away(self, directory: Path, error: Exception, found: Found) -> None:
        if not (directory / "state.json").exists():
            _move_aside(directory, self._trash)
            return
        place = _move_aside(directory, self._corrupt)
        found.note(f"Container {directory.name} can't be read ({error}); it was set aside as {place}.")


def _read(directory: Path) -> Stored:
    record = msgspec.json.decode((directory / "state.json").read_bytes(), type=Record)
    spec = msgspec.json.decode((directory / "config.json").read_bytes(), type=Spec)
    image = msgspec.json.decode((directory / "image.json").read_bytes(), type=Image)
    if record.id != directory.name:
        raise msgspec.ValidationError(f"state.json is of container {record.id!r}")
    return Stored(record, _with_shared_profile(spec), image)


def _with_shared_profile(spec: Spec) -> Spec:
    """Nearly all containers have the default seccomp profile, and it is most of a spec: keep it in memory once."""
    capabilities = spec.process.capabilities
    shared = seccomp.default(capabilities.bounding if capabilities is not None else ())
    if spec.linux.seccomp != shared:
        return spec
    linux = msgspec.structs.replace(spec.linux, seccomp=shared)
    return msgspec.structs.replace(spec, linux=linux)


def _move_aside(directory: Path, to: Path) -> Path | None:
    """Rename `directory` to `to/<name>-<n>`; None when it is not there."""
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 1
    while (place := to / f"{directory.name}-{number}").exists():
        number += 1
    try:
        with step("rename", directory, place):
            directory.rename(place)
    except FileNotFoundError:
        return None
    return place


def _write(path: Path, data: bytes, *, durable: bool = True) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        with step("write", path, f"{len(data)} bytes"):
            file.write(data)
            file.flush()
        if durable:
            with step("fsync", path):
                os.fsync(file.fileno())


def _replace(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path`, such that a reader, and the disk after a crash, has the old or the new, whole."""
    new = path.with_name(path.name + ".new")
    try:
        _write(new, data, durable=durable)
        with step("rename", new, path):
            new.rename(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Wait until the disk has the file, or the directory's entries (fsync(2))."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with step("fsync", path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
