"""A headless terminal: bytes in, rows of styled text out.

    parser    bytes to tokens                      functions   what control sequences do
    styles    what a cell looks like, numbered     sgr         the sequences that set it
    width     cells a character takes, clusters    charsets    what ASCII means when shifted
    rows      one line, immutable                  grid        lines, cursor, margins, scrollback
    screen    a grid that is printed on            reflow      lines wrapped anew
    modes     what is switched on and off          rectangles  changes between four borders
    commands  title, links, clipboard, marks       answers     what programs ask
    colors    what they are told of colours        memory      full tables made anew
    redraw    the state as a stream                selection   the text between two places
    terminal  all of it joined                     reports     heliosh's words, taken out of a stream
    plain     control sequences taken out of a log line

Imports the standard library and wcwidth only, and no asyncio.
"""

from .colors import Colors
from .plain import plain_text
from .reports import Reports
from .rows import Row
from .styles import Color, Style
from .terminal import Terminal

__all__ = ["Color", "Colors", "Reports", "Row", "Style", "Terminal", "plain_text"]
