"""The formats of the kernel's counter files, as functions from text to counters. Standard library only.

Counters have the names that the kernel gives them. One that is not in the text is not in the result; what can't be
read as a number raises ValueError. Source: Documentation/admin-guide/cgroup-v2.rst, "Format".
"""

from __future__ import annotations

import math
from collections.abc import Callable

Counters = dict[str, float]
Parser = Callable[[bytes], Counters]


def number(text: bytes) -> float:
    """One number; infinite where the file says `max`."""
    text = text.strip()
    return math.inf if text == b"max" else int(text)


def single(name: str) -> Parser:
    """A file that is one number."""
    return lambda text: {name: number(text)}


def flat(*names: str, prefix: str = "") -> Parser:
    """A file of lines `NAME NUMBER`, of which `names` are wanted. `prefix` is put before their names in the result."""
    wanted = [(b"\n" + name.encode() + b" ", prefix + name) for name in names]

    def parse(text: bytes) -> Counters:
        text = b"\n" + text + b"\n"
        found: Counters = {}
        for needle, name in wanted:
            if (at := text.find(needle)) >= 0:
                start = at + len(needle)
                found[name] = int(text[start : text.index(b"\n", start)])
        return found

    return parse


def summed(*names: str) -> Parser:
    """A file of lines `DEVICE NAME=NUMBER NAME=NUMBER…`, as io.stat: the sums over all devices.

    Some kernels write several devices into one line, so the words are looked at and not the lines.
    """

    def parse(text: bytes) -> Counters:
        found = dict.fromkeys(names, 0)
        for word in text.split():
            name, equals, value = word.partition(b"=")
            if equals and (key := name.decode("ascii", "replace")) in found:
                found[key] += int(value)
        return dict(found)

    return parse
