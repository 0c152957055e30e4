"""jobs, fg, bg, wait, disown and suspend. What they do is `engine.shell.jobs`; here is how it is asked for and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.shell.builtins.options import Usage, check_name, parse
from engine.shell.faults import Fault

if TYPE_CHECKING:
    from engine.shell.jobs import Job
    from engine.shell.shell import Shell

NO_CHILD = 127


def jobs(shell: Shell, arguments: list[str]) -> int:
    if arguments[:1] == ["-x"]:
        return shell.call([_group_of(shell, word) for word in arguments[1:]])
    options, specs = parse("jobs", arguments, "lnprsx")
    if "x" in options:
        raise Usage("jobs", "-x goes with no other option")
    shell.jobs.reap()
    chosen, status = _found(shell, "jobs", specs) if specs else (shell.jobs.all(), 0)
    chosen = [job for job in chosen if _wanted(job, options)]
    if "p" in options:
        shell.write("".join(f"{job.pgid or job.processes[0].pid}\n" for job in chosen))
        return status
    shell.write("".join(shell.jobs.line(job, long="l" in options) + "\n" for job in chosen))
    for job in chosen:
        job.told = job.state
        if job.state == "done":
            shell.jobs.disown(job)  # it has been told of: the last time
    return status


def _wanted(job: Job, options: dict[str, str]) -> bool:
    if ("r" in options and job.state != "running") or ("s" in options and job.state != "stopped"):
        return False
    return "n" not in options or job.told != job.state


def _group_of(shell: Shell, word: str) -> str:
    """What stands for a job, in the words of `jobs -x`: its process group."""
    if not word.startswith("%"):
        return word
    job = shell.jobs.find(word)
    return str(job.pgid or job.processes[0].pid)


def fg(shell: Shell, arguments: list[str]) -> int:
    job = _controlled(shell, "fg", arguments)[0]
    shell.write(job.command + "\n")
    return shell.jobs.foreground(job)


def bg(shell: Shell, arguments: list[str]) -> int:
    for job in _controlled(shell, "bg", arguments):
        if job.state == "running":
            shell.complain(f"bg: job {job.number} already in background")
            continue
        shell.jobs.background(job)
        mark = shell.jobs.mark(job) or " "
        shell.write(f"[{job.number}]{mark} {job.command} &\n")
    return 0


def wait(shell: Shell, arguments: list[str]) -> int:
    options, specs = parse("wait", arguments, "fnp:")
    name = options.get("p")
    if name is not None:
        check_name(name)
        shell.state.variables.unset(name)
    if "n" in options:
        return _wait_any(shell, specs, name)
    if not specs:
        return _wait_all(shell)
    status = 0
    for spec in specs:
        status, pid = _wait_for(shell, spec, to_end="f" in options)
        if name is not None and pid:
            shell.state.variables.set(name, str(pid))
    return status


def disown(shell: Shell, arguments: list[str]) -> int:
    options, specs = parse("disown", arguments, "har")
    status = 0
    if specs:
        chosen, status = _found(shell, "disown", specs)
    elif "a" in options or "r" in options:
        chosen = shell.jobs.all()
    else:
        chosen = [shell.jobs.find("%+")]
    for job in chosen:
        if "r" not in options or job.state == "running":
            shell.jobs.disown(job, hold_hup="h" in options)
    return status


def suspend(shell: Shell, arguments: list[str]) -> int:
    parse("suspend", arguments, "f")
    shell.suspend()
    return 0


def _controlled(shell: Shell, name: str, arguments: list[str]) -> list[Job]:
    """The jobs that are meant, the current one where none is named. Raises Fault where there is no job control."""
    _, specs = parse(name, arguments, "")
    if "monitor" not in shell.state.options:
        raise Fault("no job control", hint="`set -m` switches it on")
    shell.jobs.reap()
    found = [shell.jobs.find(spec) for spec in specs or ["%+"]]
    for job in found:
        if job.state == "done":
            raise Fault("job has terminated")
        if not job.pgid:
            raise Fault(f"job {job.number} started without job control")
    return found


def _found(shell: Shell, name: str, specs: list[str]) -> tuple[list[Job], int]:
    """Those that there are; of the others is told, and the status is 1."""
    found, status = [], 0
    for spec in specs:
        try:
            found.append(shell.jobs.find(spec))
        except Fault as fault:
            shell.complain(f"{name}: {fault.message}")
            status = 1
    return found, status


def _wait_all(shell: Shell) -> int:
    for job in shell.jobs.all():
        if job.state != "running":
            continue
        status = shell.jobs.wait(job)
        if job.state == "running":  # a trapped signal came before
            return status
    return 0


def _wait_for(shell: Shell, spec: str, *, to_end: bool) -> tuple[int, int]:
    """The status, and the pid that it is of; 0 where there is no such child."""
    if not spec.startswith("%") and not spec.isdecimal():
        shell.complain(f"wait: `{spec}': not a pid or valid job spec")
        return 1, 0
    if spec.isdecimal():
        status = shell.jobs.ended(int(spec))
        if status is not None:
            return status, int(spec)
    try:
        job = shell.jobs.find(spec)
    except Fault as fault:
        pid = f"pid {spec} is not a child of this shell"
        shell.complain(f"wait: {pid if spec.isdecimal() else fault.message}")
        return NO_CHILD, 0
    return shell.jobs.wait(job, to_end=to_end), job.processes[-1].pid


def _wait_any(shell: Shell, specs: list[str], name: str | None) -> int:
    chosen = None
    if specs:
        chosen = _found(shell, "wait", specs)[0]
        if not chosen:
            return NO_CHILD
    job, status = shell.jobs.wait_any(chosen)
    if job is not None and name is not None:
        shell.state.variables.set(name, str(job.processes[-1].pid))
    return status


COMMANDS = {"jobs": jobs, "fg": fg, "bg": bg, "wait": wait, "disown": disown, "suspend": suspend}
