"""The namespaces that a container does not make itself, opened for a launch: by path, as those of another container,
and user namespaces, which are made before anybody lives in them. Imports the sandbox's parts.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec

from engine.containers.container import Run
from engine.containers.keeper import Held
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.sandbox import user_namespace
from engine.sandbox.namespaces import FLAGS, handed_in
from engine.spec.namespaces import CONTAINER
from engine.spec.structs import Namespace, Spec
from engine.spec.sysctls import in_dots, namespace_of

FILES = {  # OCI's names, and those of /proc/PID/ns
    "pid": "pid",
    "network": "net",
    "mount": "mnt",
    "ipc": "ipc",
    "uts": "uts",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}
NS_GET_NSTYPE = 0xB703
Find = Callable[[str], Run]  # what runs in a container, by its id or name; EngineError when nothing does


async def open_namespaces(spec: Spec, find: Find, opened: ExitStack) -> tuple[Spec, list[int]]:
    """The descriptors that `sandbox.namespaces.handed_in` asks for, closed by `opened`, and the spec as it is launched:
    without the namespaces that turn out to be our own, with the id maps of a user namespace that is joined.

    EngineError says which namespace can't be had, and why.
    """
    kept, inputs = [], []
    wanted = handed_in(spec.linux.namespaces)
    for namespace in spec.linux.namespaces:
        if namespace not in wanted:
            kept.append(namespace)
            continue
        descriptor = await _open(spec, namespace, find)
        opened.callback(os.close, descriptor)
        if os.path.samestat(os.fstat(descriptor), os.stat(f"/proc/self/ns/{FILES[namespace.type]}")):
            _refuse_changes(spec, namespace)
            continue
        kept.append(namespace)
        inputs.append(descriptor)
        if namespace.type == "user" and namespace.path is not None:
            users, groups = await asyncio.to_thread(user_namespace.maps_of, descriptor)
            spec = _replace(spec, uid_mappings=users, gid_mappings=groups)
    return _replace(spec, namespaces=kept), inputs


def _refuse_changes(spec: Spec, namespace: Namespace) -> None:
    """A namespace that turns out to be our own is the host's: what a spec would change in it, it may not."""
    changes = [f"$.linux.sysctl: {name}" for name in spec.linux.sysctl if namespace_of(in_dots(name)) == namespace.type]
    if namespace.type == "uts":
        changes += [path for path, name in (("$.hostname", spec.hostname), ("$.domainname", spec.domainname)) if name]
    if changes:
        raise EngineError(
            ErrorCode.INVALID,
            f"{changes[0]} would change the host: {namespace.path!r} is its own {namespace.type} namespace.",
        )


def open_own(held: Held, type: str) -> int:
    """That of a program's process, which is still there once the file is open: so it was its own. OSError when the
    process has ended."""
    descriptor = os.open(f"/proc/{held.pid}/ns/{FILES[type]}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        signal.pidfd_send_signal(held.pidfd, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def user_of(spec: Spec, joined: Sequence[int]) -> int | None:
    """Of what `open_namespaces` returned the user namespace, if there is one."""
    types = [namespace.type for namespace in handed_in(spec.linux.namespaces)]
    return joined[types.index("user")] if "user" in types else None


def differing(pid: int) -> set[str]:
    """The types of those namespaces of a process that are not our own. OSError when it has ended."""
    return {
        type
        for type, file in FILES.items()
        if not os.path.samestat(os.stat(f"/proc/{pid}/ns/{file}"), os.stat(f"/proc/self/ns/{file}"))
    }


def chosen(asked: Sequence[str], pid: int) -> set[str]:
    """Those that a program enters in the container of that init; `asked`: types, empty for all. EngineError says which
    is unknown."""
    if unknown := [type for type in asked if type not in FILES]:
        raise EngineError(ErrorCode.INVALID, f"{unknown[0]!r} is no namespace: there are {', '.join(FILES)}.")
    try:
        found = differing(pid)
    except OSError:
        raise EngineError(ErrorCode.WRONG_STATE, "The container has ended just now.") from None
    return found & set(asked) if asked else found


def _replace(spec: Spec, **linux: object) -> Spec:
    return msgspec.structs.replace(spec, linux=msgspec.structs.replace(spec.linux, **linux))


async def _open(spec: Spec, namespace: Namespace, find: Find) -> int:
    if namespace.path is None:
        return await asyncio.to_thread(user_namespace.make, spec.linux.uid_mappings, spec.linux.gid_mappings)
    if namespace.path.startswith(CONTAINER):
        return _of_container(namespace.type, namespace.path.removeprefix(CONTAINER), find)
    try:
        return await asyncio.to_thread(_open_path, namespace.type, namespace.path)
    except OSError as error:
        raise EngineError(
            ErrorCode.INVALID,
            f"The {namespace.type} namespace {namespace.path!r} can't be joined: {error.strerror}.",
        ) from None


def _open_path(type: str, path: str) -> int:
    """The file, if it is such a namespace (ioctl_ns(2)); opened so that no other kind of file does anything."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        found = fcntl.ioctl(descriptor, NS_GET_NSTYPE)
    except OSError:
        found = 0
    if found != FLAGS[type]:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is no {type} namespace")
    return descriptor


def _of_container(type: str, ref: str, find: Find) -> int:
    try:
        return open_own(find(ref).held, type)
    except EngineError as error:
        raise EngineError(error.code, f"The {type} namespace of container {ref!r} can't be joined: {error}") from None
    except OSError:
        raise EngineError(
            ErrorCode.WRONG_STATE, f"The {type} namespace of container {ref!r} can't be joined: it has ended just now."
        ) from None
