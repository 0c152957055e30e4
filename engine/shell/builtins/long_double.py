"""Numbers with a fraction as printf has them in bash: C's long double, of 64 significant bits on x86 (glibc's strtold
and printf; C17 7.21.6.1). Exact integers in place of a type that Python has not. Imported at the first %f."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import NamedTuple

_BITS, _LOWEST, _HIGHEST = 64, -16445, 16384  # of the significand; least exponent of a unit; values are below 2**16384
_EXACT = Context(prec=40_000, Emax=999_999, Emin=-999_999)
_NUMBER = re.compile(
    r"[ \t\n\v\f\r]*(?P<sign>[-+]?)(?:0x(?P<hex>(?=\.?[0-9a-f])[0-9a-f]*\.?[0-9a-f]*)(?:p(?P<binary>[-+]?[0-9]+))?"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:e(?P<exponent>[-+]?[0-9]+))?"
    r"|(?P<name>inf(?:inity)?|nan(?:\(\w*\))?))",
    re.IGNORECASE,
)


class LongDouble(NamedTuple):
    """`significand * 2**exponent`, of 64 bits at most; or a `name`: inf or nan."""

    negative: bool
    significand: int
    exponent: int
    name: str = ""


def parse(text: str) -> tuple[LongDouble, int, bool]:
    """The number at the beginning of the text, how many characters it takes (0: there is none), and whether it is out
    of range."""
    found = _NUMBER.match(text)
    if found is None:
        return LongDouble(False, 0, 0), 0, False
    negative = found["sign"] == "-"
    if found["name"]:
        return LongDouble(negative, 0, 0, found["name"][:3].lower()), found.end(), False
    if found["hex"] is not None:
        numerator, power = _digits(found["hex"], 16)
        shift = _bounded(found["binary"]) + 4 * power
        number = _rounded(negative, numerator << max(shift, 0), 1 << max(-shift, 0))
    else:
        numerator, power = _digits(found["decimal"], 10)
        power += _bounded(found["exponent"])
        number = _rounded(negative, numerator * 10 ** max(power, 0), 10 ** max(-power, 0))
    return number, found.end(), number.name == "inf" or (numerator != 0 and number.significand == 0)


def body(number: LongDouble, letter: str, precision: int | None, alternate: bool) -> str:
    """The number without its sign, as the conversion `letter` (one of f e g a, in either case) shows it."""
    if number.name:
        text = number.name
    elif letter in "aA":
        text = _hexadecimal(number, precision, alternate)
    else:
        text = _decimal(number, letter.lower(), 6 if precision is None else precision, alternate)
    return text.upper() if letter.isupper() else text


def _digits(text: str, base: int) -> tuple[int, int]:
    """`12.5` as 125 and -1."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction or "0", base), -len(fraction)


def _bounded(exponent: str | None) -> int:
    """What is beyond any range stays so, and does not take all memory."""
    return max(-50_000, min(50_000, int((exponent or "0")[:12])))


def _rounded(negative: bool, numerator: int, denominator: int) -> LongDouble:
    """To the nearest long double, ties to even."""
    if numerator == 0:
        return LongDouble(negative, 0, 0)
    exponent = max(numerator.bit_length() - denominator.bit_length() - _BITS, _LOWEST)
    significand = _divided(numerator, denominator, exponent)
    if significand.bit_length() > _BITS:
        exponent += 1
        significand = _divided(numerator, denominator, exponent)
        if significand.bit_length() > _BITS:
            significand, exponent = significand >> 1, exponent + 1
    if significand.bit_length() + exponent > _HIGHEST:
        return LongDouble(negative, 0, 0, "inf")
    return LongDouble(negative, significand, exponent)


def _divided(numerator: int, denominator: int, exponent: int) -> int:
    quotient, rest = divmod(numerator << max(-exponent, 0), denominator << max(exponent, 0))
    twice = 2 * rest - (denominator << max(exponent, 0))
    return quotient + (twice > 0 or (twice == 0 and quotient & 1))


def _decimal(number: LongDouble, letter: str, precision: int, alternate: bool) -> str:
    significand, exponent = number.significand, number.exponent
    if exponent >= 0:
        exact = Decimal(significand << exponent)
    else:
        exact = _EXACT.scaleb(Decimal(significand * 5**-exponent), exponent)
    if letter == "f":
        text = format(exact, f".{precision}f")
        return text + "." if alternate and precision == 0 else text
    if letter == "e":
        return _scientific(exact, precision, alternate)
    precision = precision or 1
    power = int(_scientific(exact, precision - 1, False).partition("e")[2])
    if -4 <= power < precision:
        text, tail = format(exact, f".{precision - 1 - power}f"), ""
    else:
        text, _, tail = _scientific(exact, precision - 1, False).partition("e")
        tail = "e" + tail
    if not alternate and "." in text:
        text = text.rstrip("0").rstrip(".")
    elif alternate and "." not in text:
        text += "."
    return text + tail


def _scientific(exact: Decimal, precision: int, alternate: bool) -> str:
    digits, _, power = format(exact or 0.0, f".{precision}e").partition("e")
    if alternate and precision == 0:
        digits += "."
    return f"{digits}e{int(power):+03d}"


def _hexadecimal(number: LongDouble, precision: int | None, alternate: bool) -> str:
    """glibc's way: the first digit is that of the significand's highest four bits."""
    significand, exponent = number.significand, number.exponent
    if significand:
        shift = _BITS - significand.bit_length()
        significand, exponent = significand << shift, exponent - shift + _BITS - 4
    else:
        exponent = 0
    if precision is not None and precision < 15:
        unit = 1 << 4 * (15 - precision)
        quotient, rest = divmod(significand, unit)
        significand = (quotient + (2 * rest > unit or (2 * rest == unit and quotient & 1))) * unit
        if significand.bit_length() > _BITS:
            significand, exponent = significand >> 4, exponent + 4
    digits = f"{significand:016x}"
    fraction = digits[1:].rstrip("0") if precision is None else digits[1:].ljust(precision, "0")[:precision]
    return f"0x{digits[0]}{'.' if fraction or alternate else ''}{fraction}p{exponent:+d}"
