"""Arithmetic expansion: all operators of C on 64-bit integers, and `**` (POSIX XCU 2.6.4, bash's "Shell Arithmetic").

Signed, wrapping round. The expression is calculated while it is read; what `&&`, `||` and `?:` pass over is read only.
Imports re.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

DEEPEST: Final = 64  # variables whose values are expressions with variables, and so on

_SPACE: Final = re.compile(r"\s*")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"[0-9][0-9A-Za-z@_#]*")
_DECIMAL: Final = re.compile(r"\s*(-?(?:0|[1-9][0-9]{0,17}))\s*")
_OPERATOR: Final = re.compile(r"<<=|>>=|\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&^|]=|[-+*/%<>&^|?:=,()]")
_STEP: Final = re.compile(r"(\+\+|--)\s*([A-Za-z_][A-Za-z0-9_]*)")
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_"


class Invalid(ValueError):
    """An expression that has no value. `start` and `end`: the part of `text` that is to blame, in characters."""

    def __init__(self, message: str, text: str, start: int, end: int, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.start = start
        self.end = end
        self.hint = hint


class Names(Protocol):
    """Where variables are looked up and assigned; `get` gives None for what is not set."""

    def get(self, name: str) -> str | None: ...
    def set(self, name: str, value: str) -> None: ...


def evaluate(text: str, variables: Names, *, nounset: bool = False) -> int:
    """The value of the expression, -2**63 to 2**63 - 1; of an empty one 0.

    Variables without a value are 0, or with `nounset` an error. Raises Invalid, and what `variables.set` raises.
    """
    match = _DECIMAL.fullmatch(text)
    if match:
        return int(match[1])
    try:
        return _Reader(text, variables, nounset, 0).result()
    except RecursionError:
        raise Invalid("expression nested too deeply", text, 0, len(text)) from None


def wrapped(value: int) -> int:
    """`value` as a signed 64-bit integer holds it."""
    return (value + 2**63) % 2**64 - 2**63


def number(text: str) -> int:
    """A constant: decimal, `0…` octal, `0x…`, `base#digits` with a base from 2 to 64. Raises ValueError, for people."""
    base, digits = 10, text
    if "#" in text:
        prefix, _, digits = text.partition("#")
        base = int(prefix) if prefix.isdecimal() and prefix[0] != "0" and len(prefix) < 3 else 0
        if not 2 <= base <= 64:
            raise ValueError(f"{text}: the base in front of `#' is 2 to 64")
        if not digits:
            raise ValueError(f"{text}: digits are missing after the base")
    elif text[:2] in ("0x", "0X"):
        base, digits = 16, text[2:]
    elif text.startswith("0"):
        base = 8
    if base <= 36:
        digits = digits.lower()
    value = 0
    for digit in digits:
        place = _DIGITS.find(digit)
        if not 0 <= place < base:
            raise ValueError(f"{text}: `{digit}' is no digit in base {base}")
        value = (value * base + place) % 2**64
    return wrapped(value)


def _quotient(left: int, right: int) -> int:
    """C's division: towards zero."""
    value = abs(left) // abs(right)
    return value if (left < 0) == (right < 0) else -value


_BINARY: Final[Mapping[str, tuple[int, Callable[[int, int], int]]]] = {
    "||": (1, lambda left, right: bool(left or right)),
    "&&": (2, lambda left, right: bool(left and right)),
    "|": (3, operator.or_),
    "^": (4, operator.xor),
    "&": (5, operator.and_),
    "==": (6, operator.eq),
    "!=": (6, operator.ne),
    "<": (7, operator.lt),
    ">": (7, operator.gt),
    "<=": (7, operator.le),
    ">=": (7, operator.ge),
    "<<": (8, lambda left, right: left << (right & 63)),
    ">>": (8, lambda left, right: left >> (right & 63)),
    "+": (9, operator.add),
    "-": (9, operator.sub),
    "*": (10, operator.mul),
    "/": (10, _quotient),
    "%": (10, lambda left, right: left - right * _quotient(left, right)),
    "**": (11, lambda left, right: pow(left, right, 2**64)),
}
_UNARY: Final[Mapping[str, Callable[[int], int]]] = {
    "-": operator.neg,
    "+": operator.pos,
    "~": operator.invert,
    "!": operator.not_,
}
_ASSIGNMENTS: Final = frozenset(["=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&=", "^=", "|="])


