"""read and getopts. read takes not a byte more than the line: what comes after it is the next program's."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from engine.shell.builtins.options import Usage, check_name, parse, whole
from engine.shell.faults import Fault
from engine.shell.state import DEFAULT_IFS

if TYPE_CHECKING:
    from engine.shell.shell import Shell

TIMED_OUT = 128 + 14  # SIGALRM, as in bash
_CHUNK = 4096
_QUOTED = "\0"  # stands before a character that a backslash protects; NUL itself is never read


class Wish(NamedTuple):
    """What of the input is wanted."""

    delimiter: bytes
    characters: int | None  # so many characters at most
    exactly: bool  # the delimiter is a character like others
    raw: bool  # so is the backslash


def read(shell: Shell, arguments: list[str]) -> int:
    options, names = parse("read", arguments, "ersd:i:n:N:p:t:u:a:")
    if "a" in options:
        raise Usage("read", "there are no arrays here: give each word a name")
    for name in names:
        check_name(name)
    fd = _number("u", options.get("u", "0"), "file descriptor")
    timeout = _seconds(options["t"]) if "t" in options else None
    try:
        if timeout == 0:
            return 0 if select.select([fd], [], [], 0)[0] else 1
        is_terminal = os.isatty(fd)
        wish = _wish(options)
        with _terminal_modes(fd if is_terminal else None, silent="s" in options, by_character=_by_character(wish)):
            if is_terminal and "p" in options:
                os.write(2, os.fsencode(options["p"]))
            text, status = Source(fd, timeout).line(wish)
    except OSError as error:
        raise Fault(f"read error: {fd}: {error.strerror}") from None
    except ValueError:  # a descriptor that select can't take
        raise Fault(f"{fd}: invalid file descriptor: Bad file descriptor") from None
    _assign(shell, names, text, whole_line=wish.exactly)
    return status


class Source:
    """A descriptor from which a line is taken, up to a moment."""

    def __init__(self, fd: int, timeout: float | None) -> None:
        self._fd = fd
        self._end = None if timeout is None else time.monotonic() + timeout
        self._ahead = b""
        self._chunk = _CHUNK if _goes_back(fd) else 1

    def line(self, wish: Wish) -> tuple[str, int]:
        """What was wanted, protected characters marked, and the status: 1 at the end of the input before it."""
        taken = bytearray()
        count = 0
        try:
            while wish.characters is None or count < wish.characters:
                byte = self._byte()
                if byte == wish.delimiter and not wish.exactly:
                    return os.fsdecode(bytes(taken)), 0
                if byte == b"\\" and not wish.raw:
                    byte = self._byte()
                    if byte == b"\n":
                        continue
                    taken += b"\0" * (byte != b"\0")
                if byte != b"\0":
                    taken += byte
                    count += wish.characters is not None and self._rest_of_character(byte, taken)
            return os.fsdecode(bytes(taken)), 0
        except EOFError:
            return os.fsdecode(bytes(taken)), 1
        except TimeoutError:
            return os.fsdecode(bytes(taken)), TIMED_OUT
        finally:
            if self._ahead:
                os.lseek(self._fd, -len(self._ahead), os.SEEK_CUR)

    def _rest_of_character(self, first: bytes, taken: bytearray) -> int:
        """The further bytes of a character of UTF-8; 1."""
        for _ in range((first >= b"\xc0") + (first >= b"\xe0") + (first >= b"\xf0")):
            taken += self._byte()
        return 1

    def _byte(self) -> bytes:
        """The next one. Raises EOFError, TimeoutError."""
        if not self._ahead:
            if self._end is not None:
                left = max(self._end - time.monotonic(), 0)
                if not select.select([self._fd], [], [], left)[0]:
                    raise TimeoutError
            self._ahead = os.read(self._fd, self._chunk)
            if not self._ahead:
                raise EOFError
        byte, self._ahead = self._ahead[:1], self._ahead[1:]
        return byte


def _goes_back(fd: int) -> bool:
    """Whether what was read too much can be given back."""
    try:
        os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return False
    return not os.isatty(fd)


def _wish(options: dict[str, str]) -> Wish:
    exactly = "N" in options
    count = options.get("N", options.get("n"))
    return Wish(
        delimiter=os.fsencode(options.get("d", "\n"))[:1] or b"\0",
        characters=None if count is None else _number("N" if exactly else "n", count, "count"),
        exactly=exactly,
        raw="r" in options,
    )


def _by_character(wish: Wish) -> bool:
    return wish.characters is not None or wish.delimiter != b"\n"


@contextmanager
def _terminal_modes(fd: int | None, *, silent: bool, by_character: bool) -> Iterator[None]:
    """A terminal without echo, and handing over each character at once, where that is asked for."""
    if fd is None or not (silent or by_character):
        yield
        return
    import termios

    before = termios.tcgetattr(fd)
    modes = termios.tcgetattr(fd)
    modes[3] &= ~((termios.ECHO if silent else 0) | (termios.ICANON if by_character else 0))
    if by_character:
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSADRAIN, modes)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


# --- words ---


def _assign(shell: Shell, names: list[str], text: str, *, whole_line: bool) -> None:
    variables = shell.state.variables
    if not names or whole_line:
        variables.set(names[0] if names else "REPLY", _plain(text))
        for name in names[1:]:
            variables.set(name, "")
        return
    ifs = variables.get("IFS")
    splitter = Splitter(text, DEFAULT_IFS if ifs is None else ifs)
    for name in names[:-1]:
        variables.set(name, _plain(splitter.field()))
    variables.set(names[-1], _plain(splitter.rest()))


class Splitter:
    """A line, field by field (POSIX XCU 2.6.5). Blanks of IFS count together, its other characters one by one."""

    def __init__(self, text: str, ifs: str) -> None:
        self._ifs = ifs
        self._blanks = "".join(c for c in ifs if c in DEFAULT_IFS)
        self._text = text.lstrip(self._blanks) if self._blanks else text

    def field(self) -> str:
        """The next one, the characters that end it taken away."""
        text = self._text
        end = 0
        while end < len(text) and text[end] not in self._ifs:
            end += 2 if text[end] == _QUOTED else 1
        rest = self._without_blanks(text[end:])
        was_blank = len(rest) < len(text) - end
        if rest and rest[0] in self._ifs and (was_blank or rest[0] not in self._blanks):
            rest = self._without_blanks(rest[1:])
        self._text = rest
        return text[:end]

    def rest(self) -> str:
        """All that is left; where that is one field, without the character that ends it."""
        text = self._text
        field = self.field()
        if not self._text:
            return field
        stripped = text.rstrip(self._blanks) if self._blanks else text
        return text[: len(stripped) + 1] if stripped.endswith(_QUOTED) else stripped

    def _without_blanks(self, text: str) -> str:
        return text.lstrip(self._blanks) if self._blanks else text


def _plain(text: str) -> str:
    return text.replace(_QUOTED, "")


def _number(option: str, text: str, what: str) -> int:
    number = whole(text)
    if number is None or number < 0:
        raise Fault(f"-{option}: {text}: invalid {what}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise Fault(f"{text}: invalid timeout specification")
    return seconds


# --- getopts ---


class Progress:
    """Where getopts stands between two calls: in which word (OPTIND), at which of its letters."""

    word = 1
    letter = 1


def getopts(shell: Shell, arguments: list[str]) -> int:
    if len(arguments) < 2:
        raise Usage("getopts", "the options or a name are missing")
    letters, name, *given = arguments
    words = given or shell.state.positional
    variables = shell.state.variables
    if whole(variables.get("OPTIND") or "1") != Progress.word:
        Progress.word, Progress.letter = max(whole(variables.get("OPTIND") or "1") or 1, 1), 1
    check_name(name)
    option, value, status = _next_option(shell, letters, words)
    variables.set("OPTIND", str(Progress.word))
    if value is None:
        variables.unset("OPTARG")
    else:
        variables.set("OPTARG", value)
    variables.set(name, option)
    return status


def _next_option(shell: Shell, letters: str, words: list[str]) -> tuple[str, str | None, int]:
    """What becomes of NAME and OPTARG, and the status."""
    word = words[Progress.word - 1] if Progress.word <= len(words) else ""
    if Progress.letter == 1 and (len(word) < 2 or word[0] != "-" or word == "--"):
        Progress.word += word == "--"
        return "?", None, 1
    letter, rest = word[Progress.letter], word[Progress.letter + 1 :]
    quiet = letters.startswith(":")
    at = -1 if letter == ":" else letters.find(letter)
    takes_value = at >= 0 and letters[at + 1 : at + 2] == ":"
    if rest and not takes_value:
        Progress.letter += 1
    else:
        Progress.word, Progress.letter = Progress.word + 1, 1
    if at < 0:
        _tell(shell, quiet, f"illegal option -- {letter}")
        return "?", letter if quiet else None, 0
    if not takes_value or rest:
        return letter, rest if takes_value else None, 0
    if Progress.word > len(words):
        _tell(shell, quiet, f"option requires an argument -- {letter}")
        return (":", letter, 0) if quiet else ("?", None, 0)
    Progress.word += 1
    return letter, words[Progress.word - 2], 0


def _tell(shell: Shell, quiet: bool, message: str) -> None:
    if not quiet and shell.state.variables.get("OPTERR") != "0":
        shell.complain(message)


COMMANDS = {"read": read, "getopts": getopts}
