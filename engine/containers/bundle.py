"""What a container is made of: from a person's options to image, spec and directories. Imports the images and the spec.

Its directory (see `store`) holds `upper`, `work` and `merged` for the root's overlay, and `grafts/<n>/upper` and
`grafts/<n>/work` for each directory that the image grafts in.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.containers import oci_bundle
from engine.errors import EngineError
from engine.heap import library
from engine.images import Image, Images, rootfs_image
from engine.images.layers import read_file
from engine.protocol.messages import ContainerOptions, ErrorCode, Exec
from engine.sandbox import init
from engine.sandbox.root import Layered, Plain, RootFilesystem
from engine.spec import default, id_maps, process
from engine.spec.capabilities import granted, sets
from engine.spec.namespaces import CONTAINER
from engine.spec.structs import ConsoleSize, Process, Spec
from engine.spec.user import Account, resolve_user


async def image_of(options: ContainerOptions, images: Images) -> Image:
    """The image that the options name, made if need be. EngineError as `Images.prepare`, or INVALID."""
    if options.bundle is not None:
        oci_bundle.check(options)
        return await oci_bundle.image(options.bundle, await asyncio.to_thread(oci_bundle.config, options.bundle))
    if options.rootfs is None:
        return await images.prepare(options.image)
    if options.image is not None:
        raise EngineError(ErrorCode.INVALID, "Give an image or a root directory (--rootfs), not both.")
    return await rootfs_image(options.rootfs)


async def spec_of(
    options: ContainerOptions,
    image: Image,
    id: str,
    directory: Path,
    volumes: Mapping[str, str],
    files: Mapping[str, str],
) -> Spec:
    """The OCI spec of a new container; `volumes`: name → directory; `files`: paths inside → those of files that are
    kept for it. EngineError(INVALID) names the option that can't be."""
    if options.bundle is not None:
        given = await asyncio.to_thread(oci_bundle.config, options.bundle)
        return oci_bundle.completed(given, options, id, image.layers[0])
    account = await asyncio.to_thread(_account, options.user, image.layers, options.groups)
    merged = str(directory / "merged")
    heap = str(heap_of(directory))
    return default.from_options(options, image, id, merged, account, volumes=volumes, files=files, heap=heap)


def heap_of(directory: Path) -> Path:
    """Where `library.lay_out` lays out the allocator for the container that has this directory."""
    return directory / "heap"


def check(options: ContainerOptions) -> None:
    """EngineError for options that exclude each other (INVALID) or can't be had here (UNSUPPORTED)."""
    if options.init:
        init.path()
    if options.heap is not None:
        library.needed()
    if options.remove and options.restart.name != "no":
        raise EngineError(
            ErrorCode.INVALID, "--rm and --restart exclude each other: a removed container can't restart."
        )
    if options.restart.maximum < 0 or (options.restart.maximum and options.restart.name != "on-failure"):
        raise EngineError(ErrorCode.INVALID, "Only --restart on-failure takes a number of times, 0 or more.")


async def draft(options: ContainerOptions, images: Images, root: str, heap: Path) -> Spec:
    """The OCI spec for a bundle that somebody else makes, with its root at `root`; `heap`: where the allocator is laid
    out for such. EngineError(INVALID) also for what only the engine knows: volumes, other containers."""
    if any(mount.type == "volume" for mount in options.mounts):
        raise EngineError(ErrorCode.INVALID, "A bundle knows no volumes: mount a directory (--volume /DIR:/PATH).")
    if any(way.startswith(CONTAINER) for way in options.namespaces.values()):
        raise EngineError(ErrorCode.INVALID, "A bundle knows no other containers: name a namespace by ns:PATH.")
    if options.networks or options.ports or options.publish_all:
        raise EngineError(ErrorCode.INVALID, "A bundle knows no networks and no published ports: leave them out.")
    if options.bundle is not None:
        raise EngineError(ErrorCode.INVALID, "A bundle has its spec already.")
    image = await image_of(options, images)
    account = await asyncio.to_thread(_account, options.user, image.layers, options.groups)
    bare = dataclasses.replace(image, masked=(), command=image.command or ("sh",))
    if options.heap is not None:
        await asyncio.to_thread(library.lay_out, heap)
    spec = default.from_options(options, bare, "heliostui", root, account, heap=str(heap))
    own_place = spec.linux.cgroups_path if options.cgroup_parent else None
    return msgspec.structs.replace(spec, linux=msgspec.structs.replace(spec.linux, cgroups_path=own_place))


