"""`heliostui play`: show a recording on this terminal."""

from __future__ import annotations

import argparse
from pathlib import Path

from heliostui.commandline.failures import Failure
from heliostui.commandline.parser import checked
from heliostui.recording import cast
from heliostui.recording.on_terminal import play
from heliostui.recording.player import Player


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Space pauses, + and - change the speed, the arrows go 5 s back and on, 0 to 9 to tenths of it, "
        ". shows the next step, q ends."
    )
    parser.add_argument("--speed", type=checked(_speed), default=1.0, metavar="X", help="so many times as fast")
    parser.add_argument(
        "--idle-limit", type=checked(_seconds), metavar="SECONDS", help="make no pause longer (default: as recorded)"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an asciicast, version 2")


def run(arguments: argparse.Namespace) -> int:
    try:
        found = cast.read(arguments.file)
    except ValueError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{arguments.file} can't be read: {error.strerror}") from None
    return play(Player(found, arguments.speed, arguments.idle_limit))


def _speed(text: str) -> float:
    return _positive(text, "a speed is a number above 0, as 2 or 0.5")


def _seconds(text: str) -> float:
    return _positive(text, "seconds are a number above 0, as 2 or 0.5")


def _positive(text: str, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise ValueError(f"'{text}' can't be: {expected}")
    return value
