"""kill and trap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from engine.shell import signals
from engine.shell.builtins.options import Usage, parse
from engine.shell.builtins.quotes import single
from engine.shell.faults import Fault

if TYPE_CHECKING:
    from engine.shell.shell import Shell

CONDITIONS = ("EXIT", "ERR", "DEBUG")  # what trap knows besides signals
_TERM = 15


def kill(shell: Shell, arguments: list[str]) -> int:
    if arguments[:1] in (["-l"], ["-L"]):
        return _translate(shell, arguments[1:])
    number, targets = _signal(arguments)
    if not targets:
        raise Usage("kill", "a process or a job is missing")
    complaints = [complaint for target in targets if (complaint := _send(shell, target, number))]
    for complaint in complaints:
        shell.complain(f"kill: {complaint}")
    return 1 if len(complaints) == len(targets) else 0


def _signal(arguments: list[str]) -> tuple[int, list[str]]:
    """The signal that the options say, and the targets."""
    words = list(arguments)
    number = _TERM
    if words and words[0][:1] == "-" and words[0] != "--" and len(words[0]) > 1:
        option = words.pop(0)
        if option in ("-s", "-n"):
            if not words:
                raise Usage("kill", f"option {option} needs a value")
            name = words.pop(0)
        else:
            name = option[2:] if option[:2] in ("-s", "-n") and signals.number(option[1:]) is None else option[1:]
        found = signals.number(name)
        if found is None:
            raise Fault(f"{name}: invalid signal specification", hint="`kill -l` lists them")
        number = found
    return number, words[words[:1] == ["--"] :]


def _send(shell: Shell, target: str, number: int) -> str:
    """Do it; what was wrong, if anything."""
    try:
        if target.startswith("%"):
            shell.jobs.signal(shell.jobs.find(target), number)
        elif target.removeprefix("-").isdecimal():
            shell.jobs.signal(int(target), number)
        else:
            return f"{target}: arguments must be process or job IDs"
    except Fault as fault:
        return fault.message
    except OSError as error:
        return f"({target}) - {error.strerror}" if not target.startswith("%") else f"{target}: {error.strerror}"
    except OverflowError:
        return f"({target}) - No such process"
    return ""


def _translate(shell: Shell, words: list[str]) -> int:
    if not words:
        shell.write("".join(_listed()))
        return 0
    status = 0
    for word in words:
        number = signals.number(word)
        if word.isdecimal() and number is None and int(word) > 128:
            number = signals.number(str(int(word) - 128))
        if number is None:
            shell.complain(f"kill: {word}: invalid signal specification")
            status = 1
        elif word.isdecimal():
            shell.write(("EXIT" if number == 0 else signals.NAMES[number]) + "\n")
        else:
            shell.write(f"{number}\n")
    return status


def _listed() -> Iterator[str]:
    """All signals, five a line."""
    numbers = sorted(signals.NAMES)
    for place, number in enumerate(numbers, 1):
        end = "\n" if place % 5 == 0 else "\t"
        yield f"{number:2}) SIG{signals.NAMES[number]}{end}"
    if len(numbers) % 5:
        yield "\n"


def trap(shell: Shell, arguments: list[str]) -> int:
    options, words = parse("trap", arguments, "lp")
    if "l" in options:
        shell.write("".join(_listed()))
        return 0
    if "p" in options or not words:
        return _list_traps(shell, words)
    # POSIX: a number in place of the action means that all are reset; bash: so does a condition that stands alone.
    if words[0].isdecimal() or (len(words) == 1 and _condition(words[0])):
        action: str | None = None
    elif len(words) == 1:
        raise Usage("trap", f"{words[0]}: a signal is missing")
    else:
        action = None if words[0] == "-" else words[0]
        words = words[1:]
    return _each_condition(shell, words, lambda name: shell.traps.set(name, action))


def _list_traps(shell: Shell, words: list[str]) -> int:
    actions = shell.traps.all()

    def show(name: str) -> None:
        if name in actions:
            shell.write(f"trap -- {single(actions[name])} {'' if name in CONDITIONS else 'SIG'}{name}\n")

    return _each_condition(shell, words or list(actions), show)


def _each_condition(shell: Shell, words: list[str], act: Callable[[str], None]) -> int:
    status = 0
    for word in words:
        name = _condition(word)
        if name is None:
            shell.complain(f"trap: {word}: invalid signal specification")
            status = 1
        else:
            act(name)
    return status


def _condition(word: str) -> str | None:
    """EXIT, ERR, DEBUG or the name of a signal without SIG; None for what is none of them."""
    if word.upper() in CONDITIONS:
        return word.upper()
    number = signals.number(word)
    return "EXIT" if number == 0 else signals.NAMES.get(number) if number else None


COMMANDS = {"kill": kill, "trap": trap}
