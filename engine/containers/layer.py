"""A container's own layer: what was written over its image, and what is written elsewhere. Blocks. Imports changes."""

from __future__ import annotations

from pathlib import Path

from engine.containers import bundle
from engine.containers import changes as walk
from engine.containers.container import Container
from engine.errors import EngineError
from engine.protocol.messages import Changes, ErrorCode
from engine.sandbox.root import Plain

MOST = 100_000  # changes that are told


def changes(container: Container, directory: Path, limit: int) -> Changes:
    """What differs from its image. EngineError: INVALID, STORAGE."""
    if not 0 < limit <= MOST:
        raise EngineError(ErrorCode.INVALID, f"A limit of {limit} changes can't be: give 1 to {MOST}.")
    root = bundle.filesystem(directory, container.image, container.spec)
    if isinstance(root, Plain):
        note = f"It runs on {root.path} itself: what it writes there can't be told from what was there."
        return Changes(changes=[], notes=[note, *_elsewhere(container)])
    places = [("", root.root), *root.grafts]
    own = [walk.Layer(layered.upper, layered.layers, place) for place, layered in places]
    made = {mount.destination for mount in container.spec.mounts}
    try:
        found = walk.changes(own, limit=limit, made=made)
    except OSError as error:
        raise EngineError(
            ErrorCode.STORAGE, f"The layer of container {container.name!r} can't be read: {error}."
        ) from None
    return Changes(changes=found.changes, truncated=found.truncated, notes=_notes(container))


def _notes(container: Container) -> list[str]:
    options = container.record.options
    if options.rootfs is not None:
        return [f"Compared with {options.rootfs} (--rootfs), which stays as it is.", *_elsewhere(container)]
    return _elsewhere(container)


def _elsewhere(container: Container) -> list[str]:
    """What is written into mounts is no part of the layer."""
    kinds = {"volume": "volume", "bind": "a directory of the host,", "tmpfs": "memory"}
    return [
        f"{mount.destination} is {kinds[mount.type]}{f' {mount.source}' if mount.source else ''}: "
        "what is written there is no change here."
        for mount in container.record.options.mounts
    ]
