"""The OCI spec of a container from what a person asked for: Docker's defaults, and its options on top.

Puts together what the modules beside it make, one part of the spec each. Imports them, the protocol, the structs,
`engine.heap.library` and `engine.images.image`.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from engine.errors import EngineError
from engine.heap import library
from engine.images.image import Image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.spec import (
    capabilities,
    devices,
    id_maps,
    limits,
    mounts,
    namespaces,
    process,
    seccomp,
    security,
    sysctls,
    system_mounts,
)
from engine.spec.structs import IdMapping, Linux, Mount, Namespace, Process, Root, Spec
from engine.spec.user import Account

HOSTNAME_MAXIMUM = 64  # bytes, sethostname(2)
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
PARENT = "/heliostui"  # of the containers' cgroups


def from_options(
    options: ContainerOptions,
    image: Image,
    container_id: str,
    root_path: str,
    account: Account,
    *,
    volumes: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    heap: str = "",
) -> Spec:
    """What `options` mean for a container of `image` whose merged root will be at `root_path`. `volumes`: name →
    directory; `files`: paths inside → those of files that the engine keeps for it; `heap`: the directory with our
    allocator.

    Raises EngineError INVALID or UNSUPPORTED, naming the option.
    """
    check(options)
    decided = _decide(options, volumes or {})
    own = namespaces.own(decided.namespaces)
    hostname = options.hostname or container_id if "uts" in own else None
    return Spec(
        root=Root(path=root_path, readonly=options.read_only),
        hostname=hostname,
        domainname=options.domainname,
        process=_process(options, image, account, _own_name(options, container_id), decided),
        mounts=mounts.merged(
            [
                *_system_mounts(options, decided),
                *_file_mounts(files or {}, options, decided),
                *([_heap_mount(heap)] if options.heap is not None else []),
            ],
            decided.mounts,
        ),
        linux=_linux(options, image, container_id, decided),
        annotations=options.annotations,
    )


def _own_name(options: ContainerOptions, container_id: str) -> str:
    """What HOSTNAME says: what uname(2) does, unless the name is another container's, which may change."""
    return os.uname().nodename if options.namespaces.get("uts") == "host" else options.hostname or container_id


@dataclass(frozen=True)
class _Decided:
    """What several parts of the spec depend on. `maps` of uids and gids, where the user namespace is a new one."""

    namespaces: list[Namespace]
    maps: tuple[list[IdMapping], list[IdMapping]] | None
    capabilities: list[str]
    mounts: list[Mount]


def _decide(options: ContainerOptions, volumes: Mapping[str, str]) -> _Decided:
    spaces = namespaces.namespaces(options)
    new_ids = "user" in namespaces.own(spaces)
    return _Decided(
        namespaces=spaces,
        maps=id_maps.id_maps(options.uid_map, options.gid_map) if new_ids else None,
        capabilities=capabilities.granted(
            options.cap_add, options.cap_drop, privileged=options.privileged, own_user_namespace=new_ids
        ),
        mounts=mounts.from_options(options.mounts, volumes, id_mapped=new_ids),
    )


def _process(options: ContainerOptions, image: Image, account: Account, hostname: str, decided: _Decided) -> Process:
    user = id_maps.mapped_user(account.user, decided.maps, account.asked_groups)
    user = msgspec.structs.replace(user, umask=process.umask(options.umask))
    return Process(
        args=process.command(options, image),
        cwd=options.workdir or image.workdir,
        env=process.environment(options, image, hostname, account.home),
        terminal=options.tty,
        console_size=process.console_size(options),
        user=user,
        capabilities=capabilities.sets(decided.capabilities, user),
        rlimits=process.rlimits(options.ulimits),
        no_new_privileges=not options.privileged if options.no_new_privileges is None else options.no_new_privileges,
        apparmor_profile=security.apparmor_profile(options.apparmor),
        selinux_label=security.selinux_labels(options.selinux)[0],
        oom_score_adj=process.oom_score_adj(options.oom_score_adj),
        scheduler=process.scheduler(options.scheduler),
        io_priority=process.io_priority(options.io_priority),
    )


