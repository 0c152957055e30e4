"""SGR: the sequences that set a style, read and written. Imports styles.

Sources: ECMA-48 section 8.3.117, ISO 8613-6 (colours with colons), xterm's ctlseqs, Kitty's page on underlines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .styles import Color, Style

_ON = {"bold": 1, "dim": 2, "italic": 3, "blink": 5, "reverse": 7, "hidden": 8, "strike": 9, "overline": 53}
_OFF: dict[str, Any] = {"foreground": None, "background": None, "underline": 0, "underline_color": None}
_SWITCH: dict[int, dict[str, Any]] = {
    0: {**_OFF, **dict.fromkeys(_ON, False)},
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
    55: {"overline": False},
    59: {"underline_color": None},
    **{30 + color: {"foreground": color} for color in range(8)},
    **{40 + color: {"background": color} for color in range(8)},
    **{90 + color: {"foreground": 8 + color} for color in range(8)},
    **{100 + color: {"background": 8 + color} for color in range(8)},
}
_EXTENDED = {38: "foreground", 48: "background", 58: "underline_color"}


def applied(style: Style, sequence: str) -> Style:
    """The style once an SGR sequence (`ESC [ … m`, or its parameters only) was applied to it; its link stays."""
    changes = _changes(sequence.removeprefix("\x1b[").removesuffix("m"))
    return replace(style, **changes)


def sgr(style: Style) -> str:
    """The parameters that set exactly this style, whatever the style before. Knows nothing of links."""
    codes = ["0"]
    codes += [str(code) for name, code in _ON.items() if getattr(style, name)]
    if style.underline:
        codes.append("4" if style.underline == 1 else f"4:{style.underline}")
    codes += _color_codes(30, style.foreground) + _color_codes(40, style.background)
    match style.underline_color:
        case int(index):
            codes.append(f"58:5:{index}")
        case red, green, blue:
            codes.append(f"58:2::{red}:{green}:{blue}")
    return ";".join(codes)


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
            if color is not None:
                changes[_EXTENDED[number]] = color
        elif number == 4:
            shape = _number(sub[0]) if sub else 1
            changes["underline"] = shape if shape <= 5 else 1
        elif not sub:
            changes |= _SWITCH.get(number, {})
    return changes
