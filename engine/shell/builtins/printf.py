"""printf, as bash(1) and POSIX have it: the format is used again as long as there are arguments.

Widths and precisions count bytes, as in bash; a text is bytes from here on.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from engine.shell.builtins.escapes import ARGUMENT, FORMAT, unescape
from engine.shell.builtins.options import Usage, check_name, parse
from engine.shell.quoting import quote

if TYPE_CHECKING:
    from engine.shell.shell import Shell

_CONVERSION = re.compile(
    r"%(?:(?P<percent>%)|(?P<flags>[-#0 +']*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|-?\d*))?[hjlLtz]*"
    r"(?:\((?P<time>.*?)\)(?=T))?(?P<letter>.?))",
    re.DOTALL,
)
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_LONGEST = 2**31 - 1  # of a width or a precision


class Conversion(NamedTuple):
    """One `%…` of a format; `width` and `precision` may be `*`."""

    flags: str
    width: str
    precision: str | None
    letter: str
    time: str | None


class Unusable(Exception):
    """The format can't be carried on with."""


def printf(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("printf", arguments, "v:")
    name = options.get("v")
    if name is not None:
        check_name(name, status=2)
    if not words:
        raise Usage("printf", "a format is missing")
    assign = shell.state.variables.set
    formatter = Formatter(words[0], words[1:], lambda message: shell.complain(f"printf: {message}"), assign)
    formatter.run()
    text = os.fsdecode(b"".join(formatter.pieces))
    if name is not None:
        assign(name, text.partition("\0")[0])
    else:
        shell.write(text)
    return formatter.status


class Formatter:
    """Makes `pieces` of a format and its arguments; `status` is 1 once something was wrong."""

    def __init__(
        self, form: str, arguments: list[str], complain: Callable[[str], None], assign: Callable[[str, str], None]
    ) -> None:
        self.pieces: list[bytes] = []
        self.status = 0
        self._form = list(_parsed(form))
        self._arguments = arguments
        self._next = 0
        self._complain = complain
        self._assign = assign

    def run(self) -> None:
        while self._once() and 0 < self._next < len(self._arguments):
            pass

    def _once(self) -> bool:
        """Through the format once; whether to go on."""
        begin = self._next
        for piece in self._form:
            if isinstance(piece, bytes):
                self.pieces.append(piece)
                continue
            try:
                if not self._convert(piece):
                    return False
            except Unusable as error:
                self._fail(str(error))
                return False
        return self._next > begin

    def _convert(self, conversion: Conversion) -> bool:
        flags, width, precision = self._measures(conversion)
        letter = conversion.letter
        if letter in _TEXTS:
            text, go_on = _TEXTS[letter](self, precision)
            self.pieces.append(_justified(b"", text, flags.replace("0", ""), width))
            return go_on
        if letter == "T" and conversion.time is not None:
            self.pieces.append(_justified(b"", self._time(conversion.time)[:precision], flags.replace("0", ""), width))
        elif letter == "n":
            if name := self._take():
                self._assign(name, str(sum(map(len, self.pieces))))
        elif letter and letter in "diouxX":
            self.pieces.append(self._whole(letter, flags, width, precision))
        elif letter and letter in "fFeEgGaA":
            self.pieces.append(self._fraction(letter, flags, width, precision))
        else:
            raise Unusable(f"`{letter}': invalid format character" if letter else "`%': missing format character")
        return True

    def _measures(self, conversion: Conversion) -> tuple[str, int, int | None]:
        """Flags, width and precision, those that are arguments fetched."""
        flags = conversion.flags
        width = self._integer() if conversion.width == "*" else int(conversion.width or 0)
        if width < 0:
            flags, width = flags + "-", -width
        given = conversion.precision
        precision = None if given is None else self._integer() if given == "*" else int(given or 0)
        if width > _LONGEST or (precision or 0) > _LONGEST:
            raise Unusable("a width or precision is larger than 2147483647")
        return flags, width, None if precision is None or precision < 0 else precision

    # --- texts ---

    def _string(self, precision: int | None) -> tuple[bytes, bool]:
        return os.fsencode(self._take() or "")[:precision], True

    def _character(self, _precision: int | None) -> tuple[bytes, bool]:
        return os.fsencode(self._take() or "\0")[:1], True

    def _escaped(self, precision: int | None) -> tuple[bytes, bool]:
        text, ended = unescape(self._take() or "", ARGUMENT)
        return os.fsencode(text)[:precision], not ended

    def _quoted(self, precision: int | None) -> tuple[bytes, bool]:
        return os.fsencode(quote(self._take() or ""))[:precision], True

    def _cut_and_quoted(self, precision: int | None) -> tuple[bytes, bool]:
        return os.fsencode(quote(os.fsdecode(os.fsencode(self._take() or "")[:precision]))), True

    def _time(self, form: str) -> bytes:
        """strftime(3); the argument is in seconds since 1970, -1 (or none) is now."""
        moment = self._integer() if self._next < len(self._arguments) else -1
        return os.fsencode(time.strftime(form or "%X", time.localtime(None if moment in (-1, -2) else moment)))

    # --- numbers ---

    def _whole(self, letter: str, flags: str, width: int, precision: int | None) -> bytes:
        number = self._integer() if letter in "di" else self._integer(signed=False)
        digits = format(abs(number), "d" if letter in "diu" else letter).rjust(precision or 0, "0")
        if precision == 0 and number == 0:
            digits = ""
        prefix = ""
        if letter in "di":
            prefix = _sign(number < 0, flags)
        elif "#" in flags and letter == "o":
            digits = digits if digits.startswith("0") else "0" + digits
        elif "#" in flags and letter in "xX" and number:
            prefix = "0" + letter
        if precision is not None:
            flags = flags.replace("0", "")
        return _justified(prefix.encode(), digits.encode(), flags, width)

    def _fraction(self, letter: str, flags: str, width: int, precision: int | None) -> bytes:
        from engine.shell.builtins import long_double

        text = self._take() or ""
        if text[:1] in ("'", '"'):
            text = str(_code(text))
        number, used, beyond = long_double.parse(text)
        if text[used:]:
            self._fail(f"{text}: invalid number")
        elif beyond:
            self._complain(f"warning: {text}: Numerical result out of range")
        digits = long_double.body(number, letter, precision, "#" in flags).encode()
        prefix = _sign(number.negative, flags).encode()
        if number.name:
            flags = flags.replace("0", "")
        elif letter in "aA":
            prefix, digits = prefix + digits[:2], digits[2:]
        return _justified(prefix, digits, flags, width)

    def _integer(self, *, signed: bool = True) -> int:
        """The next argument as strtoimax(3) reads it, base 0; `'c` is the code of a character."""
        text = self._take() or ""
        if text[:1] in ("'", '"'):
            return _code(text)
        found = _INTEGER.match(text)
        if text[found.end() if found else 0 :]:
            self._fail(f"{text}: invalid number")
        if not found:
            return 0
        digits = found[2]
        base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
        number = int(digits, base) * (-1 if found[1] == "-" else 1)
        low, high = (-(2**63), 2**63 - 1) if signed else (1 - 2**64, 2**64 - 1)
        if not low <= number <= high:
            self._complain(f"warning: {text}: Numerical result out of range")
            return high if number > 0 or not signed else low
        return number if signed else number % 2**64

    def _take(self) -> str | None:
        if self._next >= len(self._arguments):
            return None
        self._next += 1
        return self._arguments[self._next - 1]

    def _fail(self, message: str) -> None:
        self._complain(message)
        self.status = 1


_TEXTS: dict[str, Callable[[Formatter, int | None], tuple[bytes, bool]]] = {
    "s": Formatter._string,
    "c": Formatter._character,
    "b": Formatter._escaped,
    "q": Formatter._quoted,
    "Q": Formatter._cut_and_quoted,
}


def _parsed(form: str) -> Iterator[bytes | Conversion]:
    at = 0
    for found in _CONVERSION.finditer(form):
        yield os.fsencode(unescape(form[at : found.start()], FORMAT)[0])
        at = found.end()
        if found["percent"]:
            yield b"%"
        else:
            yield Conversion(found["flags"], found["width"] or "", found["precision"], found["letter"], found["time"])
    yield os.fsencode(unescape(form[at:], FORMAT)[0])


def _code(text: str) -> int:
    """Of the character behind the quote."""
    number = ord(text[1]) if len(text) > 1 else 0
    return number - 0xDC00 if 0xDC80 <= number <= 0xDCFF else number


def _sign(negative: bool, flags: str) -> str:
    return "-" if negative else "+" if "+" in flags else " " if " " in flags else ""


def _justified(prefix: bytes, digits: bytes, flags: str, width: int) -> bytes:
    if "-" in flags:
        return (prefix + digits).ljust(width)
    if "0" in flags:
        return prefix + digits.rjust(width - len(prefix), b"0")
    return (prefix + digits).rjust(width)