def _linux(options: ContainerOptions, image: Image, container_id: str, decided: _Decided) -> Linux:
    nodes, rules = devices.devices(options.devices, privileged=options.privileged)
    rules = devices.allowed(rules, options.device_rules, privileged=options.privileged)
    uids, gids = decided.maps or ([], [])
    open_to_all = options.privileged or options.unmasked
    return Linux(
        namespaces=decided.namespaces,
        uid_mappings=uids,
        gid_mappings=gids,
        time_offsets=namespaces.time_offsets(options.time_offsets),
        devices=nodes,
        cgroups_path=f"{_cgroup_parent(options.cgroup_parent)}/{container_id}",
        resources=limits.to_resources(options.limits, rules),
        sysctl=sysctls.checked(options.sysctls, namespaces.own(decided.namespaces)),
        rootfs_propagation=mounts.propagation(decided.mounts) or "private",
        seccomp=seccomp.from_option(options.seccomp, decided.capabilities, options.privileged),
        # What an image hides is no part of it, whoever looks.
        masked_paths=[*(() if open_to_all else security.MASKED), *image.masked],
        readonly_paths=[] if open_to_all else list(security.READ_ONLY),
        mount_label=security.selinux_labels(options.selinux)[1],
        personality=process.personality(options.personality),
    )


def _system_mounts(options: ContainerOptions, decided: _Decided) -> list[Mount]:
    gids = decided.maps[1] if decided.maps else id_maps.own("gid")
    return system_mounts.system_mounts(
        {namespace.type for namespace in decided.namespaces},
        shm_size=options.shm_size,
        writable=options.privileged,
        tty_group=id_maps.contains(gids, system_mounts.TTY_GROUP),
        in_user_namespace=decided.maps is not None or id_maps.own("uid") != id_maps.WHOLE,
    )


def _file_mounts(files: Mapping[str, str], options: ContainerOptions, decided: _Decided) -> list[Mount]:
    """The container may write to them, as to its root."""
    words = ["bind", "rprivate"]
    if options.read_only:
        words.append("ro")
    if decided.maps is not None:  # so that they are its root's
        words.append("idmap")
    return [Mount(destination=path, type="bind", source=file, options=words) for path, file in files.items()]


def _heap_mount(directory: str) -> Mount:
    words = ["bind", "ro", "nosuid", "nodev", "rprivate"]
    return Mount(destination=library.PLACE, type="bind", source=directory, options=words)


def check(options: ContainerOptions) -> None:
    """Refuse what no container could be made of."""
    process.check(options)
    for what, name in (("hostname", options.hostname), ("domainname", options.domainname)):
        if name is not None:
            _check_host_name(what, name)
            if options.namespaces.get("uts", "private") != "private":
                raise EngineError(
                    ErrorCode.INVALID,
                    f"The {what} {name!r} can't be set: the container has no UTS namespace of its own.",
                )
    if options.image is not None and options.rootfs is not None:
        raise EngineError(ErrorCode.INVALID, "Give an image or a root filesystem, not both.")
    if options.shm_size is not None and options.shm_size <= 0:
        raise EngineError(ErrorCode.INVALID, f"{options.shm_size} bytes are no size for /dev/shm.")
    for key, value in options.annotations.items():
        if not key:
            raise EngineError(ErrorCode.INVALID, f"The annotation {value!r} has no name: write NAME=value.")
        process.check_text("annotation", f"{key}={value}")


def _check_host_name(what: str, name: str) -> None:
    labels = name.split(".")
    if len(name) > HOSTNAME_MAXIMUM or not all(re.fullmatch(LABEL, label) for label in labels):
        raise EngineError(
            ErrorCode.INVALID,
            f"The {what} {name!r} is invalid: letters, digits and inner hyphens, in parts of at most 63 with dots "
            f"between them, {HOSTNAME_MAXIMUM} in all.",
        )


def _cgroup_parent(asked: str | None) -> str:
    """An absolute path below the cgroups' root, without a slash at its end."""
    if asked is None:
        return PARENT
    path = posixpath.normpath(posixpath.join("/", asked))
    if not asked or ".." in asked.split("/") or "\0" in asked or path.strip("/") == "":
        raise EngineError(
            ErrorCode.INVALID, f"{asked!r} is no parent of cgroups: write a path below their root, as in /machines."
        )
    return "/" + path.strip("/")
