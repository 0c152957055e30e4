"""What a keyboard, a mouse and a paste send to a program on a terminal.

Pure functions; imports Textual's key names only.

Source: xterm's ctlseqs, "PC-Style Function Keys", "Mouse Tracking" and "Bracketed Paste Mode".
"""

from __future__ import annotations

import re

from textual.keys import key_to_character

_MODIFIERS = {"shift": 1, "alt": 2, "ctrl": 4}
_IGNORED_MODIFIERS = {"super", "hyper", "meta"}

_LETTERS = {
    "up": "A",
    "down": "B",
    "right": "C",
    "left": "D",
    "end": "F",
    "home": "H",
    "f1": "P",
    "f2": "Q",
    "f3": "R",
    "f4": "S",
}
"""Keys sent as `CSI letter`; `SS3 letter` for F1-F4, and for the others in application cursor mode."""

_NUMBERS = {
    "insert": 2,
    "delete": 3,
    "pageup": 5,
    "pagedown": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
}
"""Keys sent as `CSI number ~`."""

_PLAIN = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "backspace": "\x7f",
    "space": " ",
    "shift+tab": "\x1b[Z",
    "ctrl+backspace": "\b",
    "ctrl+at": "\0",
    "ctrl+@": "\0",
    "ctrl+space": "\0",
}

_KEYPAD = dict(zip("\r=*+,-./0123456789", "MXjklmnopqrstuvwxy", strict=True))
"""What a key of the keypad types, and the letter of the `SS3 letter` it sends in application keypad mode."""

_CONTROL = {"2": "\0", "3": "\x1b", "4": "\x1c", "5": "\x1d", "6": "\x1e", "7": "\x1f", "8": "\x7f"} | {
    "/": "\x1f",
    "-": "\x1f",
    "?": "\x7f",
}
_NAMES = {"at": "@", "backslash": "\\", "minus": "-", "plus": "+", "slash": "/", "underscore": "_"}
"""Names that Textual gives to characters and does not take back."""

_UNPASTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def encode_key(
    key: str, character: str | None = None, application_cursor: bool = False, application_keypad: str = ""
) -> bytes:
    """The bytes xterm sends for a key, given by its Textual name and the character it types, if any.

    `application_cursor` is the terminal's mode 1; `application_keypad` what a key of the keypad types, when the
    terminal is in mode 66. A key no terminal can send gives no bytes.
    """
    if application_keypad in _KEYPAD:
        return f"\x1bO{_KEYPAD[application_keypad]}".encode()
    *modifiers, base = key.split("+")
    if _IGNORED_MODIFIERS.intersection(modifiers):
        return b""
    if base.startswith("f") and base[1:].isdigit() and 13 <= int(base[1:]) <= 24:  # as terminfo has it: shifted F1-F12
        base, modifiers = f"f{int(base[1:]) - 12}", [*modifiers, "shift"]
    code = sum(_MODIFIERS.get(modifier, 0) for modifier in set(modifiers))
    if base in _LETTERS:
        return _letter_key(base, code, application_cursor)
    if base in _NUMBERS:
        return f"\x1b[{_NUMBERS[base]}{f';{code + 1}' if code else ''}~".encode()
    prefix = "\x1b" if "alt" in modifiers else ""
    return (prefix + _typed("+".join(each for each in modifiers if each != "alt"), base, character)).encode()


def _letter_key(base: str, code: int, application_cursor: bool) -> bytes:
    if code:
        return f"\x1b[1;{code + 1}{_LETTERS[base]}".encode()
    introducer = "O" if application_cursor or base.startswith("f") else "["
    return f"\x1b{introducer}{_LETTERS[base]}".encode()


def _character(base: str) -> str:
    return _NAMES.get(base) or key_to_character(base) or ""


def _typed(modifiers: str, base: str, character: str | None) -> str:
    """What a key that is neither a cursor nor a function key types, apart from alt."""
    named = "\b" if character == "\b" else _PLAIN.get(f"{modifiers}+{base}") or _PLAIN.get(base)
    if "ctrl" not in modifiers:
        if named is not None:
            return named
        if character is not None and character.isprintable():
            return character
        typed = _character(base)
        return typed.upper() if "shift" in modifiers else typed
    if named is not None:
        return named
    letter = _character(base)
    if letter and letter.upper() in "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_":
        return chr(ord(letter.upper()) & 0x1F)
    return _CONTROL.get(letter, letter)


def encode_paste(text: str, bracketed: bool) -> bytes:
    """Pasted text: lines end as the Enter key does, and no control character is in it: none can end the bracket early,
    nor interrupt or end a program."""
    text = _UNPASTED.sub("", text).replace("\r\n", "\r").replace("\n", "\r")
    return (f"\x1b[200~{text}\x1b[201~" if bracketed else text).encode()


def encode_mouse(button: int, x: int, y: int, pressed: bool, encoding: int) -> bytes:
    """A mouse event at column `x`, line `y` (from 0), in the form of mode 1006, 1015 or 1005, or else the old one.

    `button` is 0-2 (3 for none), 64-67 the wheel; plus 8 with alt, 16 with ctrl, 32 for a movement.
    The old form and 1005 can't tell of columns and lines beyond 222 and 2,014: such events are not sent.
    """
    if encoding == 1006:
        return f"\x1b[<{button};{x + 1};{y + 1}{'M' if pressed else 'm'}".encode()
    code = 32 + (button if pressed else button | 3)
    if encoding == 1015:
        return f"\x1b[{code};{x + 1};{y + 1}M".encode()
    if max(x, y) > (2_014 if encoding == 1005 else 222):
        return b""
    if encoding == 1005:
        return f"\x1b[M{chr(code)}{chr(33 + x)}{chr(33 + y)}".encode()
    return b"\x1b[M" + bytes((code, 33 + x, 33 + y))
