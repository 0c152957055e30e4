"""`linux.sysctl`: kernel settings of the container's own namespaces (proc_sys(5))."""

from __future__ import annotations

from engine.sandbox.kernel import AT_FDCWD, RESOLVE, O
from engine.sandbox.plan import Plan
from engine.sandbox.tree import Tree, open_how
from engine.spec.sysctls import SWAPPED, in_dots

_HOW = open_how(O.WRONLY | O.CLOEXEC, RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS)


def write_sysctls(plan: Plan, tree: Tree | None, settings: dict[str, str]) -> None:
    """Write them from inside of the namespaces, because a file of /proc/sys shows those of who opens it; through the
    container's own /proc, which may be written as yet (`tree` None: through the one that is there)."""
    plan.part = "sysctl"
    for name, value in settings.items():
        relative = f"sys/{in_dots(name).translate(SWAPPED)}"
        why = f"{name} = {value}"
        if tree is None:
            file = plan.call("openat2", AT_FDCWD, f"/proc/{relative}", _HOW, 24, why=why, result=name)
        else:
            file = plan.call("openat2", tree.directory("/proc"), relative, _HOW, 24, why=why, result=name)
        plan.call("write", file, value, len(value.encode()), why=why)
