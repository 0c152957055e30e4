"""Joining the cgroups of v1 controllers: only cgroup2 can be born into (clone3(2), CLONE_INTO_CGROUP)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.sandbox.kernel import CLONE
from engine.sandbox.plan import Plan


def join(plan: Plan, controllers: Sequence[str]) -> None:
    """The first steps of a process: what it does from then on counts, and is limited.

    For each controller the launcher hands in, as inputs in this order, a descriptor of its file `tasks`.
    """
    plan.part = "cgroups"
    for controller in controllers:
        tasks = plan.input(f"{controller} cgroup")
        plan.call("write", tasks, "0", 1, why=f"the limits of the {controller} controller hold from here on")


def new_namespace(plan: Plan, controllers: Sequence[str]) -> None:
    """A new cgroup namespace has its root where the process is when it is made (cgroup_namespaces(7)): so who joins
    cgroups makes it after that, and is not born in it."""
    if controllers and plan.clone_flags & CLONE.NEWCGROUP:
        plan.clone_flags &= ~CLONE.NEWCGROUP
        plan.call("unshare", CLONE.NEWCGROUP, why="see nothing of the cgroups above its own")
