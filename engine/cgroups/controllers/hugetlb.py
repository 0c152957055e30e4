"""Huge pages, by their size: v2 hugetlb.2MB.max, v1 hugetlb.2MB.limit_in_bytes; and what mmap reserves (.rsvd)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.controllers.write import Write, directory, missing
from engine.cgroups.controllers.write import in_force as one
from engine.cgroups.errors import LimitError
from engine.protocol.limits import LimitInForce
from engine.spec.limits import HUGE_MAX
from engine.spec.structs import Resources

FILES = {1: ("limit_in_bytes", "usage_in_bytes"), 2: ("max", "current")}


def writes(resources: Resources, cgroup: Cgroup) -> Iterator[Write]:
    if not resources.hugepage_limits:
        return
    sizes, version = page_sizes(directory(cgroup, "hugetlb")), cgroup.version("hugetlb")
    for entry in resources.hugepage_limits:
        if entry.page_size not in sizes:
            raise LimitError(f"This machine has no huge pages of {entry.page_size}, but of {', '.join(sizes)}.")
        none = {1: "-1", 2: "max"}[version]
        text = none if entry.limit == HUGE_MAX else str(entry.limit)
        name = FILES[version][0]
        yield Write("hugetlb", f"hugetlb.{entry.page_size}.{name}", text)
        yield Write("hugetlb", f"hugetlb.{entry.page_size}.rsvd.{name}", text, optional=True)  # Linux 5.7


def page_sizes(found: str) -> list[str]:
    """As the kernel writes them: "2MB"."""
    names = (re.fullmatch(r"hugetlb\.(\w+)\.(?:max|limit_in_bytes)", name) for name in os.listdir(found))
    return sorted(match[1] for match in names if match)


def in_force(cgroup: Cgroup) -> Iterator[LimitInForce]:
    found = cgroup.directory("hugetlb")
    if found is None:
        yield LimitInForce(name="hugetlb", value=None, reason=missing(cgroup, "hugetlb"))
        return
    limit, usage = FILES[cgroup.version("hugetlb")]
    for size in page_sizes(found):
        yield one(cgroup, "hugetlb", f"hugetlb.{size}", f"hugetlb.{size}.{limit}", usage=f"hugetlb.{size}.{usage}")
