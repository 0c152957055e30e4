"""The options of `run` and `create`, and the `ContainerOptions` they make."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.protocol.limits import Limits
from engine.protocol.messages import ContainerOptions
from engine.protocol.quantities import size
from heliostui.commandline import environment, health, heap, networks
from heliostui.commandline.failures import Failure, UsageError
from heliostui.commandline.limits import add_limit_options, given_limits
from heliostui.commandline.mounts import add_mount_options, given_mounts
from heliostui.commandline.namespaces import add_namespace_options, given_namespaces
from heliostui.commandline.parser import add_words, checked, given_words, pair
from heliostui.commandline.priorities import add_priority_options, given_priorities
from heliostui.commandline.restart import restart_policy
from heliostui.commandline.security import add_device_options, add_security_options, given_devices, given_security

SCALARS = ("name", "hostname", "domainname", "workdir", "user", "restart", "shm_size", "cgroup_parent", "heap")
FLAGS = {"tty": "tty", "interactive": "interactive", "read_only": "read_only", "init": "init", "rm": "remove"}


def label(text: str) -> tuple[str, str]:
    """`key=value` or `key`."""
    key, _, value = text.partition("=")
    if not key:
        raise ValueError(f"'{text}' is no label: write key=value")
    return key, value


def add_program_options(parser: argparse.ArgumentParser) -> None:
    """What `run`, `create` and `exec` share."""
    parser.add_argument("-i", "--interactive", action="store_true", help="keep standard input open")
    parser.add_argument("-t", "--tty", action="store_true", help="give the program a terminal")
    parser.add_argument("-e", "--env", action="append", metavar="NAME[=VALUE]", help="set a variable, or pass yours on")
    parser.add_argument("--env-file", action="append", metavar="FILE", type=Path, help="set the variables of a file")
    parser.add_argument("-w", "--workdir", metavar="DIR", help="the directory it begins in")
    parser.add_argument("-u", "--user", metavar="USER[:GROUP]", help="whom it runs as, by name or number")


def add_container_options(parser: argparse.ArgumentParser) -> None:
    """What `run`, `create` and `spec` share, IMAGE and COMMAND included."""
    add_program_options(parser)
    parser.add_argument("--name", help="the container's name (default: a generated one)")
    parser.add_argument("--rm", action="store_true", help="remove the container when it ends")
    parser.add_argument("-h", "--hostname", metavar="NAME", help="its host name (default: its id)")
    parser.add_argument("--domainname", metavar="NAME", help="its NIS domain name")
    parser.add_argument("--group-add", action="append", metavar="GROUP", help="a further group, by name or number")
    parser.add_argument("--rootfs", metavar="DIR", help="a directory to use in place of an image; it is not written to")
    parser.add_argument("--bundle", metavar="DIR", help="an OCI bundle to run as its config.json says, on its own root")
    parser.add_argument("--init", action="store_true", help="a small init as PID 1, which reaps and passes signals on")
    heap.add_heap_option(parser)
    parser.add_argument(
        "--restart",
        metavar="POLICY",
        type=checked(restart_policy),
        help="no, on-failure[:maximum], always or unless-stopped",
    )
    parser.add_argument("-l", "--label", action="append", metavar="KEY[=VALUE]", type=checked(label), help="a label")
    parser.add_argument(
        "--annotation", action="append", metavar="KEY=VALUE", type=checked(pair), help="a label in the OCI spec"
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="take these options from a TOML or JSON file; what the command line says comes first",
    )
    files = parser.add_argument_group("files and devices")
    files.add_argument("--read-only", action="store_true", help="no writing to the container's root")
    add_mount_options(files)
    files.add_argument("--shm-size", metavar="SIZE", type=checked(size), help="of /dev/shm (default: 64m)")
    add_device_options(files)
    networks.add_network_options(parser.add_argument_group("networks, ports and names"))
    health.add_health_options(parser.add_argument_group("health"))
    add_security_options(parser.add_argument_group("security"))
    add_namespace_options(parser.add_argument_group("namespaces"))
    add_priority_options(parser.add_argument_group("the program's limits and priorities"))
    add_limit_options(parser)
    parser.add_argument("--cgroup-parent", metavar="PATH", help="the cgroup that its own is made in")
    add_words(parser, required=False)


def given_variables(arguments: argparse.Namespace, own: Mapping[str, str]) -> list[str]:
    """The variables of `--env-file` and `--env`; a later one overrides. Raises Failure for a bad file, UsageError for
    a bad word."""
    found: list[str] = []
    for path in arguments.env_file or ():
        try:
            found += environment.from_file(path, own)
        except (ValueError, OSError) as error:
            raise Failure(_file_complaint(path, "env file", error)) from None
    try:
        found += environment.variables(arguments.env or (), own)
    except ValueError as error:
        raise UsageError(f"--env: {error}") from None
    return _last_wins(found)


def container_options(arguments: argparse.Namespace, own: Mapping[str, str]) -> ContainerOptions:
    """The options that the command line and `--config` ask for; `own` is the caller's environment. The first word is
    the image, unless `--rootfs` or the configuration file say what to run: then all words are the command. Raises
    UsageError, Failure."""
    fields = _configured(arguments.config)
    _add_place(arguments, fields)
    for name in SCALARS:
        if (value := getattr(arguments, name)) is not None:
            fields[name] = value
    fields |= {name: True for option, name in FLAGS.items() if getattr(arguments, option)}
    fields["env"] = _last_wins([*fields.get("env", ()), *given_variables(arguments, own)])
    given = {
        "labels": dict(arguments.label or ()),
        "annotations": dict(arguments.annotation or ()),
        "groups": arguments.group_add or [],
        "mounts": given_mounts(arguments),
        **given_devices(arguments),
        **given_security(arguments),
        **given_namespaces(arguments),
        **given_priorities(arguments),
    }
    for name, value in given.items():
        fields[name] = _together(fields.get(name), value)
    networks.apply(arguments, fields)
    health.apply(arguments, fields)
    fields["limits"] = _limits(fields.get("limits", Limits()), given_limits(arguments))
    options = ContainerOptions(**fields)
    if options.remove and options.restart.name != "no":
        raise UsageError("--rm and --restart exclude each other: a removed container can't be started again")
    return options


def _add_place(arguments: argparse.Namespace, fields: dict[str, Any]) -> None:
    """What is run: image, directory or bundle, and the command."""
    for name in ("rootfs", "bundle"):
        if (place := getattr(arguments, name)) == "":
            raise UsageError(f"--{name}: '' is no directory")
        if place is not None:
            fields |= {"rootfs": None, "bundle": None, "image": None, name: place}
    if arguments.rootfs is not None and arguments.bundle is not None:
        raise UsageError("--rootfs and --bundle exclude each other: a bundle has its own root")
    words = given_words(arguments)
    if words and fields.get("bundle"):
        raise UsageError(f"'{words[0]}' can't be: a bundle says itself what is run in it")
    if words and not (fields.get("rootfs") or fields.get("image")):
        fields["image"], *words = words
    if words:
        fields["command"] = words
    for name in ("rootfs", "bundle"):
        if fields.get(name):
            fields[name] = os.path.abspath(fields[name])


def _together(configured: Any, given: Any) -> Any:
    """Lists one after the other, names and values over each other, else what was given."""
    if configured is not None and isinstance(given, list):
        return [*configured, *given]
    if configured is not None and isinstance(given, dict):
        return {**configured, **given}
    return given


def _limits(configured: Limits, given: Limits) -> Limits:
    """Each limit as it was given, else as configured."""
    fields = {name: (getattr(configured, name), getattr(given, name)) for name in Limits.__struct_fields__}
    return Limits(**{name: old if new is None else _together(old, new) for name, (old, new) in fields.items()})


def _configured(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    from heliostui.commandline import config_file

    try:
        return config_file.read(path)
    except (ValueError, OSError) as error:
        raise Failure(_file_complaint(path, "configuration file", error)) from None


def _file_complaint(path: Path, what: str, error: ValueError | OSError) -> str:
    return f"the {what} {path} can't be read: {error.strerror}" if isinstance(error, OSError) else f"{what} {error}"


def _last_wins(variables: list[str]) -> list[str]:
    return list({word.partition("=")[0]: word for word in variables}.values())
