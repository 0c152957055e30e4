"""The clipboard of whoever sits at the terminal, reached through the terminal itself (OSC 52). Imports nothing of ours.

Works over SSH, and inside tmux: tmux takes the plain sequence when its `set-clipboard` is on, and passes on one that is
wrapped (DCS tmux) when its `allow-passthrough` is on; so both are sent there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

LIMIT = 74_994
"""Bytes of UTF-8. 100,000 bytes of a sequence is what many terminals take at most, and base64 makes 4 of 3."""


def clipboard_sequence(text: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    """The control sequences that put a text on the clipboard, and whether it had to be cut for that."""
    data = text.encode(errors="replace")
    cut = len(data) > LIMIT
    if cut:
        data = data[:LIMIT].decode(errors="ignore").encode()
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode()}\a"
    if environment.get("TMUX"):
        sequence += f"\x1bPtmux;{sequence.replace(chr(0x1B), chr(0x1B) * 2)}\x1b\\"
    return sequence, cut
