"""What the terminal is told around prompts and commands, as escape sequences that all others ignore.

OSC 133 A, B, C, D: the prompt begins, the line begins, the output begins, the command has ended with a status (Semantic
prompts; FinalTerm). OSC 7: the working directory. OSC 2: the title. Imports os and urllib.
"""

from __future__ import annotations

import os
from urllib.parse import quote

LINE_BEGINS = "\x1b]133;B\x07"


def before_prompt(directory: str, shown: str, ended: int | None) -> str:
    """`shown`: the directory as the title has it. `ended`: the last command's status, if one was run."""
    end = "" if ended is None else f"\x1b]133;D;{ended}\x07"
    place = quote(os.fsencode(directory))
    return f"{end}\x1b]7;file://{os.uname().nodename}{place}\x07{_title(shown)}\x1b]133;A\x07"


def before_output(command: str) -> str:
    return f"{_title(command)}\x1b]133;C\x07"


def fresh_line(columns: int) -> str:
    """To the beginning of a line: of the next one, behind a sign, if the last program left the cursor in a line.

    The cursor's column isn't known. As many blanks as a line has take it to the next one unless it was at the first.
    """
    return "\x1b[2m⏎\x1b[0m" + " " * (columns - 1) + "\r\x1b[K"


def _title(text: str) -> str:
    shown = "".join([character if character.isprintable() else " " for character in text[:80]])
    return f"\x1b]2;{shown}\x07"
