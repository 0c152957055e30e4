"""The parser: bytes in, tokens out.

One regular expression finds whole runs of text and whole control sequences; what is left unfinished at the end of
the data is kept for the next piece, in bounded memory. Knows the grammar, not the meaning. Imports nothing of the
package.

Sources: ECMA-48 section 5 (grammar), and Paul Williams' parser for DEC terminals (vt100.net/emu/dec_ansi_parser) for
what happens to sequences that are broken, cancelled, or have control characters in them.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

TEXT = r"[^\x00-\x1f\x7f-\x9f]"
SEQUENCE_LIMIT = 256
"""Characters of a control sequence (CSI). A longer one is ignored."""
STRING_LIMIT = 4096
"""Characters of a command (OSC) or a device control string (DCS). A longer one is ignored."""
CLIPBOARD = "]52;"
CLIPBOARD_LIMIT = 1_398_200
"""Characters of the one command that may be longer: what is copied (1 MiB, in base 64)."""

TOKEN = re.compile(
    rf"(\x1b\[[0-9;:]{{0,240}}m|(?={TEXT}))({TEXT}*)"  # sgr, text, or both
    r"|\x1b\[([<-?]?[0-9:;]{0,240}[ -/]{0,4}[@-~])"  # control sequence
    rf"|(\r\n(?:{TEXT}*+\r\n)*+|[\x00-\x1a\x1c-\x1f])"  # control: one character, or CR LF and the plain lines after it
    r"|(\x1b(?:"
    r"\][^\x07\x18\x1a\x1b]*(?:[\x07\x18\x1a]|(?=\x1b))"  # command
    r"|[PX^_][^\x18\x1a\x1b]*(?:[\x18\x1a]|(?=\x1b))"  # device control and other strings
    r"|[ -/]{1,4}[0-~]|[0-OQ-WYZ\\`-~]"  # escape sequence
    r"|\[[\x00-\x17\x19\x1c-?\x7f]*+(?:[@-~\x18\x1a]|(?=[\x1b\x80-\U0010ffff]))"  # a control sequence that is odd
    r"|(?:\[[\x00-\x17\x19\x1c-?\x7f]*|[\]PX^_].*|[ -/]{0,4})\Z"  # the beginning of any of them, at the end
    r"))"
    r"|.",  # a lone ESC, DEL or C1 control: ignored
    re.DOTALL,
)
_UNFINISHED = re.compile(
    r"\x1b(?:\[[\x00-\x17\x19\x1c-?\x7f]*|\][^\x07\x18\x1a\x1b]*|[PX^_][^\x18\x1a\x1b]*|[ -/]{0,4})", re.DOTALL
)
_STRING_END = {
    "[": re.compile(r"[@-~\x18\x1a\x1b\x80-\U0010ffff]"),
    "]": re.compile(r"[\x07\x18\x1a\x1b]"),
    **dict.fromkeys("PX^_", re.compile(r"[\x18\x1a\x1b]")),
}


class Token(NamedTuple):
    """One match; what does not apply is empty. In the parser's loop a plain tuple of the same shape."""

    sgr: str = ""
    text: str = ""
    sequence: str = ""
    """A control sequence without its introducer."""
    control: str = ""
    other: str = ""
    """Whatever else begins with ESC, whole: an escape sequence, a string, an odd control sequence."""


class Parser:
    """Cuts a stream into tokens. How the stream is chunked makes no difference."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = ""
        self._string = ""
        """The introducer of the string being swallowed, or '[' for an endless control sequence; '' outside of one."""
        self._collected: list[str] = []
        self._size = 0

    def tokens(self, data: bytes) -> list[tuple[str, ...]]:
        """The complete tokens of the stream so far, each a tuple shaped as `Token`."""
        text = self._tail + self._decoder.decode(data)
        self._tail = ""
        found: list[tuple[str, ...]] = []
        if self._string:
            text = self._continue_string(text, found)
        found += TOKEN.findall(text)
        if found and found[-1][4] and _UNFINISHED.fullmatch(found[-1][4]):
            self._keep(found.pop()[4])
        return found

    def unfinished(self) -> bytes:
        """What was fed and not yet made a token: a stream that brings another parser to the same state."""
        text = f"\x1b{self._string}{''.join(self._collected)}" if self._string else self._tail
        return text.encode() + self._decoder.getstate()[0]

    def _keep(self, tail: str) -> None:
        introducer = tail[1:2]
        if (introducer == "[" and len(tail) <= SEQUENCE_LIMIT) or introducer not in _STRING_END:
            self._tail = tail
        else:
            self._string, self._collected, self._size = introducer, [], 0
            self._collect(tail[2:])

    def _collect(self, text: str) -> None:
        """Adds to what is known of the string, up to one character more than may be used of it."""
        known = self._string + "".join(self._collected[:4])[:3] if self._string == "]" else ""
        start = (known + text[:4])[: len(CLIPBOARD)]
        room = (CLIPBOARD_LIMIT if start == CLIPBOARD else STRING_LIMIT) + 1 - self._size
        if text and room > 0:
            self._collected.append(text[:room])
            self._size += min(len(text), room)

    def _continue_string(self, text: str, found: list[tuple[str, ...]]) -> str:
        """Swallows up to the end of the string; returns what follows it."""
        end = _STRING_END[self._string].search(text)
        stop = end.start() if end else len(text)
        if self._string in "]P":
            self._collect(text[:stop])
        if end is None:
            return ""
        if (self._string, end[0]) in (("]", "\x07"), ("]", "\x1b"), ("P", "\x1b")):
            bell = "" if end[0] == "\x1b" else end[0]
            found.append(Token(other=f"\x1b{self._string}{''.join(self._collected)}{bell}"))
        self._string, self._collected = "", []
        return text[stop + (end[0] != "\x1b" and end[0] < "\x80") :]


def without_controls(odd: str) -> tuple[str, str]:
    """A broken control sequence as (the control characters inside it, the sequence without them).

    The sequence is empty when it was cancelled, is too long, or stays broken without them.
    """
    if len(odd) > SEQUENCE_LIMIT:
        return "", ""
    body, final = (odd[2:-1], odd[-1]) if "@" <= odd[-1] <= "~" and len(odd) > 2 else (odd[2:], "")
    controls = "".join(character for character in body if character < " ")
    rest = "".join(character for character in body if " " <= character != "\x7f")
    return controls, f"\x1b[{rest}{final}" if final and len(rest) < len(body) else ""
