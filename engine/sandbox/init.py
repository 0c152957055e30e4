"""Where the tiny init (init.c) is, if it could be built."""

from __future__ import annotations

import glob
import os

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode


def path() -> str:
    """The program's path. Raises EngineError(UNSUPPORTED) where there was no C compiler to build it."""
    for found in glob.glob(os.path.join(os.path.dirname(__file__), "_init*.so")):
        return found
    raise EngineError(
        ErrorCode.UNSUPPORTED, "--init needs heliostui's C part, which was not built: install gcc and reinstall."
    )
