"""What a launch is handed for its mounts (`engine.sandbox.mount_inputs`), made from image and spec. Blocks."""

from __future__ import annotations

import dataclasses
import os
from contextlib import ExitStack
from pathlib import Path

from engine.errors import EngineError
from engine.images.image import Image
from engine.protocol.messages import ErrorCode
from engine.sandbox import detached, user_namespace
from engine.sandbox.mount_inputs import handed_in, has_own_maps
from engine.sandbox.mount_options import sort_options
from engine.spec.structs import Mount, Spec
from engine.volumes.copy_up import copy_up


def open_mounts(spec: Spec, image: Image, directory: Path, opened: ExitStack) -> list[int]:
    """The descriptors for the spec's mounts, in the order in which a launch takes them; `opened` closes them.

    EngineError names the mount.
    """
    # What the container itself has written lies above the image; a bundle's root is all there is of it.
    own = [str(upper)] if (upper := directory / "upper").is_dir() else []
    whole = dataclasses.replace(image, layers=(*own, *image.layers))
    descriptors = []
    for number in handed_in(spec.mounts):
        mount = spec.mounts[number]
        try:
            made = _own_maps(mount) if has_own_maps(mount) else _filled(mount, whole)
        except OSError as error:
            raise EngineError(
                ErrorCode.LAUNCH_FAILED, f"$.mounts[{number}]: {mount.destination!r} can't be made: {error.strerror}."
            ) from error
        opened.callback(os.close, made)
        descriptors.append(made)
    return descriptors


def _own_maps(mount: Mount) -> int:
    return user_namespace.make(mount.uid_mappings, mount.gid_mappings)


def _filled(mount: Mount, image: Image) -> int:
    made = detached.tmpfs((("source", mount.source or "tmpfs"), *sort_options(mount.options).data))
    try:
        copy_up(image, mount.destination, f"/proc/self/fd/{made}/")
    except BaseException:
        os.close(made)
        raise
    return made
