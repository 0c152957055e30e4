r"""Text as a word that can be typed again, and what `$'…'` stands for. Imports re only.

Bytes that are no UTF-8 are lone surrogates in Python's strings (PEP 383); here they are written as `\377`.
"""

from __future__ import annotations

import re

ANSI_QUOTES = re.compile(r"\$'((?:[^'\\]|\\.)*+)'", re.DOTALL)

_LETTERS = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "E": 27}
_NAMES = {number: letter for letter, number in _LETTERS.items()}
_SPECIAL = " !\"$&'()*,;<>?[\\]^`{|}"


def quote(text: str) -> str:
    r"""The text as one word of the shell, as bash's `printf %q` writes it: `a\ b`, `''`, `$'two\nlines'`."""
    if not text:
        return "''"
    if not text.isprintable():
        return "$'" + "".join([_ansi_character(character) for character in text]) + "'"
    quoted = "".join(["\\" + character if character in _SPECIAL else character for character in text])
    quoted = quoted.replace("=~", "=\\~").replace(":~", ":\\~")  # a tilde is special where a path may begin
    return "\\" + quoted if quoted[0] in "#~" else quoted


def _ansi_character(character: str) -> str:
    if character.isprintable():
        return "\\" + character if character in "\\'" else character
    if ord(character) in _NAMES:
        return "\\" + _NAMES[ord(character)]
    return "".join([f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape")])


def ansi_text(body: str) -> str:
    r"""What stands between the quotes of `$'…'`, with its escapes carried out. As in bash a `\0` ends it."""
    escape = re.compile(
        r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|c(.)|(.))", re.DOTALL
    )
    result, end = bytearray(), 0
    for match in escape.finditer(body):
        result += _bytes(body[end : match.start()]) + _escaped(match)
        end = match.end()
    result += _bytes(body[end:])
    return result.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _escaped(match: re.Match[str]) -> bytes:
    octal, byte, short, long, control, letter = match.groups()
    if octal or byte:
        return bytes([(int(octal, 8) if octal else int(byte, 16)) & 0xFF])
    if short or long:
        number = int(short or long, 16)
        return _bytes(chr(number)) if number <= 0x10FFFF else _bytes(match[0])
    if control:
        return b"\x7f" if control == "?" else bytes([ord(control.upper()) & 0x1F])
    if letter in _LETTERS or letter == "e":
        return bytes([_LETTERS.get(letter, 27)])
    return _bytes(letter if letter in "\\'\"?" else match[0])


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
