"""A hook of the spec as a plan of its own: a program beside the container's, with all the engine's rights.

Those that run in the container as its program would are `build.exec_plan`s. Imports the parts.
"""

from __future__ import annotations

import errno
from collections.abc import Collection

from engine.sandbox import namespaces, process, stdio
from engine.sandbox.plan import Plan
from engine.spec.structs import Hook, Linux, Process


def outside(hook: Hook, cwd: str) -> Plan:
    """In the namespaces of the engine."""
    plan = Plan()
    process.begin(plan)
    _run(plan, hook, cwd)
    return plan


def before_pivot(hook: Hook, types: Collection[str], linux: Linux) -> Plan:
    """In namespaces of the container, whose init's pidfd is the launcher's first own input; the root is still the
    host's."""
    plan = Plan()
    init = plan.input("init")
    namespaces.enter_first(plan, init, types)
    process.begin(plan)
    namespaces.enter_then(plan, init, types)
    if "user" in types:
        process.be_root_inside(plan, [errno.EPERM], linux)  # setgroups(2) may be denied there
    _run(plan, hook, "/")
    return plan


def program(hook: Hook, cwd: str) -> Process:
    """What it runs, as a process."""
    return Process(args=hook.args or [hook.path], env=hook.env, cwd=cwd)


def _run(plan: Plan, hook: Hook, cwd: str) -> None:
    stdio.take_pipes(plan, 0)
    process.close_descriptors(plan, None)
    process.lock_in(plan, program(hook, cwd), None)
    process.execute(plan, program(hook, cwd), None, hook.path)
