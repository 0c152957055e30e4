"""The order in which people expect names: front-2 before front-10. Standard library only."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """What to sort by: numbers in a text count as numbers, and case only where nothing else differs."""
    parts = _NUMBER.split(text.casefold())  # text and numbers in turn
    key = tuple((n % 2 == 0, int(part) if n % 2 else 0, part) for n, part in enumerate(parts) if part)
    return (*key, (False, -1, text))
