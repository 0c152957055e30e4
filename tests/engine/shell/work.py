"""How much work something is, whatever else the machine does: calls of functions, those of C among them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def calls(do: Callable[[], object]) -> int:
    """How many functions are called while it is done. Not those of the garbage collector: when it comes depends on what
    was done before."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(profile)
    try:
        do()
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    return count
