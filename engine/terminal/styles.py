"""Styles: what SGR can say about a cell, and the table that numbers them.

A cell stores only a number, its style's index in the table. Imports nothing of the package.

Source: ECMA-48 section 8.3.117 (SGR), ISO 8613-6 (colours with colons), xterm's ctlseqs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

Color: TypeAlias = int | tuple[int, int, int]
"""An index into the palette of 256 (0-7 the eight colours, 8-15 their bright forms), or red, green, blue (0-255)."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text is drawn. `None` as a colour means the terminal's own default."""

    foreground: Color | None = None
    background: Color | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: int = 0
    """0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed."""
    blink: bool = False
    reverse: bool = False
    hidden: bool = False
    strike: bool = False

    def sgr(self) -> str:
        """The SGR sequence that sets exactly this style, whatever the style before."""
        codes = ["0"]
        codes += [str(code) for name, code in _ON.items() if getattr(self, name)]
        if self.underline:
            codes.append("4" if self.underline == 1 else f"4:{self.underline}")
        codes += _color_codes(30, self.foreground) + _color_codes(40, self.background)
        return f"\x1b[{';'.join(codes)}m"


DEFAULT = Style()
_ON = {"bold": 1, "dim": 2, "italic": 3, "blink": 5, "reverse": 7, "hidden": 8, "strike": 9}
_SWITCH: dict[int, dict[str, Any]] = {
    0: {field.name: field.default for field in fields(Style)},
    **{code: {name: True} for name, code in _ON.items()},
    6: {"blink": True},
    21: {"underline": 2},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": 0},
    25: {"blink": False},
    27: {"reverse": False},
    28: {"hidden": False},
    29: {"strike": False},
    39: {"foreground": None},
    49: {"background": None},
    **{30 + color: {"foreground": color} for color in range(8)},
    **{40 + color: {"background": color} for color in range(8)},
    **{90 + color: {"foreground": 8 + color} for color in range(8)},
    **{100 + color: {"background": 8 + color} for color in range(8)},
}
_EXTENDED = {38: "foreground", 48: "background", 58: ""}  # 58, the underline's colour, is understood but not kept


def _color_codes(base: int, color: Color | None) -> list[str]:
    if color is None:
        return []
    if isinstance(color, tuple):
        return [f"{base + 8};2;{color[0]};{color[1]};{color[2]}"]
    if color < 8:
        return [str(base + color)]
    if color < 16:
        return [str(base + 60 + color - 8)]
    return [f"{base + 8};5;{color}"]


def _number(digits: str) -> int:
    return int(digits) if digits else 0


def _color(arguments: list[int]) -> Color | None:
    """The colour of `5;n` or `2;r;g;b`; None when it is incomplete or out of range."""
    if any(value > 255 for value in arguments):
        return None
    match arguments:
        case [5, index, *_]:
            return index
        case [2, red, green, blue, *_]:
            return red, green, blue
    return None


def _changes(parameters: str) -> dict[str, Any]:
    """What the parameters of one SGR sequence change, as fields of `Style`."""
    changes: dict[str, Any] = {}
    rest = parameters.split(";")
    while rest:
        code, *sub = rest.pop(0).split(":")
        number = _number(code)
        if number in _EXTENDED:
            if sub:
                arguments = [_number(value) for value in sub]
                if arguments[0] == 2 and len(arguments) > 4:  # 38:2:<colour space>:r:g:b
                    del arguments[1]
            else:
                taken = {"5": 2, "2": 4}.get(rest[0].lstrip("0") if rest else "", 1)
                arguments = [_number(value) for value in rest[:taken] if ":" not in value]
                del rest[:taken]
            color = _color(arguments)
            if color is not None and _EXTENDED[number]:
                changes[_EXTENDED[number]] = color
        elif number == 4:
            shape = _number(sub[0]) if sub else 1
            changes["underline"] = shape if shape <= 5 else 1
        elif not sub:
            changes |= _SWITCH.get(number, {})
    return changes


class StyleTable:
    """Numbers styles. Number 0 is the default style. Grows only; `Screen` starts a new table when it is full."""

    LIMIT = 0x8000
    _KNOWN_LIMIT = 20_000

    def __init__(self) -> None:
        self.styles: list[Style] = [DEFAULT]
        self._numbers: dict[Style, int] = {DEFAULT: 0}
        self.known: dict[tuple[int, str], int] = {}
        self._blank: dict[int, int] = {0: 0}

    @property
    def full(self) -> bool:
        return len(self.styles) >= self.LIMIT

    def number(self, style: Style) -> int:
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self.styles)
            self.styles.append(style)
        return number

    def after(self, number: int, sequence: str) -> int:
        """The number of the style that holds once an SGR sequence was applied to style `number`.

        The sequence may come whole or as its parameters only. A caller in a hurry looks into `known` first.
        """
        key = (number, sequence)
        result = self.known.get(key)
        if result is None:
            if len(self.known) > self._KNOWN_LIMIT:
                self.known.clear()
            parameters = sequence.removeprefix("\x1b[").removesuffix("m")
            result = self.known[key] = self.number(replace(self.styles[number], **_changes(parameters)))
        return result

    def blank(self, number: int) -> int:
        """The style of cells erased while style `number` is in force: its background only (xterm's `bce`)."""
        result = self._blank.get(number)
        if result is None:
            result = self.number(Style(background=self.styles[number].background))
            self._blank[number] = result
        return result
