"""What `trap` says shall be run: at signals, at the end, after failures, before commands. Imports this package only."""

from __future__ import annotations

from engine.shell import signals
from engine.shell.faults import Fault
from engine.shell.signals import Signals

_NO_SIGNALS = {"EXIT": 0, "ERR": -1, "DEBUG": -2}


class Traps:
    """`actions` by condition: EXIT, ERR, DEBUG, or a signal's name without SIG (INT, TERM, USR1 …)."""

    def __init__(self, dispositions: Signals) -> None:
        self.interactive = False
        self._signals = dispositions
        self.actions: dict[str, str] = {}
        self._inherited: dict[str, str] = {}

    def set(self, condition: str, action: str | None) -> None:
        """None: as it was at the start; "": ignored; else a text that is run between two commands.

        A signal that was ignored when the shell started stays so, silently, in a shell that isn't interactive
        (POSIX XCU 2.11). Raises Fault for an unknown condition; numbers and the prefix SIG are understood.
        """
        name, number = _condition(condition)
        self._inherited = {}
        if number > 0:
            if number in self._signals.ignored_at_start and not self.interactive:
                return
            self._dispose(number, action)
        if action is None:
            self.actions.pop(name, None)
        else:
            self.actions[name] = action
        if name == "EXIT" and action and not self.interactive:
            self._signals.end_in_order()

    def get(self, condition: str) -> str | None:
        """The action, or None. Raises Fault for an unknown condition."""
        return self.actions.get(_condition(condition)[0])

    def all(self) -> dict[str, str]:
        """All that are set, EXIT first, signals by number. In a subshell: the parent's, until one is set."""
        actions = self._inherited or self.actions
        return {name: actions[name] for name in sorted(actions, key=_rank)}

    def busy(self) -> bool:
        """Whether anything at all waits to be run: then this process can't become a program."""
        return any(self.actions.values())

    def enter_subshell(self) -> None:
        """Only what is ignored stays (POSIX XCU 2.14, trap)."""
        self._inherited = self._inherited or self.actions
        for name, action in self.actions.items():
            if action and (number := signals.NUMBERS.get(name)):
                self._signals.untrap(number)
        self.actions = {name: action for name, action in self.actions.items() if not action}

    def _dispose(self, number: int, action: str | None) -> None:
        try:
            if action is None:
                self._signals.untrap(number)
            elif action == "":
                self._signals.ignore(number)
            else:
                self._signals.trap(number)
        except OSError:
            return  # KILL and STOP: the kernel leaves no choice, and bash says nothing


def _condition(text: str) -> tuple[str, int]:
    name = text.upper().removeprefix("SIG")
    if name in _NO_SIGNALS:
        return name, _NO_SIGNALS[name]
    number = signals.number(text)
    if number is None:
        raise Fault(f"{text}: invalid signal specification", hint="kill -l lists the signals; EXIT, ERR and DEBUG too")
    return (signals.NAMES[number], number) if number else ("EXIT", 0)


def _rank(name: str) -> tuple[int, int]:
    number = _NO_SIGNALS.get(name)
    return (0, signals.NUMBERS[name]) if number is None else (-number if number else -1, 0)
