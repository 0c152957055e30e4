"""Text for cells: cut to a width, durations, program output made fit to print. Imports rich and the terminal core."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import timedelta

from rich.ansi import AnsiDecoder
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from engine.terminal import plain_text

_SGR = re.compile(r"(\x1b\[[0-9;:]*m)")


def printable(text: str) -> str:
    """The text with a blank for each control character: what a container says must not steer the user's terminal."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly `width` cells: filled with blanks, or cut with an ellipsis. It stays in its cell."""
    text = printable(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    fill = " " * (width - length)
    return fill + text if right else text + fill


def lasting(duration: timedelta) -> str:
    """A duration in its two largest units: `42s`, `3m 05s`, `2h 13m`, `4d 6h`."""
    seconds = max(0, int(duration.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes == 0:
        return f"{seconds}s"
    if hours == 0:
        return f"{minutes}m {seconds % 60:02d}s"
    if days == 0:
        return f"{hours}h {minutes % 60:02d}m"
    return f"{days}d {hours % 24}h"


def lasting_seconds(seconds: float) -> str:
    """CPU time as `top` shows it: `0:00.12`, `12:34.5`, `3h 05m`."""
    minutes = int(seconds // 60)
    if minutes < 10:
        return f"{minutes}:{seconds % 60:05.2f}"
    return f"{minutes}:{seconds % 60:04.1f}" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02d}m"


def nanoseconds(count: int) -> str:
    """A time as people read it, in three digits: `840 ns`, `12.3 µs`, `1.20 ms`, `3.05 s`."""
    if count < 1000:
        return f"{count} ns"
    for unit, size in (("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)):
        value = count / size
        if value < 999.5 or unit == "s":
            break
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {unit}"


def command_line(command: Sequence[str]) -> str:
    """The words of a command as one would type them, on one line."""
    return " ".join(shlex.join(command).split())


def plain(line: str) -> str:
    """A line of output as its reader saw it last, without control sequences."""
    return plain_text(line).expandtabs(8)


def coloured(line: str) -> Text:
    """A line of output with the colours it asks for; its text is `plain(line)`."""
    if "\x1b[" not in line:
        return Text(plain(line), end="")
    seen = next((part for part in reversed(line.split("\r")) if plain_text(part)), "")
    pieces = _SGR.split(seen)  # text and SGR in turn
    text = AnsiDecoder().decode_line("".join(piece if n % 2 else plain_text(piece) for n, piece in enumerate(pieces)))
    text.expand_tabs(8)
    text.end = ""
    return text


def in_brief(count: float) -> str:
    """A number in at most four cells, its thousands as a letter: `0`, `340`, `1.2k`, ` 34M`."""
    value = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if value < 999.5 or unit == "T":
            break
        value /= 1000
    return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"


def per_second(count: float) -> str:
    """Bytes a second in three digits, in powers of 1000 as networks are measured: `0 B/s`, `1.20 MB/s`."""
    value = float(count)
    for unit in ("B/s", "kB/s", "MB/s", "GB/s"):
        if value < 999.5 or unit == "GB/s":
            break
        value /= 1000
    digits = 0 if unit == "B/s" or value >= 99.95 else 1 if value >= 9.995 else 2
    return f"{value:.{digits}f} {unit}"


def binary(count: float) -> str:
    """Bytes in two or three digits and powers of 1024, as memory is measured: `0 B`, `96 B`, `1.2 KiB`, `34 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 999.5 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"
