"""Backslash escapes as echo -e, printf and its %b read them (bash(1), "echo" and "printf"). Imports nothing.

A byte of 0x80 and above is in a text what os.fsdecode makes of it alone: a surrogate from U+DC80. os.fsencode gives
the byte back, so `\\303\\251` comes out as the two bytes of é.
"""

from __future__ import annotations

ECHO, FORMAT, ARGUMENT = "echo", "format", "argument"  # whose escapes: echo -e, printf's format, printf %b

_PLAIN = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
_HEXADECIMAL = {"x": 2, "u": 4, "U": 8}  # so many digits at most


def unescape(text: str, whose: str) -> tuple[str, bool]:
    """The text with its escapes carried out, and whether a `\\c` ended it (never in a format). An escape that is none
    stays as it is."""
    pieces = []
    at = 0
    while (backslash := text.find("\\", at)) >= 0 and backslash + 1 < len(text):
        pieces.append(text[at:backslash])
        if text[backslash + 1] == "c" and whose != FORMAT:
            return "".join(pieces), True
        piece, at = _escape(text, backslash + 1, whose)
        pieces.append(piece)
    return "".join(pieces) + text[at:], False


def byte(number: int) -> str:
    """One byte as a text holds it."""
    return chr(number) if number < 0x80 else chr(0xDC00 + number)


def _escape(text: str, at: int, whose: str) -> tuple[str, int]:
    """What the escape whose letter is at `at` stands for, and where the text goes on."""
    letter = text[at]
    if letter in _PLAIN:
        return _PLAIN[letter], at + 1
    if letter in "01234567" and (letter == "0" or whose != ECHO):
        return _octal(text, at, whose)
    if letter in _HEXADECIMAL:
        return _hexadecimal(text, at)
    if letter in "'\"?" and whose == FORMAT:
        return letter, at + 1
    return "\\" + letter, at + 1


def _octal(text: str, at: int, whose: str) -> tuple[str, int]:
    """Up to three digits; behind a leading 0, which POSIX asks for in echo and %b, up to three more."""
    end = at + 1
    last = at + (4 if text[at] == "0" and whose != FORMAT else 3)
    while end < last and text[end : end + 1] in tuple("01234567"):
        end += 1
    return byte(int(text[at:end], 8) & 0xFF), end


def _hexadecimal(text: str, at: int) -> tuple[str, int]:
    letter = text[at]
    end = at + 1
    while end <= at + _HEXADECIMAL[letter] and text[end : end + 1] in tuple("0123456789abcdefABCDEF"):
        end += 1
    if end == at + 1:
        return "\\" + letter, end
    number = int(text[at + 1 : end], 16)
    if letter == "x":
        return byte(number), end
    return (_character(number) if number <= 0x10FFFF else text[at - 1 : end]), end


def _character(number: int) -> str:
    """The character; half of a surrogate pair as the bytes that UTF-8 would have for it."""
    if 0xD800 <= number <= 0xDFFF:
        return "".join(map(byte, chr(number).encode("utf-8", "surrogatepass")))
    return chr(number)
