"""The launch receipt: what every step of a plan did, when, and what to say when one failed. Runs in the engine."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Literal

from engine.protocol.messages import ErrorCode, LaunchStep
from engine.sandbox import program
from engine.sandbox.plan import Plan, Step
from engine.spec.structs import Process


@dataclass(frozen=True)
class Failure:
    """Why a launch came to nothing: `message` is one sentence for a person."""

    code: ErrorCode
    message: str


def steps(plan: Plan, receipt: bytes, finished: int) -> list[LaunchStep]:
    """Every step with its times and its result. `finished`: when the keeper saw the end, CLOCK_MONOTONIC in ns."""
    outcome = program.read_receipt(receipt)
    last = min(outcome.failed, len(plan.steps)) if outcome.failed else outcome.current
    origin = outcome.times[0]
    rows = []
    for i, step in enumerate(plan.steps):
        reached = i < last
        start = outcome.times[i] - origin if reached else 0
        end = start
        if reached:
            end = (finished if i + 1 == last and outcome.failed == 0 else outcome.times[i + 1]) - origin
        value = outcome.values[i]
        rows.append(
            LaunchStep(
                index=i + 1,
                call=step.call,
                arguments=step.arguments,
                why=step.why,
                group=step.part,
                start=start,
                end=end,
                result=0 if value < -4095 else value,
                outcome=_outcome(i + 1, value, outcome.failed),
            )
        )
    return rows


def _outcome(number: int, value: int, failed: int) -> Literal["done", "allowed", "skipped", "failed", "not reached"]:
    if number == failed:
        return "failed"
    if value == program.NOT_REACHED:
        return "not reached"
    if value == program.SKIPPED:
        return "skipped"
    return "allowed" if -4095 <= value < 0 else "done"


def failure(plan: Plan, receipt: bytes, process: Process) -> Failure | None:
    """None when the program was started; else what stopped it."""
    outcome = program.read_receipt(receipt)
    count = len(plan.steps)
    if outcome.failed == 0:
        step = plan.steps[outcome.current - 1] if outcome.current else None
        if step is not None and step.call in ("execve", "execveat"):
            return None
        what = f"step {outcome.current} of {count}" if outcome.current else "the first step"
        return Failure(ErrorCode.LAUNCH_FAILED, f"the launch was killed at {what}{_about(step)}.")
    if outcome.failed > count:
        return _no_program([v for s, v in zip(plan.steps, outcome.values, strict=True) if s.call == "execve"], process)
    step = plan.steps[outcome.failed - 1]
    error = -outcome.values[outcome.failed - 1]
    if step.call in ("execve", "execveat"):
        return _no_program([-error], process)
    if step.call == "chdir" and step.part == "program":
        return Failure(
            ErrorCode.LAUNCH_FAILED,
            f'working directory "{process.cwd}": {os.strerror(error)}; name a directory that exists in the container.',
        )
    return Failure(ErrorCode.LAUNCH_FAILED, f"step {outcome.failed} of {count}{_about(step)}: {_explain(step, error)}.")


def _about(step: Step | None) -> str:
    return f", {step.call} for {step.why}" if step else ""


def _explain(step: Step, error: int) -> str:
    text = os.strerror(error)
    if step.call == "fsopen" and error == errno.ENODEV:
        return f"{text}; this kernel has no {step.args[0]!s} file system, load its module"
    if step.call == "mount_setattr" and "IDMAP" in step.arguments:
        if error == errno.EPERM:
            return f"{text}; an ordinary user can only have a user namespace with the ids that the engine has itself"
        return f"{text}; this file system, or this kernel (Linux 5.19 or newer is needed), can't map the ids of files"
    if step.call == "move_mount" and error in (errno.EINVAL, errno.ENOTDIR):
        return f"{text}; a file can only be mounted over a file, and a directory over a directory"
    if step.part == "sysctl" and error in (errno.ENOENT, errno.EINVAL):
        return f"{text}; {'this kernel has no such setting' if error == errno.ENOENT else 'it takes no such value'}"
    if step.call in ("sched_setattr", "ioprio_set") and error == errno.EPERM:
        return f"{text}; only root may have it"
    if error == errno.ENOSYS:
        return f"{text}; this kernel has no {step.call} (Linux 5.12 or newer is needed)"
    return text


def _no_program(results: list[int], process: Process) -> Failure:
    """As execvp(3): EACCES somewhere on the way beats not found anywhere."""
    command = process.args[0]
    missing = (-errno.ENOENT, -errno.ENOTDIR)
    refused = [r for r in results if r not in missing]
    if refused:
        text = os.strerror(-refused[-1])
        return Failure(
            ErrorCode.COMMAND_NOT_EXECUTABLE, f'command "{command}" can\'t be executed in the container: {text}.'
        )
    where = "" if "/" in command else " on its PATH"
    return Failure(ErrorCode.COMMAND_NOT_FOUND, f'command "{command}" was not found in the container{where}.')
