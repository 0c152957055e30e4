"""`--heap[=WORDS]` of `run` and `create`: our allocator in place of the programs' own malloc."""

from __future__ import annotations

import argparse

from engine.heap.library import WORDS, parse
from engine.protocol.heap import HeapOptions
from heliostui.commandline.parser import NO_VALUE, checked


def add_heap_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--heap",
        nargs="?",
        metavar="WORDS",
        type=checked(heap_options),
        help=f"our allocator in place of malloc, to be watched by `heap` (--heap=WORD,WORD: {WORDS})",
    )


def heap_options(text: str) -> HeapOptions:
    """What follows `=`, if anything does. Raises ValueError."""
    return parse("" if text == NO_VALUE else text)
