"""The options about a container's health check, as Docker spells them, and the `HealthCheck` they make."""

from __future__ import annotations

import argparse
import re
from typing import Any

import msgspec

from engine.protocol.network import HealthCheck
from heliostui.commandline.failures import UsageError
from heliostui.commandline.parser import checked
from heliostui.commandline.times import seconds

SHELL = ("/bin/sh", "-c")
_TIMES = {
    "interval": "between checks",
    "timeout": "that a check may take",
    "start_period": "in which failures do not count",
    "start_interval": "between checks in the start period, until the first success",
}
_COUNT = re.compile(r"\d{1,6}", re.ASCII)


def add_health_options(parser: argparse._ActionsContainer) -> None:
    """`--health-cmd` and what belongs to it."""
    parser.add_argument(
        "--health-cmd",
        metavar="COMMAND",
        type=checked(command),
        help='run by its shell, or as it is where written ["PROGRAM", "ARG" …]; exit status 0 means healthy',
    )
    defaults = HealthCheck(command=[])
    for field, what in _TIMES.items():
        parser.add_argument(
            f"--health-{field.replace('_', '-')}",
            metavar="TIME",
            type=checked(seconds),
            help=f"time {what}: 500ms, 30s, 1m30s (default: {getattr(defaults, field):g}s)",
        )
    parser.add_argument(
        "--health-retries",
        metavar="NUMBER",
        type=checked(count),
        help=f"failures in a row that mean unhealthy (default: {defaults.retries})",
    )
    parser.add_argument("--no-healthcheck", action="store_true", help="no check, whatever --config says")


def apply(arguments: argparse.Namespace, fields: dict[str, Any]) -> None:
    """Put what was given over the check of a configuration file. As with Docker 0 means the default. Raises
    UsageError."""
    names = [name for name in HealthCheck.__struct_fields__ if name != "command"]
    values = {name: value for name in names if (value := getattr(arguments, f"health_{name}"))}
    if arguments.no_healthcheck:
        if values or arguments.health_cmd:
            raise UsageError("--no-healthcheck and the other options of a health check exclude each other")
        fields["health"] = None
        return
    check = fields.get("health")
    if arguments.health_cmd is not None:
        check = HealthCheck(command=arguments.health_cmd)
    if check is not None:
        fields["health"] = msgspec.structs.replace(check, **values)
    elif values:
        raise UsageError(f"--health-{next(iter(values)).replace('_', '-')} needs a check: give --health-cmd, too")


def command(text: str) -> list[str]:
    """A line for the container's shell, or a JSON list as it stands in a Dockerfile. Raises ValueError."""
    if not text.strip():
        raise ValueError("'' is no command; --no-healthcheck means none")
    if not text.lstrip().startswith("["):
        return [*SHELL, text]
    try:
        words = msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        if text.lstrip().startswith("[ "):  # test(1)
            return [*SHELL, text]
        raise ValueError(
            f"""'{text}' is no list of words: write '["PROGRAM", "ARG"]', or a line for the shell"""
        ) from None
    if words[:1] == ["CMD-SHELL"]:
        words = [*SHELL, *words[1:]]
    elif words[:1] == ["CMD"]:
        words = words[1:]
    if not words:
        raise ValueError(f"'{text}' names no program")
    return words


def count(text: str) -> int:
    """A number, 0 for the default. Raises ValueError."""
    if not _COUNT.fullmatch(text):
        raise ValueError(f"'{text}' is no number of failures: write one from 1 on")
    return int(text)
