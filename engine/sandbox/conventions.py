"""The conventions by which a program may call the kernel of this machine: its own, and those of 32-bit programs.

A seccomp filter has to tell them apart, since the same number is another call in each (seccomp(2), "Caveats").
Imports the tables of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.sandbox.compat_syscalls import ARM, GATES, I386, X32, X32_BIT
from engine.sandbox.syscalls import AARCH64, MACHINE, X86_64


@dataclass(frozen=True, eq=False)
class Convention:
    """`audit`: what `seccomp_data.arch` is (linux/audit.h); x32's is x86_64's, it differs by a bit in the numbers.

    `gates`: calls that can also be reached through another one, see `compat_syscalls.GATES`.
    """

    name: str  # SCMP_ARCH_…
    audit: int
    numbers: Mapping[str, int]
    bits: int  # of an argument
    gates: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    first: int = 0  # of its numbers
    private: tuple[tuple[int, int], ...] = ()  # first and last of numbers that lie apart

    @property
    def newest(self) -> int:
        """The highest number that we know, but for those that lie apart."""
        lowest = min((first for first, _ in self.private), default=1 << 32)
        return max(number for number in self.numbers.values() if number < lowest)

    @property
    def short(self) -> str:
        """For people: x86_64, x86 …"""
        return self.name.removeprefix("SCMP_ARCH_").lower()


OF_MACHINE = {
    "x86_64": (
        Convention("SCMP_ARCH_X86_64", 0xC000003E, X86_64, 64),
        Convention("SCMP_ARCH_X86", 0x40000003, I386, 32, GATES),
        Convention("SCMP_ARCH_X32", 0xC000003E, X32, 32, first=X32_BIT),
    ),
    "aarch64": (
        Convention("SCMP_ARCH_AARCH64", 0xC00000B7, AARCH64, 64),
        Convention("SCMP_ARCH_ARM", 0x40000028, ARM, 32, private=((0x0F0001, 0x0F0006),)),
    ),
}
"""The machine's own convention comes first."""


def in_force(architectures: Iterable[str], machine: str = MACHINE) -> list[Convention]:
    """The machine's own convention, and those of `architectures` (SCMP_ARCH_…) that exist on it."""
    own, *others = OF_MACHINE[machine]
    wanted = set(architectures)
    return [own, *(convention for convention in others if convention.name in wanted)]
