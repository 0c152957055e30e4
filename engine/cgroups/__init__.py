"""Control groups: what makes a container one thing, in cgroup2 or v1, and what it may use.

A container's cgroup is frozen, killed and counted as a whole, and nothing escapes from it. `limits` and the modules in
`controllers` know what an OCI spec says; the rest is standard library only. Everything here blocks for as long as the
kernel takes (call it in a thread).
"""

from engine.cgroups.cgroup import Cgroup
from engine.cgroups.discover import discover, take_over
from engine.cgroups.hierarchy import Hierarchy

__all__ = ["Cgroup", "Hierarchy", "discover", "take_over"]
