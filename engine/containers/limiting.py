"""A container's cgroup, by its spec: where it is, what holds in it, and how that is changed while it runs.

Imports the cgroups and the spec. Everything but `check` blocks: use a thread.
"""

from __future__ import annotations

import logging
import posixpath

from engine.cgroups import Cgroup, Hierarchy, limits
from engine.cgroups.controllers import devices
from engine.cgroups.errors import LimitError
from engine.errors import EngineError
from engine.protocol.limits import Limits, LimitWrite
from engine.protocol.messages import ErrorCode, LimitsInForce
from engine.spec.limits import any_given, touched
from engine.spec.structs import Resources, Spec

_log = logging.getLogger(__name__)
OURS = "/heliostui"  # what the spec calls the place where containers' cgroups are, wherever that is


def cgroup_of(hierarchy: Hierarchy, spec: Spec, id: str) -> Cgroup | None:
    """The container's cgroup, whether it is there or not; None where there are none. EngineError INVALID."""
    if not hierarchy.available:
        return None
    try:
        return hierarchy.find(*_place(spec.linux.cgroups_path, id))
    except ValueError as error:
        raise EngineError(ErrorCode.INVALID, f"{error} Write a path like /batch/jobs.") from None


def check(hierarchy: Hierarchy, spec: Spec, id: str) -> None:
    """Refuse a cgroup that can't be made, and limits where there is none for us. EngineError INVALID, UNSUPPORTED."""
    if cgroup_of(hierarchy, spec, id) is not None:
        return
    if any_given(_resources(spec)):
        raise EngineError(ErrorCode.UNSUPPORTED, f"Limits need a cgroup. {hierarchy.reason}")
    _, parent = _place(spec.linux.cgroups_path, id)
    if parent is not None:
        raise EngineError(ErrorCode.UNSUPPORTED, f"There is no cgroup to be below {parent!r}. {hierarchy.reason}")


def make(hierarchy: Hierarchy, spec: Spec, id: str) -> Cgroup | None:
    """The cgroup of a container that is about to start, with all of its limits. EngineError, OSError; then there is
    none."""
    check(hierarchy, spec, id)
    if not hierarchy.available:
        return None
    cgroup = hierarchy.create(*_place(spec.linux.cgroups_path, id))
    try:
        devices.restrict(cgroup, _resources(spec).devices)
        limits.apply(cgroup, _resources(spec))
    except LimitError as error:
        end(cgroup)
        raise _refused(error) from error
    except BaseException:
        end(cgroup)
        raise
    return cgroup


def update(cgroup: Cgroup | None, hierarchy: Hierarchy, merged: Resources, asked: Limits) -> list[LimitWrite]:
    """Let those of `merged` hold that were `asked` for, or none of them. EngineError."""
    if cgroup is None:
        raise EngineError(ErrorCode.UNSUPPORTED, f"Limits need a cgroup. {hierarchy.reason}")
    try:
        return limits.apply(cgroup, touched(merged, asked))
    except LimitError as error:
        raise _refused(error) from error


def in_force(cgroup: Cgroup | None, hierarchy: Hierarchy) -> LimitsInForce:
    """All limits as the kernel has them. EngineError."""
    if cgroup is None:
        raise EngineError(ErrorCode.UNSUPPORTED, f"Limits need a cgroup. {hierarchy.reason}")
    return LimitsInForce(version=cgroup.version("memory"), limits=limits.in_force(cgroup))


def end(cgroup: Cgroup) -> None:
    """Kill what is in it and remove it. What can't be ended now is left for the next engine to find."""
    try:
        cgroup.kill()
        cgroup.remove()
    except OSError as error:  # TimeoutError is one, too
        _log.warning("cgroup %s is left over: %s", cgroup.path, error)


def _resources(spec: Spec) -> Resources:
    return spec.linux.resources or Resources()


def _place(path: str | None, id: str) -> tuple[str, str | None]:
    """The cgroup's name, and what it is below; None: where ours are."""
    if path is None or path == f"{OURS}/{id}":
        return id, None
    parent, name = posixpath.split(path)
    return name, parent


def _refused(error: LimitError) -> EngineError:
    return EngineError(ErrorCode.UNSUPPORTED if error.unsupported else ErrorCode.INVALID, str(error))
