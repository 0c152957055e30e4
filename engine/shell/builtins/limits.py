"""umask, ulimit and times: what the kernel keeps for a process (umask(2), getrlimit(2), times(2))."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from engine.shell.builtins.options import Usage, parse
from engine.shell.faults import Fault

if TYPE_CHECKING:
    from engine.shell.shell import Shell

# --- umask ---

_WHO = {"u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777}
_MAY = {"r": 0o444, "w": 0o222, "x": 0o111}


def umask(shell: Shell, arguments: list[str]) -> int:
    # A mode like -x begins as an option does.
    is_mode = bool(arguments) and arguments[0][:1] == "-" and arguments[0][1:2] in ("r", "w", "x")
    options, words = ({}, arguments) if is_mode else parse("umask", arguments, "pS")
    mask = os.umask(0)
    os.umask(mask)
    if words:
        mask = _octal(words[0]) if words[0][:1].isdecimal() else ~_symbolic(words[0], ~mask & 0o777) & 0o777
        os.umask(mask)
        if "S" in options:
            shell.write(_shown(mask) + "\n")
        return 0
    text = _shown(mask) if "S" in options else f"{mask:04o}"
    shell.write((f"umask {'-S ' if 'S' in options else ''}" if "p" in options else "") + text + "\n")
    return 0


def _octal(text: str) -> int:
    if text.strip("01234567") or int(text, 8) > 0o7777:
        raise Fault(f"{text}: octal number out of range")
    return int(text, 8) & 0o777


def _symbolic(text: str, may: int) -> int:
    """What may be done after `u=rwx,g-w,o=`, of chmod(1), in place of `may`."""
    for clause in text.split(","):
        rest = clause.lstrip("ugoa")
        who = 0
        for letter in clause[: len(clause) - len(rest)]:
            who |= _WHO[letter]
        if not rest:
            raise Fault(f"`{clause[-1:] or ','}': invalid symbolic mode operator")
        while rest:
            operator, rest = rest[0], rest[1:]
            if operator not in "+-=":
                raise Fault(f"`{operator}': invalid symbolic mode operator")
            length = len(rest) - len(rest.lstrip("rwxXstugo"))
            bits = _bits(rest[:length], may) & (who or 0o777)
            rest = rest[length:]
            if rest and rest[0] not in "+-=":
                raise Fault(f"`{rest[0]}': invalid symbolic mode character")
            may = {"+": may | bits, "-": may & ~bits, "=": may & ~(who or 0o777) | bits}[operator]
    return may


def _bits(letters: str, may: int) -> int:
    bits = 0
    for letter in letters:
        if letter in _MAY:
            bits |= _MAY[letter]
        elif letter == "X":
            bits |= 0o111 if may & 0o111 else 0
        elif letter in "ugo":
            bits |= (may >> {"u": 6, "g": 3, "o": 0}[letter] & 7) * 0o111
    return bits


def _shown(mask: int) -> str:
    parts = []
    for who, shift in (("u", 6), ("g", 3), ("o", 0)):
        bits = ~mask >> shift
        parts.append(f"{who}=" + "".join(letter for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if bits & bit))
    return ",".join(parts)


# --- ulimit ---


class Limit(NamedTuple):
    """`resource`: the number of getrlimit(2), None for the size of a pipe, which is fixed. `unit`: so many bytes (or
    other things of the kernel's) make one of what is shown."""

    description: str
    units: str
    unit: int
    resource: int | None


LIMITS = {
    "R": Limit("real-time non-blocking time", "microseconds", 1, 15),
    "c": Limit("core file size", "blocks", 1024, 4),
    "d": Limit("data seg size", "kbytes", 1024, 2),
    "e": Limit("scheduling priority", "", 1, 13),
    "f": Limit("file size", "blocks", 1024, 1),
    "i": Limit("pending signals", "", 1, 11),
    "l": Limit("max locked memory", "kbytes", 1024, 8),
    "m": Limit("max memory size", "kbytes", 1024, 5),
    "n": Limit("open files", "", 1, 7),
    "p": Limit("pipe size", "512 bytes", 512, None),
    "q": Limit("POSIX message queues", "bytes", 1, 12),
    "r": Limit("real-time priority", "", 1, 14),
    "s": Limit("stack size", "kbytes", 1024, 3),
    "t": Limit("cpu time", "seconds", 1, 0),
    "u": Limit("max user processes", "", 1, 6),
    "v": Limit("virtual memory", "kbytes", 1024, 9),
    "x": Limit("file locks", "", 1, 10),
}
_PIPE_BUF = 4096  # pipe(7)


def ulimit(shell: Shell, arguments: list[str]) -> int:
    which, everything, wanted = _read(arguments)
    if everything:
        wanted = [(letter, None) for letter in LIMITS]
    for letter, text in wanted or [("f", None)]:
        if text is None:
            told = _told(letter, hard=which == {"H"})
            shell.write((_label(letter) if len(wanted) > 1 else "") + told + "\n")
        else:
            _set(letter, text, which)
    return 0


def _read(arguments: list[str]) -> tuple[set[str], bool, list[tuple[str, str | None]]]:
    """Which of H and S were given, whether -a was, and the limits: None to tell one, else what to set it to."""
    which: set[str] = set()
    everything = False
    wanted: list[tuple[str, str | None]] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--":
            continue
        if len(word) < 2 or word[0] != "-":
            if wanted and wanted[-1][1] is not None:
                raise Fault("too many arguments")
            letter = wanted.pop()[0] if wanted else "f"
            wanted.append((letter, word))
            continue
        for at, letter in enumerate(word[1:], 1):
            if letter in "HS":
                which.add(letter)
            elif letter == "a":
                everything = True
            elif letter in LIMITS:
                wanted.append((letter, None))
            elif letter.isdecimal() and wanted:
                wanted[-1] = (wanted[-1][0], word[at:])
                break
            else:
                raise Usage("ulimit", f"there is no option -{letter}")
    return which, everything, wanted


def _told(letter: str, *, hard: bool) -> str:
    import resource

    limit = LIMITS[letter]
    if limit.resource is None:
        return str(_PIPE_BUF // limit.unit)
    value = resource.getrlimit(limit.resource)[hard]
    return "unlimited" if value == resource.RLIM_INFINITY else str(_unsigned(value) // limit.unit)


def _set(letter: str, text: str, which: set[str]) -> None:
    import resource

    limit = LIMITS[letter]
    if limit.resource is None:
        raise Fault(f"{limit.description}: cannot modify limit: Invalid argument")
    soft, hard = resource.getrlimit(limit.resource)
    if text in ("hard", "soft", "unlimited"):
        value = {"hard": hard, "soft": soft, "unlimited": resource.RLIM_INFINITY}[text]
    elif text.isascii() and text.isdecimal():
        value = int(text) * limit.unit
    else:
        raise Fault(f"{text}: invalid number", hint="a limit is a number, unlimited, hard or soft")
    if value >= 2**63:
        raise Fault(f"{text}: limit out of range")
    both = not which
    try:
        resource.setrlimit(
            limit.resource, (value if both or "S" in which else soft, value if both or "H" in which else hard)
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else _value_error(value, hard)
        raise Fault(f"{limit.description}: cannot modify limit: {reason}") from None


def _value_error(value: int, hard: int) -> str:
    """What resource.setrlimit makes of EPERM and EINVAL is a ValueError alike."""
    import resource

    above = hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard)
    return "Operation not permitted" if above else "Invalid argument"


def _unsigned(value: int) -> int:
    return value % 2**64


def _label(letter: str) -> str:
    limit = LIMITS[letter]
    units = f"({limit.units}, -{letter}) " if limit.units else f"(-{letter}) "
    return f"{limit.description:<20} {units:>20}"


# --- times ---


def times(shell: Shell, arguments: list[str]) -> int:
    parse("times", arguments, "")
    spent = os.times()
    shell.write(f"{_minutes(spent.user)} {_minutes(spent.system)}\n")
    shell.write(f"{_minutes(spent.children_user)} {_minutes(spent.children_system)}\n")
    return 0


def _minutes(seconds: float) -> str:
    milliseconds = int(seconds * 1000)
    return f"{milliseconds // 60_000}m{milliseconds // 1000 % 60}.{milliseconds % 1000:03}s"


COMMANDS = {"umask": umask, "ulimit": ulimit, "times": times}
