"""`heliostui spec`: the OCI spec that options of `run` mean, printed or put into a bundle."""

from __future__ import annotations

import argparse
import json
import os
from contextlib import suppress
from pathlib import Path

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import MadeSpec, MakeSpec
from heliostui.commandline.failures import Failure
from heliostui.commandline.options import add_container_options, container_options

EPILOG = """\
Nothing is run. The root is `rootfs` in the bundle, or the directory that --rootfs names; what is in it is yours to see
to. `heliostui run --bundle DIR` runs it, and so does any other OCI runtime."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    add_container_options(parser)
    parser.add_argument(
        "--bundle",
        dest="directory",
        metavar="DIR",
        type=Path,
        help="write it to DIR/config.json instead of printing it",
    )
    parser.set_defaults(bundle=None)  # which `run` has


def run(arguments: argparse.Namespace) -> int:
    options = container_options(arguments, os.environ)
    if arguments.directory is not None:
        _refuse_to_overwrite(arguments.directory)
    with Connection.connect(places()) as engine:
        made = engine.request(MakeSpec(options=options, root=options.rootfs or "rootfs"), MadeSpec)
    text = json.dumps(made.spec, indent=2, ensure_ascii=False) + "\n"
    if arguments.directory is None:
        print(text, end="")
    else:
        _write(arguments.directory / "config.json", text)
    return 0


def _refuse_to_overwrite(directory: Path) -> None:
    path = directory / "config.json"
    if os.path.lexists(path):
        raise Failure(f"{path} is there already: remove it first")
    if not directory.is_dir():
        raise Failure(f"{directory} is not a directory: make it first")


def _write(path: Path, text: str) -> None:
    """A whole file or none."""
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                with suppress(OSError):
                    path.unlink()
                raise
    except OSError as error:
        raise Failure(f"{path} can't be written: {error.strerror}") from None
