"""The options about how the program is run: its limits of setrlimit(2), its turn on processor and disk, kernel
settings of its namespaces. What is possible, the engine knows."""

from __future__ import annotations

import argparse
import re
from typing import Any, get_args, get_type_hints

from engine.protocol.messages import Scheduler
from heliostui.commandline.parser import checked, pair

_TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "": 1}


def add_priority_options(parser: argparse._ActionsContainer) -> None:
    """Of `run` and `create`."""
    parser.add_argument("--ulimit", action="append", metavar="NAME=SOFT[:HARD]", help="a limit, as in nofile=1024:2048")
    parser.add_argument(
        "--sysctl", action="append", metavar="NAME=VALUE", type=checked(pair), help="a kernel setting of its namespaces"
    )
    parser.add_argument("--umask", metavar="OCTAL", help="what new files may not be used for (default: 022)")
    parser.add_argument(
        "--oom-score-adj", metavar="N", type=checked(_score), help="-1000 (never killed) to 1000 (killed first)"
    )
    parser.add_argument(
        "--scheduler",
        metavar="POLICY[,NAME=VALUE…]",
        type=checked(scheduler),
        help="other, batch, idle, fifo, rr or deadline, with nice=, priority=, runtime=, deadline=, period=, flag=",
    )
    parser.add_argument("--ioprio", metavar="CLASS[:N]", help="best-effort:0-7, realtime:0-7 or idle")
    parser.add_argument("--personality", choices=("linux", "linux32"), help="what uname(2) says of the machine")


def given_priorities(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `ContainerOptions` that were given."""
    fields = {
        "umask": arguments.umask,
        "oom_score_adj": arguments.oom_score_adj,
        "scheduler": arguments.scheduler,
        "io_priority": arguments.ioprio,
        "personality": arguments.personality,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    return given | {"ulimits": arguments.ulimit or [], "sysctls": dict(arguments.sysctl or ())}


def scheduler(text: str) -> Scheduler:
    """`fifo,priority=10`, `other,nice=5`, `deadline,runtime=5ms,deadline=10ms,period=10ms`. Raises ValueError."""
    policy, *entries = text.split(",")
    policies = get_args(get_type_hints(Scheduler)["policy"])
    if policy not in policies:
        raise ValueError(f"'{policy}' is no scheduling policy: there are {', '.join(policies)}")
    fields: dict[str, Any] = {"flags": []}
    for entry in entries:
        name, _, value = entry.partition("=")
        if name == "flag" and value:
            fields["flags"].append(value)
        elif name in ("nice", "priority") and re.fullmatch(r"-?\d{1,9}", value, re.ASCII):
            fields[name] = int(value)
        elif name in ("runtime", "deadline", "period") and (time := re.fullmatch(r"(\d{1,18})(ns|us|ms|s|)", value)):
            fields[name] = int(time[1]) * _TIMES[time[2]]
        else:
            raise ValueError(f"'{entry}' says nothing about a scheduler: write as in fifo,priority=10 or other,nice=5")
    return Scheduler(policy=policy, **fields)  # type: ignore[arg-type]


def _score(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,4}", text, re.ASCII):
        raise ValueError(f"'{text}' is no score: write a whole number from -1000 to 1000")
    return int(text)
