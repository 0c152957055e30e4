"""The questions in a terminal's stream: what a terminal would answer (cursor position, attributes, colours).

The terminal core is the program's terminal, and answers. Clients' own terminals must not answer a second time, so
questions are taken out of what clients are sent. Sources: xterm's ctlseqs, Kitty's protocol pages.

Imports the standard library only.
"""

from __future__ import annotations

import re

_QUESTION = re.compile(
    rb"\x05|\x1bZ"  # ENQ, DECID
    rb"|\x1b\[(?:[?>=]?[0-9;]*c"  # DA1 DA2 DA3
    rb"|\??[0-9;]*n"  # DSR, CPR
    rb"|\??[0-9;]*\$p"  # DECRQM
    rb"|>[0-9;]*q"  # XTVERSION
    rb"|[01]?x"  # DECREQTPARM
    rb"|(?:1[1345689]|2[01])(?:;[0-9]*)*t"  # XTWINOPS reports
    rb"|[0-9;]*(?:\*y|\$[uw]|\"v)|&u"  # DECRQCRA DECRQTSR DECRQPSR DECRQDE DECRQUPSS
    rb"|\?(?:u|[0-9;]*[mS]))"  # Kitty keyboard, XTQMODKEYS, XTSMGRAPHICS
    rb"|\x1b\](?:(?:4|5|1[0-9]|21|50|52)[;=](?:[^\x07\x1b]{0,512}[;=])?\?[^\x07\x1b]{0,256}"  # colours, clipboard
    rb"|1337;Report[^\x07\x1b]{0,256})(?:\x07|\x1b\\)"
    rb"|\x1bP[$+]q[^\x1b]{0,1000}\x1b\\"  # DECRQSS, XTGETTCAP
    rb"|\x1b_G[^\x1b]{0,8192}\x1b\\"  # Kitty graphics: each command is answered
)
_UNFINISHED = re.compile(
    rb"\x1b(?:\[[0-?]{0,256}[ -/]{0,16}|\][^\x07\x1b]{0,1024}\x1b?|P[^\x1b]{0,1024}\x1b?|_[^\x1b]{0,8193}\x1b?)?\Z"
)
_LONGEST = 8_200


class Questions:
    """Takes out of a terminal's stream what a terminal would answer.

    How the stream is cut into chunks makes no difference: the beginning of a sequence at a chunk's end is held until
    the rest is there (strings up to 1 KiB, Kitty graphics up to 8 KiB).
    """

    def __init__(self) -> None:
        self.held = b""

    def taken_out(self, data: bytes) -> bytes:
        data = self.held + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - _LONGEST))
        end = unfinished.start() if unfinished else len(data)
        self.held = data[end:]
        return _QUESTION.sub(b"", data[:end])