class _Reader:
    """Reads one expression from left to right, by precedence. `live` is off in what is passed over."""

    def __init__(self, text: str, variables: Names, nounset: bool, depth: int) -> None:
        self._text = text
        self._variables = variables
        self._nounset = nounset
        self._depth = depth
        self._position = 0
        self._live = True

    def result(self) -> int:
        self._skip_space()
        if self._position == len(self._text):
            return 0
        value = self._list()
        if self._position < len(self._text):
            raise self._invalid("an operator was expected here")
        return value

    def _list(self) -> int:
        value = self._assignment()
        while self._taken(","):
            value = self._assignment()
        return value

    def _assignment(self) -> int:
        start = self._position
        match = _NAME.match(self._text, start)
        if match:
            self._move(match.end())
            sign = self._next()
            if sign in _ASSIGNMENTS:
                self._move(self._position + len(sign))
                return self._assigned(match[0], sign, self._assignment)
            self._position = start
        value = self._conditional()
        if self._next() in _ASSIGNMENTS:
            raise self._invalid("only a variable can be assigned to")
        return value

    def _assigned(self, name: str, sign: str, right: Callable[[], int]) -> int:
        before = self._value(name) if sign != "=" else 0
        start = self._position
        value = right()
        if sign != "=":
            value = self._calculated(sign[:-1], before, value, start)
        if self._live:
            self._variables.set(name, str(value))
        return value

    def _conditional(self) -> int:
        condition = self._binary(1)
        if not self._taken("?"):
            return condition
        first = self._passed_over(not condition, self._list)
        if not self._taken(":"):
            raise self._invalid("`:' was expected here, for the other case of `?'")
        second = self._passed_over(bool(condition), self._conditional)
        return first if condition else second

    def _binary(self, lowest: int) -> int:
        """Operands with operators between them that bind at least as tightly as `lowest`."""
        left = self._unary()
        while (sign := self._next()) in _BINARY and _BINARY[sign][0] >= lowest:
            if _STEP.match(self._text, self._position):
                raise self._invalid("an operator was expected here")
            strength = _BINARY[sign][0]
            self._move(self._position + len(sign))
            start = self._position
            decided = (sign == "&&" and not left) or (sign == "||" and bool(left))
            following = strength if sign == "**" else strength + 1
            right = self._passed_over(decided, partial(self._binary, following))
            left = self._calculated(sign, left, right, start)
        return left

    def _unary(self) -> int:
        signs: list[str] = []
        while not (step := _STEP.match(self._text, self._position)):
            sign = self._text[self._position : self._position + 1]
            if sign not in _UNARY or not sign:
                break
            signs.append(sign)
            self._move(self._position + 1)
        if step:
            self._move(step.end())
            value = self._changed(step[2], step[1])
            if self._text.startswith(("++", "--"), self._position):
                raise self._invalid(f"`{step[1]}{step[2]}' is a value, and only a variable can be changed")
        else:
            value = self._operand()
        for sign in reversed(signs):
            value = wrapped(int(_UNARY[sign](value)))
        return value

    def _operand(self) -> int:
        if self._taken("("):
            value = self._list()
            if not self._taken(")"):
                raise self._invalid("`)' was expected here")
            return value
        if match := _NUMBER.match(self._text, self._position):
            try:
                value = number(match[0])
            except ValueError as error:
                raise self._invalid(str(error), match.end()) from None
            self._move(match.end())
            return value
        match = _NAME.match(self._text, self._position)
        if not match:
            raise self._invalid("a number or a variable was expected here")
        self._move(match.end())
        if self._text.startswith(("++", "--"), self._position):
            before = self._value(match[0])
            self._changed(match[0], self._text[self._position : self._position + 2])
            self._move(self._position + 2)
            return before
        return self._value(match[0])

    def _changed(self, name: str, step: str) -> int:
        value = wrapped(self._value(name) + (1 if step == "++" else -1))
        if self._live:
            self._variables.set(name, str(value))
        return value

    def _calculated(self, sign: str, left: int, right: int, start: int) -> int:
        if not self._live:
            return 0
        if right == 0 and sign in ("/", "%"):
            raise Invalid("division by 0", self._text, start, self._position)
        if right < 0 and sign == "**":
            raise Invalid("exponent less than 0", self._text, start, self._position)
        return wrapped(int(_BINARY[sign][1](left, right)))

    def _value(self, name: str) -> int:
        """What a variable stands for: its text is an expression again."""
        if not self._live:
            return 0
        text = self._variables.get(name)
        if text is None and self._nounset:
            raise self._invalid(f"{name}: unbound variable")
        match = _DECIMAL.fullmatch(text or "0")
        if match:
            return int(match[1])
        if self._depth >= DEEPEST:
            raise self._invalid(f"{name}: its value leads to itself, or through too many variables")
        return _Reader(text or "", self._variables, self._nounset, self._depth + 1).result()

    def _passed_over(self, over: bool, read: Callable[[], int]) -> int:
        live, self._live = self._live, self._live and not over
        value = read()
        self._live = live
        return value

    def _next(self) -> str:
        match = _OPERATOR.match(self._text, self._position)
        return match[0] if match else ""

    def _taken(self, sign: str) -> bool:
        if self._next() != sign:
            return False
        self._move(self._position + len(sign))
        return True

    def _move(self, position: int) -> None:
        self._position = position
        self._skip_space()

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._position)
        self._position = match.end() if match else self._position

    def _invalid(self, message: str, end: int = 0) -> Invalid:
        start = min(self._position, len(self._text))
        return Invalid(message, self._text, start, max(end, start + 1))
