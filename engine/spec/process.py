"""`process` of the spec: what is run, as whom, and the limits and priorities it begins with.

Imports the errors, the structs, the image and `engine.heap.library`. Sources: getrlimit(2), proc_pid_oom_score_adj(5),
sched_setattr(2), ioprio_set(2).
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Sequence

from engine.errors import EngineError
from engine.heap import library
from engine.images.image import Image
from engine.protocol.messages import ContainerOptions, ErrorCode
from engine.protocol.messages import Scheduler as SchedulerOption
from engine.spec import id_maps
from engine.spec.structs import RLIMITS, ConsoleSize, IOPriority, Personality, Rlimit, Scheduler

INFINITY = 2**64 - 1
IO_CLASSES = {"realtime": "RT", "rt": "RT", "1": "RT", "best-effort": "BE", "be": "BE", "2": "BE"}
IO_IDLE = ("idle", "3")
SCHEDULER_FLAGS = (
    "reset-on-fork",
    "reclaim",
    "dl-overrun",
    "keep-policy",
    "keep-params",
    "util-clamp-min",
    "util-clamp-max",
)
_ULIMIT = re.compile(r"([a-z]+)=(-1|unlimited|\d{1,20})(?::(-1|unlimited|\d{1,20}))?", re.ASCII)


def command(options: ContainerOptions, image: Image) -> list[str]:
    """The words to run. Raises EngineError INVALID where there are none."""
    words = options.command or list(image.command)
    if not words or not words[0]:
        why = "The command is empty" if words else f"No command was given, and {image.name} has none of its own"
        raise EngineError(ErrorCode.INVALID, f"{why}: name the program to run.")
    return words


def environment(options: ContainerOptions, image: Image, hostname: str, home: str) -> list[str]:
    """Ours, then the image's, then the user's; the last one to set a name wins, names keep their first place. With
    `--heap` what preloads our allocator comes last, and goes together with what is preloaded already."""
    ours = [f"HOME={home}", f"HOSTNAME={hostname}", *(["TERM=xterm-256color"] if options.tty else [])]
    merged = {entry.partition("=")[0]: entry for entry in (*image.env, *ours, *options.env)}
    if options.heap is not None:
        values = {name: entry.partition("=")[2] for name, entry in merged.items()}
        heap = library.environment(options.heap, values)
        merged |= {name: f"{name}={value}" for name, value in heap.items()}
    return list(merged.values())


def console_size(options: ContainerOptions) -> ConsoleSize | None:
    """The first size of the terminal, where there is one."""
    return ConsoleSize(height=options.lines, width=options.columns) if options.tty else None


def check(options: ContainerOptions) -> None:
    """Refuse words, variables, directories and sizes that no program could be given."""
    for entry in options.env:
        if not entry.partition("=")[0] or "=" not in entry:
            raise EngineError(ErrorCode.INVALID, f"The environment entry {entry!r} is not of the form NAME=value.")
        check_text("environment entry", entry)
    for argument in options.command:
        check_text("command argument", argument)
    if options.workdir is not None:
        check_workdir(options.workdir)
    check_size(options.columns, options.lines)


def check_workdir(path: str) -> None:
    if not path.startswith("/"):
        raise EngineError(
            ErrorCode.INVALID, f"The working directory {path!r} is invalid, it needs to be an absolute path."
        )
    check_text("working directory", path)


def check_size(columns: int, lines: int) -> None:
    """The sizes that a terminal can have (`struct winsize` of ioctl_tty(2) holds 16 bits)."""
    if not (0 < columns < 1 << 16 and 0 < lines < 1 << 16):
        raise EngineError(ErrorCode.INVALID, f"A terminal can't be {columns} columns by {lines} lines.")


def check_text(what: str, text: str) -> None:
    """What goes to the kernel is bytes that end at the first NUL."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise EngineError(ErrorCode.INVALID, f"The {what} {text!r} can't be written as UTF-8.") from None
    if "\0" in text:
        raise EngineError(ErrorCode.INVALID, f"The {what} {text!r} holds a NUL byte.")


def rlimits(texts: Sequence[str]) -> list[Rlimit]:
    """`nofile=1024[:2048]`, soft and hard; a later one of a kind counts. Raises EngineError INVALID, and UNSUPPORTED
    where we may not raise a hard limit ourselves."""
    found = {limit.type: limit for limit in map(_rlimit, texts)}
    return list(found.values())


