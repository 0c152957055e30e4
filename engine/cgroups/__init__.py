"""Control groups: one directory of processes per container, in cgroup2 or in v1's freezer. Standard library only.

A container's cgroup is what makes it one thing: it is frozen, killed and counted as a whole, and nothing escapes from
it. Everything here blocks for as long as the kernel takes (call it in a thread). Limits are not set yet.
"""

from engine.cgroups.discover import discover
from engine.cgroups.hierarchy import Cgroup, Hierarchy

__all__ = ["Cgroup", "Hierarchy", "discover"]
