"""test, [, true, false and `:`. What an expression means goes by the number of its words (POSIX XCU, "test")."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from engine.shell.builtins.options import whole
from engine.shell.faults import Fault
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.shell import Shell


def true(_shell: Shell, _arguments: list[str]) -> int:
    return 0


def false(_shell: Shell, _arguments: list[str]) -> int:
    return 1


def test(shell: Shell, arguments: list[str]) -> int:
    """0 where the expression is true, 1 where it is false, 2 where it is none."""
    return 0 if Expression(shell, arguments).value() else 1


def bracket(shell: Shell, arguments: list[str]) -> int:
    if arguments[-1:] != ["]"]:
        raise Fault("the ] at the end is missing", status=2)
    return test(shell, arguments[:-1])


class NoExpression(Fault):
    """What stands there can't be tested."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=2)


class Expression:
    """The words of one test, and how far they have been read."""

    def __init__(self, shell: Shell, words: list[str]) -> None:
        self._shell = shell
        self._words = words
        self._at = 0

    def value(self) -> bool:
        words = self._words
        if len(words) < 4:
            return self._of_few(words)
        if len(words) == 4 and words[0] == "!":
            return not self._of_few(words[1:])
        if len(words) == 4 and words[0] == "(" and words[3] == ")":
            return self._of_few(words[1:3])
        value = self._or()
        if self._at < len(words):
            raise NoExpression(f"`{words[self._at]}' is one word too many")
        return value

    def _of_few(self, words: list[str]) -> bool:
        """0 to 3 words, whose number says what each is."""
        if len(words) < 2:
            return words not in ([], [""])
        first, second = words[:2]
        if len(words) == 2:
            return not second if first == "!" else self._unary(first, second)
        third = words[2]
        if second in BINARY:
            return BINARY[second](first, third)
        if second in ("-a", "-o"):
            return bool(first and third) if second == "-a" else bool(first or third)
        if first == "!":
            return not self._of_few(words[1:])
        if first == "(" and third == ")":
            return bool(second)
        raise NoExpression(f"{second}: binary operator expected")

    # --- more words: ! before -a before -o ---

    def _or(self) -> bool:
        value = self._and()
        if self._next() == "-o":
            self._at += 1
            return self._or() or value
        return value

    def _and(self) -> bool:
        value = self._term()
        if self._next() == "-a":
            self._at += 1
            return self._and() and value
        return value

    def _term(self) -> bool:
        word = self._next()
        if word is None:
            raise NoExpression("argument expected")
        if word == "!":
            self._at += 1
            return not self._term()
        if word == "(":
            return self._group()
        rest = self._words[self._at :]
        if len(rest) > 2 and rest[1] in BINARY:
            self._at += 3
            return BINARY[rest[1]](rest[0], rest[2])
        if len(rest) > 1 and len(word) == 2 and word[0] == "-":
            self._at += 2
            return self._unary(word, rest[1])
        self._at += 1
        return bool(word)

    def _group(self) -> bool:
        self._at += 1
        value = self._or()
        if self._next() != ")":
            found = self._next()
            raise NoExpression("`)' expected" + (f", found {found}" if found else ""))
        self._at += 1
        return value

    def _next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _unary(self, operator: str, operand: str) -> bool:
        if operator in UNARY:
            return UNARY[operator](operand)
        if operator == "-v":
            return self._shell.state.variables.get(operand) is not None
        if operator == "-o":
            return operand in self._shell.state.options
        raise NoExpression(f"{operator}: unary operator expected")


def _status(path: str, *, follow: bool = True) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=follow)
    except OSError:
        return None


def _kind(kind: Callable[[int], bool]) -> Callable[[str], bool]:
    def check(path: str) -> bool:
        status = _status(path)
        return status is not None and kind(status.st_mode)

    return check


def _bit(bit: int) -> Callable[[str], bool]:
    return _kind(lambda mode: bool(mode & bit))


def _access(mode: int) -> Callable[[str], bool]:
    return lambda path: bool(path) and os.access(path, mode, effective_ids=True)


def _where(check: Callable[[os.stat_result], bool]) -> Callable[[str], bool]:
    def where(path: str) -> bool:
        status = _status(path)
        return status is not None and check(status)

    return where


def _is_link(path: str) -> bool:
    status = _status(path, follow=False)
    return status is not None and stat.S_ISLNK(status.st_mode)


def _is_terminal(text: str) -> bool:
    number = whole(text)
    return number is not None and 0 <= number < 2**31 and os.isatty(number)


def _number(text: str) -> int:
    number = whole(text)
    if number is None or not -(2**63) <= number < 2**63:
        raise NoExpression(f"{text}: integer expression expected")
    return number


def _newer(one: str, other: str) -> bool:
    first, second = _status(one), _status(other)
    return first is not None and (second is None or first.st_mtime_ns > second.st_mtime_ns)


def _same_file(one: str, other: str) -> bool:
    first, second = _status(one), _status(other)
    return first is not None and second is not None and os.path.samestat(first, second)


UNARY: dict[str, Callable[[str], bool]] = {
    "-n": bool,
    "-z": lambda text: not text,
    "-a": _where(lambda _: True),
    "-e": _where(lambda _: True),
    "-f": _kind(stat.S_ISREG),
    "-d": _kind(stat.S_ISDIR),
    "-h": _is_link,
    "-L": _is_link,
    "-p": _kind(stat.S_ISFIFO),
    "-S": _kind(stat.S_ISSOCK),
    "-b": _kind(stat.S_ISBLK),
    "-c": _kind(stat.S_ISCHR),
    "-s": _where(lambda status: status.st_size > 0),
    "-u": _bit(stat.S_ISUID),
    "-g": _bit(stat.S_ISGID),
    "-k": _bit(stat.S_ISVTX),
    "-r": _access(os.R_OK),
    "-w": _access(os.W_OK),
    "-x": _access(os.X_OK),
    "-O": _where(lambda status: status.st_uid == os.geteuid()),
    "-G": _where(lambda status: status.st_gid == os.getegid()),
    "-N": _where(lambda status: status.st_atime_ns < status.st_mtime_ns),
    "-t": _is_terminal,
}

BINARY: dict[str, Callable[[str, str], bool]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: os.fsencode(one) < os.fsencode(other),
    ">": lambda one, other: os.fsencode(one) > os.fsencode(other),
    "-eq": lambda one, other: _number(one) == _number(other),
    "-ne": lambda one, other: _number(one) != _number(other),
    "-lt": lambda one, other: _number(one) < _number(other),
    "-le": lambda one, other: _number(one) <= _number(other),
    "-gt": lambda one, other: _number(one) > _number(other),
    "-ge": lambda one, other: _number(one) >= _number(other),
    "-nt": _newer,
    "-ot": lambda one, other: _newer(other, one),
    "-ef": _same_file,
}

COMMANDS = {"true": true, "false": false, ":": true, "test": test, "[": bracket}
