"""`process` of the spec: who the program is, where it stands, and how it is found."""

from __future__ import annotations

import errno
import posixpath
import resource
import struct
from collections.abc import Iterable

from engine.sandbox import capabilities, scheduling
from engine.sandbox.id_map import root_of
from engine.sandbox.kernel import (
    AF_INET,
    AT,
    CLOSE_RANGE,
    IFF_UP,
    MSG,
    PR,
    SECCOMP,
    SIG_SETMASK,
    SIGKILL,
    SIOC,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    O,
)
from engine.sandbox.namespaces import write_own
from engine.sandbox.plan import CHANNEL, Buffer, Mode, Plan, Ref, strings
from engine.spec.structs import RLIMITS, Capabilities, Linux, Process, Rlimit, User

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ANY_MAPS = Linux()
KEYCTL_JOIN_SESSION_KEYRING = 1
UNLIMITED = 1 << 64  # what -1, RLIM_INFINITY, is short of by one
KEPT = 3  # the lowest descriptor after standard error: the channel's last place
INIT = 4  # and that of the init program, when there is one


def begin(plan: Plan) -> None:
    """Die with the keeper, and make sure that it is still there (prctl(2), PR_SET_PDEATHSIG)."""
    plan.part = "start"
    plan.call("prctl", PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0, why="die if the keeper dies while this is going on")
    plan.call("sendto", CHANNEL, "S", 1, MSG.NOSIGNAL, None, 0, why="tell the keeper that it has begun")
    plan.call("close_range", KEPT, 0xFFFFFFFF, CLOSE_RANGE.CLOEXEC, why="nothing of ours outlives execve")
    plan.call("umask", 0, why="modes below are meant as they are written")


def be_root_inside(plan: Plan, denied: Iterable[int], linux: Linux = ANY_MAPS) -> None:
    """In a new user namespace nobody is anybody: be its root, so that what we make has an owner there. The kernel takes
    the signal of `begin` back when ids change (prctl(2))."""
    uid, gid = root_of(linux.uid_mappings).container_id, root_of(linux.gid_mappings).container_id
    plan.part = "identity"
    plan.call("setgroups", 0, None, why="no groups of the host", allow=denied)
    plan.call("setresgid", gid, gid, gid, why="root's group of the user namespace")
    plan.call("setresuid", uid, uid, uid, why="root of the user namespace")
    plan.call("prctl", PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0, why="still die if the keeper dies")


def new_keyring(plan: Plan) -> None:
    """A session keyring of its own, so that it can't reach the keys of whoever started us (session-keyring(7))."""
    plan.part = "start"
    missing = [errno.ENOSYS, errno.EPERM]  # a kernel without keys; an outer container whose filter denies them
    plan.call("keyctl", KEYCTL_JOIN_SESSION_KEYRING, None, why="no keys of the host's", allow=missing)


def set_oom_score(plan: Plan, score: int, *, rootless: bool) -> None:
    """The go-between takes it on, and hands it down. The process itself could not: who shares memory shares this, and
    it may share the keeper's; only a vfork(2)ed child is left out of that (mm/oom_kill.c)."""
    plan.part = "limits"
    why = f"how soon it is killed when memory runs out: {score}"
    write_own(plan, "oom_score_adj", str(score), why, rootless=rootless)


def name_host(plan: Plan, hostname: str | None, domainname: str | None) -> None:
    """sethostname(2), setdomainname(2)."""
    plan.part = "names"
    if hostname:
        plan.call("sethostname", hostname, len(hostname.encode()), why="what uname -n says")
    if domainname:
        plan.call("setdomainname", domainname, len(domainname.encode()), why="what domainname says")


def raise_loopback(plan: Plan) -> None:
    """A new network namespace has its loopback down (netdevice(7))."""
    plan.part = "network"
    socket = plan.call("socket", AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, why="to speak to the network", result="inet")
    request = Buffer(struct.pack("=16sH22x", b"lo", IFF_UP), '{"lo", IFF_UP}')
    plan.call("ioctl", socket, SIOC.SIFFLAGS, request, why="127.0.0.1 works")


def raise_own(plan: Plan, process: Process) -> None:
    """What takes the host's power, before it is left for a user namespace, and is inherited from then on: priorities,
    and limits above our own. Lower ones wait for `become`, lest they hinder us."""
    plan.part = "limits"
    for limit in process.rlimits:
        kind = getattr(resource, limit.type, None)
        if kind is not None and not limit.hard <= resource.getrlimit(kind)[1] % UNLIMITED:
            _limit(plan, limit)
    _prioritize(plan, process)


def _limit(plan: Plan, limit: Rlimit) -> None:
    value = Buffer(struct.pack("=QQ", limit.soft, limit.hard), f"{{{limit.soft}, {limit.hard}}}")
    plan.call("prlimit64", 0, RLIMITS.index(limit.type), value, None, why=limit.type)


