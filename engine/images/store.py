"""`Images`: finds an image by name, making it on first use. May import asyncio, the protocol and this package."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path
from typing import Protocol

import msgspec

from engine.errors import EngineError
from engine.images.busybox import Busybox
from engine.images.echo import Echo
from engine.images.generation import generation, stamp
from engine.images.host import Host
from engine.images.image import Image
from engine.protocol.messages import ErrorCode, ImageSummary

DEFAULT = "host"


class Recipe(Protocol):
    """How one built-in image is made. `digest` names the generation that `build` would make now."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def command(self) -> tuple[str, ...]: ...
    def unavailable(self) -> str: ...
    def watched(self) -> list[str]: ...
    def digest(self) -> str: ...
    def build(self, place: Path) -> None: ...
    def image(self, place: Path) -> Image: ...


class Images:
    """The built-in images; their generations live in `directory/<name>/<digest>`."""

    def __init__(self, directory: Path, recipes: tuple[Recipe, ...] | None = None) -> None:
        self.directory = directory
        self.recipes = {recipe.name: recipe for recipe in recipes or (Host(), Busybox(), Echo())}
        self._lock = threading.Lock()  # one builder; held in threads only
        self._made: dict[str, tuple[object, Image]] = {}  # name → what was watched, the image

    async def prepare(self, name: str | None) -> Image:
        """The image `name` (None: the default one), made now if it has to be.

        Raises EngineError: NO_SUCH_IMAGE, UNSUPPORTED (this machine has not what it is made from), STORAGE.
        """
        recipe = self.recipes.get(DEFAULT if name is None else name)
        if recipe is None:
            known = ", ".join(self.recipes)
            raise EngineError(ErrorCode.NO_SUCH_IMAGE, f"There is no image {name!r}: the images are {known}.")
        return await asyncio.to_thread(self._prepare, recipe)

    def list(self) -> list[ImageSummary]:
        """All images, also those that are not available here. Reads a few files."""
        return [
            ImageSummary(
                name=recipe.name,
                description=recipe.description,
                command=list(recipe.command),
                available=not (reason := recipe.unavailable()),
                reason=reason,
            )
            for recipe in self.recipes.values()
        ]

    def _prepare(self, recipe: Recipe) -> Image:
        if reason := recipe.unavailable():
            raise EngineError(ErrorCode.UNSUPPORTED, f"The image {recipe.name!r} is not available. {reason}")
        with self._lock:
            try:
                return self._present(recipe)
            except (OSError, subprocess.SubprocessError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                raise EngineError(
                    ErrorCode.STORAGE,
                    f"The image {recipe.name!r} could not be made in {self.directory}: {why}. It needs to be a "
                    "directory that can be written to, with some room; HELIOSTUI_STATE chooses another.",
                ) from error

    def _present(self, recipe: Recipe) -> Image:
        watched = stamp(recipe.watched())
        seen, image = self._made.get(recipe.name, (None, None))
        if image is not None and seen == watched and os.path.isdir(image.layers[0]):
            return image
        digest = recipe.digest()
        place = generation(self.directory / recipe.name, digest, recipe.build)
        try:
            image = recipe.image(place)
        except (OSError, msgspec.MsgspecError):  # cut short by a power failure: make it anew
            shutil.rmtree(place)
            image = recipe.image(generation(self.directory / recipe.name, digest, recipe.build))
        self._made[recipe.name] = watched, image
        return image


async def rootfs_image(path: str) -> Image:
    """The image that `--rootfs path` means. Raises EngineError INVALID where that can't be one."""
    return await asyncio.to_thread(_rootfs_image, path)


def _rootfs_image(path: str) -> Image:
    if why := _no_root(path):
        raise EngineError(
            ErrorCode.INVALID,
            f"The root filesystem {path!r} {why}: give the absolute path of a directory that you can read.",
        )
    return Image(name=path, description="A directory of this machine", layers=(os.path.realpath(path),))


def _no_root(path: str) -> str:
    """Why the path can't be a root filesystem, or nothing."""
    if not path.startswith("/"):
        return "is not an absolute path"
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        return "is not yours to read"
    except (OSError, ValueError):  # ValueError: a NUL byte
        return "does not exist"
    if not stat.S_ISDIR(mode):
        return "is not a directory"
    return "" if os.access(path, os.R_OK | os.X_OK) else "is not yours to read"
