"""A headless terminal: bytes in, rows of styled text out.

    styles   what SGR says, numbered            width    cells a character takes, clusters
    rows     one line, immutable                screen   lines, cursor, margins, scrollback
    parser   bytes to tokens                    terminal what the tokens mean, modes, reports
    redraw   the state as a stream              plain    control sequences taken out of a log line

Imports the standard library and wcwidth only, and no asyncio.
"""

from .plain import plain_text
from .rows import Row
from .styles import Color, Style
from .terminal import Terminal

__all__ = ["Color", "Row", "Style", "Terminal", "plain_text"]
