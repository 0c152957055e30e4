"""Standard input, output and error of the program: a terminal of the container's own, or pipes."""

from __future__ import annotations

import errno
import struct

from engine.sandbox.kernel import AT_FDCWD, MOVE_MOUNT, MSG, OPEN_TREE, RESOLVE, TIO, O, S
from engine.sandbox.plan import ANY, CHANNEL, STDIO, Buffer, Plan, Ref
from engine.sandbox.tree import Tree, open_how
from engine.spec.structs import ConsoleSize

ZERO = Buffer(bytes(4), "[0]")
SOL_SOCKET, SCM_RIGHTS = 1, 1
# struct msghdr with one byte of data and one descriptor, which is filled in (sendmsg(2), cmsg(3)).
CONTROL_HEADER = struct.Struct("=Qii")
CONTROL = Buffer(CONTROL_HEADER.pack(CONTROL_HEADER.size + 4, SOL_SOCKET, SCM_RIGHTS) + bytes(8), "[ptmx]")
_VECTOR = Buffer(struct.pack("=QQ", 0, 1), "[T]", ((0, Buffer(b"T", "T")),))
MESSAGE = Buffer(
    struct.pack("=QIIQQQQII", 0, 0, 0, 0, 1, 0, len(CONTROL.data), 0, 0),
    "{SCM_RIGHTS, [ptmx]}",
    ((16, _VECTOR), (32, CONTROL)),
)


def open_terminal(plan: Plan, tree: Tree | None, size: ConsoleSize) -> Ref:
    """Make a terminal in the container's devpts and send its master to the keeper (ioctl_tty(2), unix(7)).

    `tree` is None when joining a container that is already there: then its /dev/pts is found at the root.
    Returns the slave.
    """
    plan.part = "terminal"
    if tree is not None:
        pts = tree.directory("/dev/pts")
        master = plan.call("openat", pts, "ptmx", O.RDWR | O.NOCTTY | O.CLOEXEC, why="a new terminal", result="ptmx")
    else:
        how = open_how(O.RDWR | O.NOCTTY | O.CLOEXEC, RESOLVE.NO_SYMLINKS)
        master = plan.call("openat2", AT_FDCWD, "/dev/pts/ptmx", how, 24, why="a new terminal", result="ptmx")
    plan.call("ioctl", master, TIO.CSPTLCK, ZERO, why="unlock its other end")
    flags = O.RDWR | O.NOCTTY | O.CLOEXEC
    slave = plan.call("ioctl", master, TIO.CGPTPEER, flags, why="its other end, the program's", result="tty")
    window = Buffer(struct.pack("=HHHH", size.height, size.width, 0, 0), f"{{{size.width}x{size.height}}}")
    plan.call("ioctl", master, TIO.CSWINSZ, window, why="its size")
    plan.store(master, CONTROL, CONTROL_HEADER.size, why="what is to be handed over")
    plan.call("sendmsg", CHANNEL, MESSAGE, MSG.NOSIGNAL, why="hand the master to the keeper")
    if tree is not None:
        _show_as_console(plan, tree, slave)
    return slave


def _show_as_console(plan: Plan, tree: Tree, slave: Ref) -> None:
    """/dev/console is the terminal (config-linux.md, "Default Devices")."""
    dev = tree.directory("/dev")
    there = [errno.EEXIST]
    plan.call("mknodat", dev, "console", S.IFREG | 0o620, 0, why="/dev/console: a file to cover", allow=there)
    copy = OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC | OPEN_TREE.EMPTY_PATH
    console = plan.call("open_tree", slave, "", copy, why="/dev/console: the terminal")
    plan.call("move_mount", console, "", dev, "console", MOVE_MOUNT.F_EMPTY_PATH, why="/dev/console")


def take_terminal(plan: Plan, slave: Ref, owner: int) -> None:
    """Lead a new session on the terminal, and use it for 0, 1 and 2 (credentials(7), setsid(2))."""
    plan.call("setsid", why="lead a new session")
    plan.call("ioctl", slave, TIO.SCTTY, 0, why="whose terminal this is")
    for number, name in enumerate(("input", "output", "error")):
        plan.call("dup3", slave, number, 0, why=f"standard {name}")
    if owner:
        plan.call("fchown", slave, owner, -1, why="so that the program may open its terminal again", allow=ANY)


def take_pipes(plan: Plan, owner: int) -> None:
    """Use the keeper's pipes for 0, 1 and 2; the user the program runs as may open them again through /proc."""
    plan.part = "terminal"
    plan.call("setsid", why="lead a new session, without a terminal")
    for number, (pipe, name) in enumerate(zip(STDIO, ("input", "output", "error"), strict=True)):
        plan.call("dup3", pipe, number, 0, why=f"standard {name}")
        if owner:
            plan.call("fchown", pipe, owner, -1, why="so that /dev/std… can be opened", allow=ANY)