def settled(options: ContainerOptions, spec: Spec) -> ContainerOptions:
    """The options with what a bundle decides about the terminal."""
    if options.bundle is None:
        return options
    size = spec.process.console_size or ConsoleSize(height=options.lines, width=options.columns)
    return msgspec.structs.replace(options, tty=spec.process.terminal, columns=size.width, lines=size.height)


def filesystem(directory: Path, image: Image, spec: Spec) -> RootFilesystem | Plain:
    """The container's layers over the image's; of a bundle its root itself."""
    if _is_plain(directory, spec):
        return Plain(spec.root.path)
    grafts = tuple(
        (graft.destination, _layered(directory / "grafts" / str(number), (graft.source,)))
        for number, graft in enumerate(image.grafts)
    )
    return RootFilesystem(str(directory / "merged"), _layered(directory, image.layers), grafts)


def _is_plain(directory: Path, spec: Spec) -> bool:
    return spec.root.path != str(directory / "merged")


def _layered(directory: Path, layers: tuple[str, ...]) -> Layered:
    return Layered(layers, str(directory / "upper"), str(directory / "work"))


def prepare(filesystem: RootFilesystem | Plain) -> None:
    """Make the directories ready to be mounted. Blocks; OSError."""
    if isinstance(filesystem, Plain):
        return
    os.makedirs(filesystem.mount_point, mode=0o700, exist_ok=True)
    for layered in (filesystem.root, *(layered for _, layered in filesystem.grafts)):
        os.makedirs(layered.upper, mode=0o700, exist_ok=True)
        os.makedirs(layered.work, mode=0o700, exist_ok=True)
        # The mode of the upper directory is that of the mounted root.
        os.chmod(layered.upper, stat.S_IMODE(os.stat(layered.layers[0]).st_mode))
        # A volatile overlay leaves this behind, and refuses to be mounted again with it (overlayfs.rst, "Volatile
        # mount").
        shutil.rmtree(os.path.join(layered.work, "work", "incompat"), ignore_errors=True)


async def process_of(request: Exec, spec: Spec, image: Image, directory: Path) -> Process:
    """The process of an `exec`: the container's own but for what the request says. EngineError(INVALID)."""
    if not request.command or not request.command[0]:
        raise EngineError(ErrorCode.INVALID, "Give the command to run in the container.")
    process.check(
        ContainerOptions(
            command=request.command,
            workdir=request.workdir,
            env=request.env,
            columns=request.columns,
            lines=request.lines,
        )
    )
    own = spec.process
    user, capabilities, env = own.user, own.capabilities, own.env
    maps = (spec.linux.uid_mappings, spec.linux.gid_mappings) if spec.linux.uid_mappings else None
    if request.user is not None:
        layers = image.layers if _is_plain(directory, spec) else (str(directory / "upper"), *image.layers)
        account = await asyncio.to_thread(_account, request.user, layers)
        user = msgspec.structs.replace(id_maps.mapped_user(account.user, maps), umask=own.user.umask)
        capabilities = sets(own.capabilities.bounding if own.capabilities else (), user)
        env = [*env, f"HOME={account.home}"]
    if request.privileged:
        names = granted((), (), privileged=True, own_user_namespace=maps is not None)
        capabilities = sets(names, user)
    if request.tty:
        env = [*env, "TERM=xterm-256color"]
    merged = {entry.partition("=")[0]: entry for entry in (*env, *library.kept(env, request.env))}
    return msgspec.structs.replace(
        own,
        args=request.command,
        cwd=request.workdir or own.cwd,
        env=list(merged.values()),
        terminal=request.tty,
        console_size=ConsoleSize(height=request.lines, width=request.columns) if request.tty else None,
        user=user,
        capabilities=capabilities,
    )


def _account(user: str | None, layers: tuple[str, ...], groups: Sequence[str] = ()) -> Account:
    """Who `user` is by the passwd(5) and group(5) in the layers, and what `groups` are."""
    return resolve_user(user, _text(layers, "/etc/passwd"), _text(layers, "/etc/group"), groups)


def _text(layers: tuple[str, ...], path: str) -> str:
    try:
        return (read_file(layers, path) or b"").decode(errors="replace")
    except OSError:  # unreadable or no regular file: as if it were not there
        return ""
