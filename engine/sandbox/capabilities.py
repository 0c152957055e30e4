"""The five capability sets (capabilities(7))."""

from __future__ import annotations

import errno
import struct

from engine.sandbox.kernel import PR, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAP_AMBIENT_RAISE
from engine.sandbox.plan import Buffer, Plan
from engine.spec import capabilities
from engine.spec.structs import Capabilities

NAMES = [name.removeprefix("CAP_") for name in capabilities.NAMES]
NUMBERS = {name: number for number, name in enumerate(capabilities.NAMES)}
VERSION_3 = 0x20080522


def last_capability() -> int:
    """The highest number that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def mask(names: list[str]) -> int:
    """The bits of a set. Raises KeyError on a name that is no capability."""
    return sum(1 << NUMBERS[name] for name in set(names))


def limit_bounding(plan: Plan, sets: Capabilities, last: int) -> None:
    """Drop from the bounding set whatever is not wanted: no program can regain it, set-user-ID or not."""
    plan.part = "capabilities"
    keep = mask(sets.bounding)
    for number in range(last + 1):
        if not keep >> number & 1:
            name = NAMES[number] if number < len(NAMES) else str(number)
            plan.call("prctl", PR.CAPBSET_DROP, number, 0, 0, 0, why=f"never again CAP_{name}")


def set_for_filter(plan: Plan, sets: Capabilities) -> None:
    """What the program may do and, until `set_sets`, what it takes to install a filter and to give that up again."""
    more = ["CAP_SYS_ADMIN", "CAP_SETPCAP"]
    set_sets(plan, Capabilities(effective=[*sets.effective, *more], permitted=[*sets.permitted, *more]))


def set_sets(plan: Plan, sets: Capabilities) -> None:
    """Set effective, permitted, inheritable and ambient sets (capset(2), prctl(2))."""
    plan.part = "capabilities"
    effective, permitted, inheritable = mask(sets.effective), mask(sets.permitted), mask(sets.inheritable)
    header = Buffer(struct.pack("=Ii", VERSION_3, 0), "{v3, self}")
    halves = [
        (effective >> s & 0xFFFFFFFF, permitted >> s & 0xFFFFFFFF, inheritable >> s & 0xFFFFFFFF) for s in (0, 32)
    ]
    text = f"{{effective={effective:#x}, permitted={permitted:#x}, inheritable={inheritable:#x}}}"
    plan.call("capset", header, Buffer(struct.pack("=6I", *halves[0], *halves[1]), text), why="what it may do as root")
    plan.call("prctl", PR.CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, why="no ambient capabilities")
    for name in sets.ambient:
        # As runc: what is not permitted and inheritable as well can't be ambient (EPERM), and many specs have it.
        raised = (PR.CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, NUMBERS[name], 0, 0)
        plan.call("prctl", *raised, why=f"but ambient {name}", allow=[errno.EPERM])
