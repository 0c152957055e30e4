"""A terminal's jobs to show: each kind of state, and what happened until then."""

from __future__ import annotations

from widgets.jobs import Event, Job, Jobs, Process

START = 1741089600.0  # 2025-03-04 12:00:00 UTC
SHELL = 4700


def stopped(pid: int, command: str, by: str, number: int, mark: str = "") -> Job:
    return Job(pid, command, "stopped", (Process(pid, command, "stopped", None, by),), number=number, mark=mark)


JOBS = Jobs(
    shell=SHELL,
    shell_pgid=SHELL,
    foreground=4740,
    shell_name="heliosh",
    jobs=(
        Job(
            4711,
            "sleep 100 | cat",
            "running",
            (Process(4711, "sleep 100", "running"), Process(4712, "cat", "running")),
            number=1,
        ),
        stopped(4720, "cat", "TTIN", 2, "-"),
        stopped(4725, "vim notes.md", "TSTP", 3, "+"),
        Job(4730, "yes", "done", (Process(4730, "yes", "done", 137, "KILL"),), number=4),
        Job(
            4740,
            "make -j4 check",
            "running",
            (
                Process(4740, "make -j4 check", "running"),
                Process(4741, "cc -O2 -c executor.c -o executor.o", "running"),
                Process(4742, "false", "done", 1),
            ),
            foreground=True,
            number=5,
        ),
    ),
)
AT_PROMPT = Jobs(SHELL, SHELL, SHELL, shell_name="heliosh")


def started(at: float, pid: int, pgid: int, command: str, *, foreground: bool = False) -> list[Event]:
    """What a shell with job control does to start a program."""
    at += START
    events = [Event(at, "fork", pid, pgid), Event(at + 0.001, "setpgid", pid, pgid)]
    if foreground:
        events.append(Event(at + 0.002, "foreground", 0, pgid))
    return [*events, Event(at + 0.003, "exec", pid, pgid, command)]


EVENTS = [
    *started(1, 4711, 4711, "sleep 100"),
    *started(1.004, 4712, 4711, "cat"),
    *started(8, 4720, 4720, "cat"),
    Event(START + 8.01, "stop", 4720, 4720, "TTIN"),
    *started(14, 4725, 4725, "/usr/bin/vim notes.md", foreground=True),
    Event(START + 24, "stop", 4725, 4725, "TSTP"),
    Event(START + 24.01, "foreground", 0, SHELL),
    *started(26, 4730, 4730, "yes"),
    Event(START + 33, "exit", 4730, 4730, "KILL"),
    *started(36, 4740, 4740, "make", foreground=True),
    *started(37, 4741, 4740, "cc"),
    *started(37.5, 4742, 4740, "false"),
    Event(START + 38, "exit", 4742, 4740, "1"),
]
