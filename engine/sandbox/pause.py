"""Where a launch waits: the child says so on its channel, and goes on when the launcher answers (hooks, create/start).

A plan that waits is walked by the portable executor: in the fast one's child, which shares the keeper's memory, nothing
should linger. Imports the plan.
"""

from __future__ import annotations

from engine.sandbox.kernel import MSG
from engine.sandbox.plan import CHANNEL, Buffer, Plan

CREATED = "created"  # the namespaces and all mounts are there; the root is still the host's
READY = "ready"  # inside, as the user that the program will be; nothing is left but to become it
POINTS = (CREATED, READY)


def pause(plan: Plan, at: str, why: str) -> None:
    """Wait here until the launcher lets the process go on. If it never will, it kills it."""
    plan.own_memory = True
    plan.part = "hooks"
    said = f"P{at}\n"  # read by engine.keeper.held
    plan.call("sendto", CHANNEL, said, len(said), MSG.NOSIGNAL, None, 0, why=f"{at}: tell the keeper")
    plan.call("recvfrom", CHANNEL, Buffer(bytes(1), "[]"), 1, 0, None, None, why=why)
