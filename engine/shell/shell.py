"""One shell: its state, jobs, traps and words together. What the builtins see. Imports this package."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from engine.shell import programs, signals
from engine.shell.ast import Script
from engine.shell.builtins import BUILTINS
from engine.shell.execution import Abort, Executor, ShellExit
from engine.shell.expansion import Expander
from engine.shell.faults import Fault, SyntaxFault
from engine.shell.jobs import Job, Jobs
from engine.shell.parser import Parser
from engine.shell.redirection import put
from engine.shell.signals import HangUp, Signals
from engine.shell.spawn import Move
from engine.shell.state import State
from engine.shell.substitution import Substitution
from engine.shell.traps import Traps
from engine.shell.tty import Terminal, close_internal
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn, TypeAlias

__all__ = ["Builtin", "Shell", "ShellExit"]


class Shell:
    """A running shell. Builtins get it as their first argument; they write to descriptors 1 and 2 and read 0.

    A builtin that finds something wrong complains and returns a status, or raises `Fault`: then the shell says
    `heliosh: NAME: MESSAGE` and the status is the fault's. A Fault of a special builtin ends a shell that is not
    interactive (POSIX XCU 2.8.1). While a builtin runs, ctrl+c raises KeyboardInterrupt in it. One that waits for
    something else than children does so within `shell.jobs.watched()`, so that no zombie is left meanwhile.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.interactive = state.interactive  # of this process: not so in subshells
        self.signals = Signals()
        self.jobs = Jobs(state, self.signals)
        self.traps = Traps(self.signals)
        self.expander = Expander(state, self.substitute)
        self.jobs.died, self.jobs.waited = self._job_died, self._job_waited
        self.history: list[str] | None = None
        self.substituted = 0  # status of the last `$(…)` of this command
        self.announce: Callable[[str], None] = self.tell  # how a notice is shown while a line is being typed
        self._executor = Executor(self)
        self._substitution = Substitution(self, self._executor)
        self._trap_status: int | None = None
        self._captured: list[str] | None = None
        self._warned = 0

    def become_interactive(self, *, control: bool) -> None:
        """Take the terminal, in a process group of the shell's own; and say so where that can't be."""
        self.signals.be_interactive()
        self.traps.interactive = True
        self.hook_jobs()
        if control:
            try:
                self._take_terminal()
            except Fault as fault:
                self.tell_fault(Fault(f"no job control in this shell: {fault.message}"))
                return
            self.jobs.controlled = True
            self.state.options.add("monitor")

    def _take_terminal(self) -> None:
        """Raises Fault when there is none to be had."""
        terminal = self.jobs.terminal or Terminal()
        if self.interactive:
            terminal.acquire()
            self.signals.control_jobs(True)
        self.jobs.terminal, self.jobs.modes = terminal, terminal.modes()
        if self.interactive and self.jobs.report is None and os.environ.get("HELIOSTUI_JOBS") == "1":
            from engine.shell.report import Report

            self.jobs.report = Report(terminal.fd)
            self.jobs.tell()

    def suspend(self) -> None:
        """Stop, as a job of whoever started this shell, until that continues it. Raises Fault where nobody could."""
        terminal = self.jobs.terminal
        if terminal is None or not self.interactive:
            raise Fault("no job control")
        if os.getsid(0) == os.getpid():
            raise Fault("this shell leads its session: nobody could continue it")
        terminal.give_back()
        os.killpg(os.getpgrp(), signal.SIGSTOP)
        self._take_terminal()

    def await_terminal(self) -> None:
        """Before a prompt: who was stopped, and continued in the background, waits for the foreground again."""
        terminal = self.jobs.terminal
        owner = terminal.owner() if terminal else 0
        if terminal is None or owner in (0, os.getpgrp()):
            return
        if os.getsid(0) == os.getpid() or any(job.pgid == owner for job in self.jobs.all()):
            terminal.give(os.getpgrp())  # a job has taken it
        else:
            with suppress(Fault):  # nobody is there to give it: reading will say so
                self._take_terminal()

    # --- running ---

    def run_text(self, text: str, name: str, *, first_line: int = 1, last: bool = False) -> int:
        """Carry out a text in this shell, one line after the other (eval, source, a file); the last status.

        `name` is what faults call it. Syntax faults are told and give status 2. `last`: nothing comes after it in
        this process.
        """
        executor = self._executor
        outer = executor.name, executor.first_line
        parser = Parser(text, name=name, first_line=first_line, aliases=self.state.aliases)
        ran = False
        try:
            for script in parser:
                executor.name, executor.first_line = name, first_line
                self.run(script, last=last and _is_end(script))
                ran = True
            if not ran:
                self.state.status = 0
        except SyntaxFault as fault:
            self.tell_fault(fault)
            self.state.status = fault.status
        except RecursionError:
            executor.abort(Fault("texts run each other without end", hint="an `eval`, `.` or trap that calls itself?"))
        finally:
            executor.name, executor.first_line = outer
        return self.state.status

    def run(self, script: Script, *, last: bool = False) -> int:
        """Carry out one line that is parsed already."""
        if "verbose" in self.state.options:
            self.tell(script.source[script.statements[0].span.start : script.statements[-1].span.end])
        status = self._executor.script(script, last)
        if self.signals.pending:
            self.run_traps()
        return status

    def call(self, words: list[str], environment: Mapping[str, str] | None = None, *, builtins: bool = True) -> int:
        """Run a command whose words are expanded already, in the foreground: for `command`, `builtin`.

        `environment` comes on top of the exported variables. 126 or 127 with a message when it can't be run.
        """
        if builtins and (builtin := BUILTINS.get(words[0])):
            try:
                return builtin(self, list(words[1:]))
            except Fault as fault:
                fault.message = f"{words[0]}: {fault.message}"
                self.tell_fault(fault)
                return fault.status
        full = {**self.state.variables.environment(), **(environment or {})}
        return self._executor.program(words, full, (), self.find(words[0]), last=False, text=" ".join(words))

    def replace(
        self, words: list[str], *, environment: Mapping[str, str] | None = None, name: str | None = None
    ) -> NoReturn:
        """`exec WORDS`: become that program; `name` is its argv[0], `environment` all of its environment.

        Raises Fault (126, 127) when that can't be; the shell is then as it was before.
        """
        path = self.find(words[0])
        if path is None:
            raise programs.not_found(self.state, words[0])
        terminal = self.jobs.terminal
        if environment is None:
            environment = self.state.variables.environment()
            level = environment.get("SHLVL", "")
            if level.isdecimal() and os.getpid() == self.state.pid:
                environment["SHLVL"] = str(int(level) - 1)  # the program is in this shell's place
        if terminal is not None and self.interactive:
            terminal.give_back()
        try:
            argv = [name if name is not None else words[0], *words[1:]]
            self.exec(path, argv, environment)
        finally:
            if terminal is not None and self.interactive:
                self._take_terminal()

    def keep_redirections(self) -> None:
        """Called by a builtin (`exec` without a command): what it was redirected to stays."""
        self._executor.kept = True

    def set_option(self, name: str, on: bool) -> None:
        """`set -o NAME`, `set +o NAME`: all that follows from it too (`monitor` takes the terminal). Raises Fault."""
        if name == "monitor":
            if on and not self.jobs.controlled:
                with suppress(Fault):  # groups there are without a terminal too
                    self._take_terminal()
            self.jobs.controlled = on
        if name in ("emacs", "vi"):
            self.state.options -= {"emacs", "vi"}
        if on:
            self.state.options.add(name)
        else:
            self.state.options.discard(name)

    # --- what builtins use ---

    def write(self, text: str) -> None:
        """Write to descriptor 1, all of it. Raises Fault ("write error: …"); a broken pipe is quiet where bash is."""
        if self._captured is not None:
            self._captured.append(text)
            return
        try:
            write_all(1, text)
        except OSError as error:
            raise Fault(f"write error: {error.strerror}") from error

    @contextmanager
    def capturing(self) -> Iterator[list[str]]:
        """Have what is written to descriptor 1 by `write` come into a list."""
        outer, self._captured = self._captured, []
        try:
            yield self._captured
        finally:
            self._captured = outer

    def tell(self, text: str) -> None:
        """Write a line to descriptor 2."""
        try:
            write_all(2, text + "\n")
        except OSError:
            return  # nowhere to say so

    def complain(self, message: str) -> None:
        """Write a message to descriptor 2: `heliosh: MESSAGE`, or with the place in the text or file that is run."""
        self.tell_fault(Fault(message, self._executor.here()))

    def tell_fault(self, fault: Fault) -> None:
        """Write it to descriptor 2 as `Fault.explain` says it."""
        self.tell(fault.explain())

    def find(self, name: str) -> str | None:
        """The program of that name in PATH, remembered (`state.hash`); a name with a slash is its own path."""
        return programs.find(self.state, name)

    def substitute(self, scripts: tuple[Script, ...]) -> str:
        """`$(…)`: what the commands write, without the newlines at the end. Their status is `state.status` then.

        Raises KeyboardInterrupt when ctrl+c ended them.
        """
        output, status = self._substitution.run(scripts)
        self.substituted = self.state.status = status
        return output

    def trace(self, words: list[str], *, assignments: bool = False) -> None:
        """`set -x`: show a command as it is run, after PS4."""
        line = " ".join(words if assignments else [_quoted(word) for word in words])
        self.tell(self.expander.prompt(self.state.variables.get("PS4") or "") + line)

    # --- programs ---

    def may_become(self) -> bool:
        """Whether this process may become its last program: nothing is left to do for a shell."""
        return not (self.interactive or self.jobs.controlled or self.traps.busy() or self.signals.pending)

    def exec(self, path: str, words: list[str], environment: Mapping[str, str]) -> NoReturn:
        """execve(2), for a text without `#!` with this shell in front. Raises Fault."""
        with self.signals.for_program(self.jobs.controlled):
            try:
                try:
                    os.execve(path, words, environment)
                except OSError as error:
                    interpreter = programs.interpreted(path, words, error)
                    os.execve(interpreter[0], interpreter, environment)
            except (OSError, ValueError) as error:
                raise programs.refusal(words[0], path, error) from error

    # --- traps ---

    def run_traps(self) -> None:
        """Run the actions of the signals that have come."""
        while self.signals.pending:
            number = self.signals.pending.pop(0)
            self.run_trap(signals.NAMES[number])

    def run_trap(self, condition: str) -> None:
        """Run an action, if there is one. `$?` is afterwards what it was before."""
        action = self.traps.actions.get(condition)
        if not action or (self._trap_status is not None and condition in ("ERR", "DEBUG")):
            return
        outer = self._trap_status
        self._trap_status, pipe_status = self.state.status, self.state.pipe_status
        try:
            self.run_text(action, f"trap {condition}")
        finally:
            self.state.status, self.state.pipe_status = self._trap_status, pipe_status
            self._trap_status = outer

    @property
    def in_trap(self) -> bool:
        """Whether an action is being run."""
        return self._trap_status is not None

    # --- the end ---

    def may_leave(self) -> bool:
        """Whether `exit` and ctrl+d may end the shell now: the first time with stopped jobs it warns and says no."""
        if not self.interactive or self._warned or all(job.state != "stopped" for job in self.jobs.all()):
            return True
        self._warned = 2
        self.tell("There are stopped jobs.")
        return False

    def next_command(self) -> None:
        """Something else than a second `exit` was typed in between: it warns anew then."""
        self._warned = max(0, self._warned - 1)

    def exit(self, status: int | None = None) -> NoReturn:
        """End the shell (or this subshell): raises ShellExit. Without a status `$?`, in a trap that from before it."""
        if status is None:
            status = self.state.status if self._trap_status is None else self._trap_status
        raise ShellExit(status & 255)

    def finish(self, status: int) -> int:
        """The EXIT trap; stopped jobs are not left behind. The status to end with."""
        self.state.status = status
        action = self.traps.actions.get("EXIT")
        if action:
            self.traps.set("EXIT", None)
            try:
                self.run_text(action, "trap EXIT")
            except (ShellExit, Abort) as end:
                status = end.status
        self.jobs.hang_up(stopped_only=True)
        if self.jobs.terminal is not None and self.interactive:
            self.jobs.terminal.give_back()
        return status

    def guarded(self, body: Callable[[], int]) -> int:
        """Run something up to the end of this shell, whatever ends it; the status. Death by a signal is one."""
        try:
            try:
                status = body()
            except (ShellExit, Abort) as end:
                status = end.status
            return self.finish(status)
        except KeyboardInterrupt:
            self.finish(130)
            signals.die(signal.SIGINT)
        except HangUp as end:
            if self.interactive:
                self.jobs.hang_up()
            self.finish(128 + end.number)
            signals.die(end.number)

    def subshell(self, body: Callable[[], int], moves: Sequence[Move] = ()) -> NoReturn:
        """In a forked child: put its descriptors in place, run, and end without anything of the parent's."""
        status = 1
        try:
            for source, place in moves:
                put(source, place)
            close_internal()
            self.interactive = False
            self.state.options.discard("monitor")
            self.traps.enter_subshell()
            self.jobs.enter_subshell()
            status = self.guarded(body)
        finally:
            os._exit(status)

    # --- notices ---

    def hook_jobs(self) -> None:
        """Say what becomes of jobs: somebody is there to read it."""
        self.jobs.stopped = self._job_stopped
        self.jobs.notify = self._announce_changes

    def tell_changes(self) -> None:
        """What became of background jobs, before a prompt."""
        for line in self.jobs.changed():
            self.tell(line)

    def _announce_changes(self) -> None:
        for line in self.jobs.changed():
            self.announce(line)

    def _job_died(self, job: Job) -> None:
        if job.decisive.signal == signal.SIGINT:
            return  # who typed it knows
        if self.interactive:
            self.tell(job.describe())
        else:
            self.complain(f"{job.command}: {job.describe()}")

    def _job_waited(self, job: Job) -> None:
        if self.interactive:
            self.tell(self.jobs.line(job))
        elif job.decisive.signal not in (0, signal.SIGINT, signal.SIGPIPE, signal.SIGTERM):
            self._job_died(job)

    def _job_stopped(self, job: Job) -> None:
        if self.interactive:
            self.tell("\n" + self.jobs.line(job))


Builtin: TypeAlias = Callable[[Shell, list[str]], int]


def write_all(fd: int, text: str) -> None:
    """Write all of it. Raises OSError."""
    data = memoryview(text.encode("utf-8", "surrogateescape"))
    while data:
        data = data[os.write(fd, data) :]


def _is_end(script: Script) -> bool:
    """Whether nothing stands behind this line in its text."""
    return not script.source[script.statements[-1].span.end :].strip(" \t\n;")


def _quoted(word: str) -> str:
    """As it is shown by `set -x`: quoted only where it must be, and then all of it."""
    from engine.shell.quoting import quote

    quoted = quote(word)
    return quoted if quoted == word or quoted.startswith(("$'", "''")) else "'" + word.replace("'", "'\\''") + "'"