def _prioritize(plan: Plan, process: Process) -> None:
    if process.scheduler is not None:
        scheduling.schedule(plan, process.scheduler)
    if process.io_priority is not None:
        scheduling.prioritize_io(plan, process.io_priority)


def become(
    plan: Plan, process: Process, linux: Linux, last_capability: int, *, denied: list[int], raised: bool
) -> None:
    """Take on limits, priorities, user and capabilities, in the order in which the kernel still allows each. `denied`:
    what setgroups(2) may answer; `raised`: after `raise_own`."""
    plan.part = "identity"
    for limit in process.rlimits:
        _limit(plan, limit)
    if not raised:
        _prioritize(plan, process)
    if linux.memory_policy is not None:
        scheduling.place_memory(plan, linux.memory_policy)
    if linux.personality is not None:
        scheduling.pretend(plan, linux.personality)
    sets = process.capabilities or Capabilities()
    capabilities.limit_bounding(plan, sets, last_capability)
    plan.part = "identity"
    _switch_user(plan, process.user, denied)
    if linux.seccomp is not None and not process.no_new_privileges:
        capabilities.set_for_filter(plan, sets)
    else:
        capabilities.set_sets(plan, sets)


def _switch_user(plan: Plan, user: User, denied: list[int]) -> None:
    groups = user.additional_gids
    array = Buffer(struct.pack(f"={len(groups)}I", *groups), str(groups)) if groups else None
    plan.call("setgroups", len(groups), array, why="its further groups", allow=denied)
    plan.call("setresgid", user.gid, user.gid, user.gid, why="its group")
    if user.uid:
        plan.call("prctl", PR.SET_KEEPCAPS, 1, 0, 0, 0, why="keep capabilities until they are set")
    plan.call("setresuid", user.uid, user.uid, user.uid, why="its user")


def close_descriptors(plan: Plan, init: Ref | None) -> Ref | None:
    """From here on there is nothing to climb out by: only 0, 1, 2 and the channel are open (and the init program)."""
    plan.part = "program"
    plan.call("dup3", CHANNEL, KEPT, O.CLOEXEC, why="the channel closes when execve succeeds")
    kept_init = None
    if init is not None:
        kept_init = plan.call("dup3", init, INIT, O.CLOEXEC, why="the init program")
    plan.call("close_range", KEPT + (2 if init is not None else 1), 0xFFFFFFFF, 0, why="close everything else")
    return kept_init


def lock_in(plan: Plan, process: Process, seccomp_filter: bytes | None, flags: int = 0) -> None:
    """Working directory, signals, no new privileges, and the filter last, so that it need not allow the calls above.

    Without no_new_privs only CAP_SYS_ADMIN may install a filter (seccomp(2)); it is given up right after that.
    """
    plan.part = "program"
    plan.call("chdir", process.cwd, why="the working directory")
    plan.call("umask", Mode(0o22 if process.user.umask is None else process.user.umask), why="its umask")
    nothing = Buffer(bytes(8), "[]")
    plan.call("rt_sigprocmask", SIG_SETMASK, nothing, None, 8, why="no signal is blocked")
    plan.call("prctl", PR.SET_PDEATHSIG, 0, 0, 0, 0, why="from now on it outlives the keeper")
    if process.no_new_privileges:
        plan.call("prctl", PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0, why="set-user-ID programs give nothing")
    if seccomp_filter:
        plan.part = "seccomp"
        count = len(seccomp_filter) // 8
        code = Buffer(seccomp_filter, "…")
        fprog = Buffer(struct.pack("=HxxxxxxQ", count, 0), f"{{{count} instructions}}", ((8, code),))
        plan.call("seccomp", SECCOMP.SET_MODE_FILTER, flags, fprog, why="only the calls of the profile")
        if not process.no_new_privileges:
            capabilities.set_sets(plan, process.capabilities or Capabilities())


def execute(plan: Plan, process: Process, init: Ref | None, path: str | None = None) -> None:
    """execve(2) of `path`, or along PATH, as a shell would; falling off the end means that it was not found."""
    plan.part = "program"
    environment = strings(process.env, f"[{len(process.env)} variables]")
    if init is not None:
        args = ["init", "--", *process.args]
        plan.call("execveat", init, "", strings(args, str(args)), environment, AT.EMPTY_PATH, why="the tiny init")
        return
    argv = strings(process.args, str(process.args))
    command = path or process.args[0]
    paths = [command] if "/" in command else [posixpath.join(d or ".", command) for d in _search_path(process)]
    for path in paths:
        allow = [errno.ENOENT, errno.ENOTDIR, errno.EACCES] if len(paths) > 1 or "/" not in command else []
        plan.call("execve", path, argv, environment, why="become the program", allow=allow)


def _search_path(process: Process) -> list[str]:
    for entry in process.env:
        if entry.startswith("PATH="):
            return entry[5:].split(":")
    return DEFAULT_PATH.split(":")
