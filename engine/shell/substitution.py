"""Command substitution: commands run for what they write. Imports this package's lower parts.

They stay in the shell's own process group, which has the terminal: ctrl+c reaches them, and ctrl+z can't stop them, as
the shell waits for them whatever happens.
"""

from __future__ import annotations

import os
import signal

from engine.shell.ast import Literal, Redirection, Script, SimpleCommand, Word
from engine.shell.builtins import BUILTINS
from engine.shell.redirection import pipe, target
from engine.shell.signals import blocked
from engine.shell.spawn import Group, spawn
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.execution import Executor
    from engine.shell.shell import Shell

_ONLY_WRITE = frozenset("echo printf pwd type command true false :".split())  # printf without -v, and command with it


class Substitution:
    """Runs what is in `$(…)` for one shell."""

    def __init__(self, shell: Shell, executor: Executor) -> None:
        self._shell = shell
        self._executor = executor

    def run(self, scripts: tuple[Script, ...]) -> tuple[str, int]:
        """What they write, without the newlines at the end, and their status. Raises KeyboardInterrupt, OSError."""
        command = _only_command(scripts)
        if command is not None and _only_reads(command):
            data, status = self._file(command.redirections[0])
        elif command is not None and (words := self._writing_words(command)):
            data, status = self._executor.written(scripts[0], command, words)
        else:
            data, status = self._output(scripts, command)
        return data.replace(b"\0", b"").rstrip(b"\n").decode("utf-8", "surrogateescape"), status

    def _file(self, redirection: Redirection) -> tuple[bytes, int]:
        """`$(<file)` needs no process."""
        each = target(redirection, self._shell.expander.single(redirection.target))
        try:
            fd = os.open(each.text, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return _read_all(fd), 0
            finally:
                os.close(fd)
        except OSError as error:
            self._shell.tell_fault(self._executor.fault_at(f"{each.text}: {error.strerror}", each.span))
            return b"", 1

    def _writing_words(self, command: SimpleCommand) -> list[str]:
        """The words of a builtin that only writes, if a subshell for them could not be told from this one."""
        if command.redirections or not command.words or "xtrace" in self._shell.state.options:
            return []
        words = self._executor.plain_words(command) if _names_writer(command.words[0]) else []
        return words if _only_writes(words) else []

    def _output(self, scripts: tuple[Script, ...], command: SimpleCommand | None) -> tuple[bytes, int]:
        signals = self._shell.signals
        signals.check()
        read, write = pipe()
        with signals.uninterruptible():
            try:
                try:
                    pid = self._spawned(command, write) or self._forked(scripts, write)
                finally:
                    os.close(write)
                data = _read_all(read)
            finally:
                os.close(read)
            return data, self._status(os.waitpid(pid, 0)[1])

    def _spawned(self, command: SimpleCommand | None, write: int) -> int:
        """The pid of a program that is all there is to run; 0 if it is more, or can't be started so."""
        shell = self._shell
        if command is None or command.redirections:
            return 0
        words = self._executor.plain_words(command)
        path = shell.find(words[0]) if words and words[0] not in BUILTINS else None
        if path is None:
            return 0
        environment = {**shell.state.variables.environment(), "_": path}
        try:
            return spawn(path, words, environment, [(write, 1)], Group(), shell.signals.defaults(False))
        except (OSError, ValueError):
            shell.state.hash.pop(words[0], None)
            return 0  # a subshell finds out what is wrong

    def _forked(self, scripts: tuple[Script, ...], write: int) -> int:
        with blocked():
            pid = os.fork()
            if pid == 0:
                self._shell.signals.enter_subshell(background=False, controlled=False)
        if pid == 0:
            self._shell.subshell(lambda: self._executor.scripts(scripts, True), [(write, 1)])
        return pid

    def _status(self, status: int) -> int:
        signals = self._shell.signals
        interrupted, signals.interrupted = signals.interrupted, False
        if not os.WIFSIGNALED(status):
            return os.WEXITSTATUS(status)
        if interrupted and os.WTERMSIG(status) == signal.SIGINT:
            raise KeyboardInterrupt
        return 128 + os.WTERMSIG(status)


def _read_all(fd: int) -> bytes:
    pieces = []
    while piece := os.read(fd, 1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


def _only_command(scripts: tuple[Script, ...]) -> SimpleCommand | None:
    """The one simple command that this is, if it is no more than that."""
    if len(scripts) != 1 or len(scripts[0].statements) != 1 or scripts[0].statements[0].background:
        return None
    pipelines = scripts[0].statements[0].body.pipelines
    if len(pipelines) != 1 or pipelines[0].negated or len(pipelines[0].commands) != 1:
        return None
    command = pipelines[0].commands[0]
    return command if isinstance(command, SimpleCommand) else None


def _only_reads(command: SimpleCommand) -> bool:
    redirections = command.redirections
    if command.words or command.assignments or len(redirections) != 1:
        return False
    return redirections[0].operator == "<" and not redirections[0].fd


def _names_writer(word: Word) -> bool:
    first = word.parts[0]
    return len(word.parts) == 1 and isinstance(first, Literal) and first.text in _ONLY_WRITE


def _only_writes(words: list[str]) -> bool:
    match words:
        case ["command", option, *_]:
            return option in ("-v", "-V")
        case ["printf", option, *_]:
            return not option.startswith("-v")
    return True
