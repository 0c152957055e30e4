"""Sizes, rates and counts as people write them. Standard library only.

Shared by the command line, the console and the engine, so that all of them read and refuse alike.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from engine.protocol.limits import MAX

_UNITS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([bkmgtp]?)(i?b)?", re.IGNORECASE | re.ASCII)
LARGEST = 2**63 - 1


def size(text: str) -> int:
    """Bytes of `512M`, `1.5g`, `64KiB`, `4096`: powers of 1024, as in Docker. Raises ValueError with one sentence."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is no size: write a number with b, k, m, g or t after it, as in 512m")
    bytes_ = int(Fraction(match[1]) * 1024 ** _UNITS[match[2].lower()])
    if bytes_ > LARGEST:
        raise ValueError(f"'{text}' is more than any machine has: {LARGEST} bytes are the most")
    return bytes_


def size_or_max(text: str) -> int:
    """As `size`; `MAX` of `max`, `unlimited` and `-1`."""
    return MAX if text.strip().lower() in ("max", "unlimited", "-1") else size(text)


def count_or_max(text: str) -> int:
    """A whole number above 0; `MAX` of `max`, `unlimited` and `-1`."""
    if text.strip().lower() in ("max", "unlimited", "-1"):
        return MAX
    if not (text.strip().isascii() and text.strip().isdigit() and int(text)):
        raise ValueError(f"'{text}' is no number: write a whole one above 0, or max")
    return int(text)


def cpus_or_max(text: str) -> float:
    """CPUs' worth of time, `0.5` or `2`, at least a hundredth; `MAX` of `max`, `unlimited` and `-1`."""
    if text.strip().lower() in ("max", "unlimited", "-1"):
        return float(MAX)
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text.strip(), re.ASCII) or not 0.01 <= float(text) <= 100_000:
        raise ValueError(f"'{text}' is no number of CPUs: write one from 0.01 on, as in 0.5, or max")
    return float(text)


def size_text(bytes_: float) -> str:
    """Bytes in the largest unit that leaves at least 1: `1.5 GiB`, `512 B`; three digits."""
    value, units = float(bytes_), ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while abs(value) >= 1000 and len(units) > 1:
        value /= 1024
        units.pop(0)
    digits = 0 if units[0] == "B" or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {units[0]}"


def cpu_weight(shares: int) -> int:
    """The weight (1-10000) that is the same as cgroup v1's shares (2-262144); the defaults are 100 and 1024.

    Source: runc (github.com/opencontainers/cgroups, utils.go): a curve through least, most and default.
    """
    if shares <= 2:
        return 1
    if shares >= 262_144:
        return 10_000
    log = math.log2(shares)
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))


def cpu_shares(weight: int) -> int:
    """The inverse: `cpu_weight(cpu_shares(weight)) == weight`."""
    log = (math.sqrt(125**2 + 4 * 612 * (math.log10(weight) + 7 / 34)) - 125) / 2
    shares = max(2, min(262_144, int(2**log)))
    while cpu_weight(shares) < weight:
        shares += 1
    while cpu_weight(shares) > weight:
        shares -= 1
    return shares
