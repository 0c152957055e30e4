"""A bundle that somebody brings: a directory with a config.json and, named in it, a root (runtime-spec bundle.md).

What the specification leaves to the runtime is put into the spec here, so that the spec alone says how it is run.
Blocks: call it in a thread. Imports the errors, the images and the spec.
"""

from __future__ import annotations

import dataclasses
import os
import stat

import msgspec

from engine.errors import EngineError
from engine.images import Image, rootfs_image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec import devices, id_maps, security
from engine.spec.structs import ConsoleSize, Device, Linux, Mount, Process, Resources, Spec
from engine.spec.validate import read

LARGEST = 16 << 20  # bytes of a config.json
OPTIONS = ("bundle", "name", "tty", "interactive", "remove", "restart", "labels", "columns", "lines")
"""The options that go with a bundle; all others are for its config.json to say."""


def check(options: ContainerOptions) -> None:
    """EngineError INVALID for an option that can't go with a bundle."""
    plain = ContainerOptions(**{name: getattr(options, name) for name in OPTIONS})
    if options.networks or options.ports or options.publish_all:
        raise EngineError(
            ErrorCode.INVALID,
            "A bundle's config.json says all of its network: networks and ports go with images, not with bundles.",
        )
    for name in ContainerOptions.__struct_fields__:
        if getattr(options, name) != getattr(plain, name):
            raise EngineError(
                ErrorCode.INVALID,
                f"The option {name!r} can't go with a bundle: write it into the bundle's config.json.",
            )


def config(directory: str) -> Spec:
    """The bundle's spec as it stands there, checked. EngineError INVALID."""
    path = os.path.join(directory, "config.json")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO does not keep us waiting
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise EngineError(ErrorCode.INVALID, f"{path} is no regular file.")
            text = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte
        reason = getattr(error, "strerror", None) or error
        raise EngineError(ErrorCode.INVALID, f"The bundle {directory!r} can't be read: {path}: {reason}.") from None
    if len(text) > LARGEST:
        raise EngineError(ErrorCode.INVALID, f"{path} is larger than {LARGEST >> 20} MiB.")
    try:
        return read(text)
    except EngineError as error:
        raise EngineError(error.code, f"{path}: {error.message}") from None


async def image(directory: str, spec: Spec) -> Image:
    """The bundle as an image: its root is the only layer. EngineError INVALID."""
    root = await rootfs_image(os.path.join(directory, spec.root.path))
    return dataclasses.replace(root, name=directory, description="An OCI bundle", command=tuple(spec.process.args))


def completed(spec: Spec, options: ContainerOptions, id: str, root: str) -> Spec:
    """The spec as it will be run by us. EngineError INVALID or UNSUPPORTED, naming the JSON path."""
    _refuse_unsupported(spec)
    assert options.bundle is not None
    return msgspec.structs.replace(
        spec,
        root=msgspec.structs.replace(spec.root, path=root),
        process=_process(spec, options),
        mounts=[_mount(mount, options.bundle) for mount in spec.mounts],
        linux=_linux(spec, id),
    )


def _process(spec: Spec, options: ContainerOptions) -> Process:
    process = spec.process
    maps = (spec.linux.uid_mappings, spec.linux.gid_mappings) if spec.linux.uid_mappings else None
    id_maps.mapped_user(process.user, maps, process.user.additional_gids)
    if process.selinux_label and not security.SELINUX.exists():
        raise EngineError(
            ErrorCode.UNSUPPORTED, "$.process.selinuxLabel can't be applied: this machine runs without SELinux."
        )
    size = ConsoleSize(height=options.lines, width=options.columns)
    return msgspec.structs.replace(
        process,
        terminal=process.terminal or options.tty,
        console_size=size if options.tty or process.console_size is None else process.console_size,
        apparmor_profile=security.apparmor_profile(process.apparmor_profile or None),
    )


def _mount(mount: Mount, directory: str) -> Mount:
    """config.md, "Mounts": a relative source lies in the bundle, a relative destination below the root."""
    bound = mount.type == "bind" or {"bind", "rbind"} & set(mount.options)
    return msgspec.structs.replace(
        mount,
        destination=os.path.join("/", mount.destination),
        source=os.path.join(directory, mount.source) if bound else mount.source,
    )


def _linux(spec: Spec, id: str) -> Linux:
    linux = spec.linux
    resources = linux.resources or Resources()
    return msgspec.structs.replace(
        linux,
        devices=_devices(spec),
        resources=msgspec.structs.replace(resources, devices=devices.with_default_nodes(resources.devices)),
        cgroups_path=linux.cgroups_path or f"/heliostui/{id}",
    )


def _devices(spec: Spec) -> list[Device]:
    """The default ones come first, unless /dev is somebody else's (config-linux.md, "Default Devices")."""
    of_others = any(
        os.path.normpath(os.path.join("/", mount.destination)) == "/dev"
        and (mount.type == "bind" or {"bind", "rbind"} & set(mount.options))
        for mount in spec.mounts
    )
    if of_others:
        return []
    return list({device.path: device for device in (*devices.DEFAULT, *spec.linux.devices)}.values())


def _refuse_unsupported(spec: Spec) -> None:
    linux = spec.linux
    resources = linux.resources or Resources()
    parts = {
        "$.linux.intelRdt": linux.intel_rdt,
        "$.linux.netDevices": linux.net_devices,
        "$.linux.resources.network": resources.network and (resources.network.class_id or resources.network.priorities),
        "$.linux.resources.rdma": resources.rdma,
        "$.linux.seccomp.listenerPath": linux.seccomp and linux.seccomp.listener_path,
    }
    for path, value in parts.items():
        if value:
            raise EngineError(ErrorCode.UNSUPPORTED, f"{path} is not carried out here: leave it out.")