def _rlimit(text: str) -> Rlimit:
    match = _ULIMIT.fullmatch(text)
    if match is None:
        raise EngineError(ErrorCode.INVALID, f"{text!r} is no ulimit: write NAME=SOFT[:HARD], as in nofile=1024:2048.")
    type = f"RLIMIT_{match[1].upper()}"
    if type not in RLIMITS:
        names = ", ".join(name.removeprefix("RLIMIT_").lower() for name in RLIMITS)
        raise EngineError(ErrorCode.INVALID, f"There is no ulimit {match[1]!r}: there are {names}.")
    soft, hard = (INFINITY if n in ("-1", "unlimited") else int(n) for n in (match[2], match[3] or match[2]))
    if soft > hard or hard > INFINITY:
        raise EngineError(
            ErrorCode.INVALID, f"The ulimit {text!r} is invalid: the first number can't be above the second."
        )
    ours = resource.getrlimit(getattr(resource, type))[1] if hasattr(resource, type) else resource.RLIM_INFINITY
    if ours != resource.RLIM_INFINITY and hard > ours and id_maps.own("uid") != id_maps.WHOLE:
        raise EngineError(
            ErrorCode.UNSUPPORTED,
            f"The ulimit {text!r} can't be set: this user's own is {ours}, and only root raises it.",
        )
    return Rlimit(type=type, soft=soft, hard=hard)


def umask(text: str | None) -> int | None:
    """Octal digits. Raises EngineError INVALID."""
    if text is None:
        return None
    if not re.fullmatch(r"0?[0-7]{1,3}", text):
        raise EngineError(ErrorCode.INVALID, f"{text!r} is no umask: write three octal digits, as in 022.")
    return int(text, 8)


def oom_score_adj(asked: int | None) -> int | None:
    """Raises EngineError INVALID, and UNSUPPORTED where we may not go below our own."""
    if asked is None:
        return None
    if not -1000 <= asked <= 1000:
        raise EngineError(ErrorCode.INVALID, f"--oom-score-adj goes from -1000 to 1000, {asked} can't be.")
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        ours = int(file.read())
    if asked < ours and id_maps.own("uid") != id_maps.WHOLE:
        raise EngineError(
            ErrorCode.UNSUPPORTED, f"--oom-score-adj {asked} can't be set: it is below {ours}, and only root lowers it."
        )
    return asked


def scheduler(asked: SchedulerOption | None) -> Scheduler | None:
    """Raises EngineError INVALID."""
    if asked is None:
        return None
    if complaint := _scheduler_complaint(asked):
        raise EngineError(ErrorCode.INVALID, f"The scheduler {asked.policy} can't be had so: {complaint}.")
    return Scheduler(
        policy=f"SCHED_{asked.policy.upper()}",
        nice=asked.nice,
        priority=asked.priority,
        flags=[f"SCHED_FLAG_{flag.upper().replace('-', '_')}" for flag in asked.flags],
        runtime=asked.runtime,
        deadline=asked.deadline,
        period=asked.period,
    )


def _scheduler_complaint(asked: SchedulerOption) -> str:
    realtime = asked.policy in ("fifo", "rr")
    times = (asked.runtime, asked.deadline, asked.period)
    if unknown := [flag for flag in asked.flags if flag not in SCHEDULER_FLAGS]:
        return f"there is no flag {unknown[0]!r}, there are {', '.join(SCHEDULER_FLAGS)}"
    if not -20 <= asked.nice <= 19:
        return f"nice goes from -20 to 19, {asked.nice} can't be"
    if realtime and not 1 <= asked.priority <= 99:
        return f"its priority goes from 1 to 99, {asked.priority} can't be"
    if not realtime and asked.priority:
        return "only fifo and rr have a priority"
    if asked.policy != "deadline":
        return "only deadline has runtime, deadline and period" if any(times) else ""
    # sched(7): the kernel's own bounds
    if 1024 <= asked.runtime <= asked.deadline <= (asked.period or asked.deadline) < 2**63:
        return ""
    return "it needs 1024 ns <= runtime <= deadline <= period"


def io_priority(text: str | None) -> IOPriority | None:
    """`best-effort[:0-7]`, `realtime[:0-7]` or `idle`, or ionice(1)'s numbers for them. Raises EngineError INVALID."""
    if text is None:
        return None
    name, colon, level = text.partition(":")
    if name in IO_IDLE and not colon:
        return IOPriority(class_="IOPRIO_CLASS_IDLE", priority=0)
    if name not in IO_CLASSES or not re.fullmatch("[0-7]", level or "4") or (colon and not level):
        raise EngineError(
            ErrorCode.INVALID,
            f"{text!r} is no I/O priority: write best-effort:N or realtime:N, N from 0 (first) to 7, or idle.",
        )
    return IOPriority(class_=f"IOPRIO_CLASS_{IO_CLASSES[name]}", priority=int(level or 4))


def personality(name: str | None) -> Personality | None:
    return Personality(domain=name.upper()) if name else None
