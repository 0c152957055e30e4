"""The options of `run` and `create`, and the `ContainerOptions` they make."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from engine.protocol.messages import ContainerOptions
from heliostui.commandline import environment
from heliostui.commandline.failures import Failure, UsageError
from heliostui.commandline.parser import add_words, given_words
from heliostui.commandline.restart import restart_policy

T = TypeVar("T")


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """A `type=` for argparse that keeps the sentence of a ValueError."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


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
    """What `run` and `create` share, IMAGE and COMMAND included."""
    add_program_options(parser)
    parser.add_argument("--name", help="the container's name (default: a generated one)")
    parser.add_argument("--rm", action="store_true", help="remove the container when it ends")
    parser.add_argument("-h", "--hostname", metavar="NAME", help="its host name (default: its id)")
    parser.add_argument("--rootfs", metavar="DIR", help="a directory to use in place of an image; it is not written to")
    parser.add_argument("--read-only", action="store_true", help="no writing to the container's root")
    parser.add_argument("--init", action="store_true", help="a small init as PID 1, which reaps and passes signals on")
    parser.add_argument(
        "--restart",
        metavar="POLICY",
        type=checked(restart_policy),
        help="no, on-failure[:maximum], always or unless-stopped",
    )
    parser.add_argument("-l", "--label", action="append", metavar="KEY[=VALUE]", type=checked(label), help="a label")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="take these options from a TOML or JSON file; what the command line says comes first",
    )
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
    for name in ("name", "hostname", "workdir", "user", "restart"):
        if (value := getattr(arguments, name)) is not None:
            fields[name] = value
    for option, name in (("tty",) * 2, ("interactive",) * 2, ("read_only",) * 2, ("init",) * 2, ("rm", "remove")):
        if getattr(arguments, option):
            fields[name] = True
    if arguments.rootfs == "":
        raise UsageError("--rootfs: '' is no directory")
    if arguments.rootfs is not None:
        fields |= {"rootfs": arguments.rootfs, "image": None}
    words = given_words(arguments)
    if words and not (fields.get("rootfs") or fields.get("image")):
        fields["image"], *words = words
    if words:
        fields["command"] = words
    if fields.get("rootfs"):
        fields["rootfs"] = os.path.abspath(fields["rootfs"])
    fields["env"] = _last_wins([*fields.get("env", ()), *given_variables(arguments, own)])
    fields["labels"] = {**fields.get("labels", {}), **dict(arguments.label or ())}
    options = ContainerOptions(**fields)
    if options.remove and options.restart.name != "no":
        raise UsageError("--rm and --restart exclude each other: a removed container can't be started again")
    return options


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
