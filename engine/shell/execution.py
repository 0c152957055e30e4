"""The tree carried out: lists, pipelines, commands. Imports this package.

A program is spawned from the shell itself wherever that can't be told from a subshell; a fork is for builtins and
groups in pipelines and in the background, and for words that would change the shell (`${x:=1}`) or keep it (`$(…)`).
`last` means that nothing comes after this in this process: it may become the program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from engine.shell import programs
from engine.shell.ast import (
    AndOr,
    Arithmetic,
    Command,
    CommandSubstitution,
    Group,
    Parameter,
    Pipeline,
    Redirection,
    Script,
    SimpleCommand,
    Span,
    Statement,
    Word,
)
from engine.shell.builtins import BUILTINS, SPECIAL
from engine.shell.faults import Fault, Place
from engine.shell.jobs import Job
from engine.shell.redirection import Opened, Target, can_block, pipe, target
from engine.shell.spawn import Move
from engine.shell.state import Variable
from engine.shell.tty import internal
from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from engine.shell.shell import Builtin, Shell

NOTHING = Script((), "")


class ShellExit(BaseException):
    """The shell, or the subshell that is running, shall end with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Abort(BaseException):
    """A line can't go on; the user has been told why. An interactive shell reads the next one."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Refused(Exception):
    """Redirections could not be made; the user has been told why, where the command would have told it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Executor:
    """Carries out for one shell. `name` and `first_line` say what the text is called that is being run."""

    def __init__(self, shell: Shell) -> None:
        self.name = shell.state.name
        self.first_line = 1
        self.kept = False  # `exec` without a command: its redirections stay
        self._shell = shell
        self._state = shell.state
        self._script = NOTHING
        self._span: Span | None = None
        self._counted = ("", 0, 0)  # newlines in a source, up to an offset
        shell.expander.place = self.place
        self._tested = False  # a failure is looked at by && || or !, so errexit has no say

    # --- lists ---

    def script(self, script: Script, last: bool = False) -> int:
        """All statements of a line; the status of the last."""
        outer, self._script = self._script, script
        try:
            final = len(script.statements) - 1
            for index, statement in enumerate(script.statements):
                self._statement(statement, last and index == final)
        finally:
            self._script = outer
        return self._state.status

    def scripts(self, scripts: Sequence[Script], last: bool) -> int:
        """The lines of a group, or of a substitution."""
        status = 0
        for script in scripts:
            status = self.script(script, last and script is scripts[-1])
        return status

    def _statement(self, statement: Statement, last: bool) -> None:
        if self._shell.signals.pending:
            self._shell.run_traps()
        if "noexec" in self._state.options and not self._shell.interactive:
            return
        try:
            if statement.background:
                self._background(statement)
            else:
                self._and_or(statement.body, last)
        except OSError as error:  # of fork(2) and pipe(2): what files can do wrong is a fault already
            self.abort(
                Fault(f"cannot start a process: {error.strerror}", hint="ulimit -a shows the limits", status=126)
            )

    def _and_or(self, tree: AndOr, last: bool) -> int:
        status, tested = 0, self._tested
        final = len(tree.pipelines) - 1
        for index, pipeline in enumerate(tree.pipelines):
            if index and (tree.operators[index - 1] == "&&") != (status == 0):
                continue
            self._tested = tested or index < final or pipeline.negated
            try:
                status = self._pipeline(pipeline, last and index == final)
                if status and not self._tested and not _is_brace_group(pipeline):
                    self._failed(status)
            finally:
                self._tested = tested
            if self._shell.signals.pending:
                self._shell.run_traps()
        return status

    def _failed(self, status: int) -> None:
        """What `set -e` and the ERR trap are for."""
        self._shell.run_trap("ERR")
        if "errexit" in self._state.options:
            raise ShellExit(status)

    def _background(self, statement: Statement) -> None:
        """`… &`: a pipeline's members are the job; a list needs a subshell that goes through it."""
        body, text = statement.body, self._script.text(statement.body.span)
        if len(body.pipelines) == 1 and not body.pipelines[0].negated:
            job = self._start_all(body.pipelines[0].commands, text, foreground=False)
        else:
            job = self._shell.jobs.new(text, foreground=False)
            self._fork(job, text, self._background_input(), lambda: self._and_or(body, True))
        self._shell.jobs.started(job)
        self._state.status = 0
        if self._shell.interactive:
            self._shell.tell(f"[{job.number}] {job.processes[-1].pid}")

    # --- pipelines ---

    def _pipeline(self, pipeline: Pipeline, last: bool) -> int:
        commands = pipeline.commands
        self._span = pipeline.span
        if len(commands) == 1:
            status = self._command(commands[0], last and not pipeline.negated)
        else:
            job = self._start_all(commands, self._script.text(pipeline.span), foreground=True)
            status = self._wait(job)
        if pipeline.negated:
            status = int(not status)
        self._state.status = status
        return status

    def _start_all(self, commands: Sequence[Command], text: str, *, foreground: bool) -> Job:
        """Start the members of a pipeline, each with its ends of the pipes."""
        job = self._shell.jobs.new(text, foreground=foreground)
        moves = [] if foreground else self._background_input()
        try:
            for command in commands:
                following = -1
                try:
                    if command is not commands[-1]:
                        following, write = pipe()
                        moves.append((write, 1))
                    self._start(job, command, moves)
                finally:
                    for source, _ in moves:
                        os.close(source)
                    moves = [(following, 0)] if following >= 0 else []
        except OSError:
            for source, _ in moves:
                os.close(source)
            self._shell.jobs.abandon(job)
            raise
        return job

    def _background_input(self) -> list[Move]:
        """Without job control, what runs in the background must not read what is meant for the shell (XCU 2.9.3.1)."""
        if self._shell.jobs.controlled:
            return []
        return [(internal(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)), 0)]

    def _start(self, job: Job, command: Command, moves: Sequence[Move]) -> None:
        """Start one member: a program by itself, anything else in a subshell."""
        text = self._script.text(command.span)
        if isinstance(command, SimpleCommand) and self._spawned(job, command, text, moves):
            return
        self._fork(job, text, moves, lambda: self._command(command, True, in_subshell=True))

    def _spawned(self, job: Job, command: SimpleCommand, text: str, moves: Sequence[Move]) -> bool:
        """Start a plain program without a fork. False if that can't be, or went wrong: a subshell then tells why."""
        shell = self._shell
        words = self.plain_words(command) if shell.jobs.can_spawn(job) else []
        path = shell.find(words[0]) if words and words[0] not in BUILTINS else None
        if path is None:
            return False
        opened = self._opened(here=False)
        opened.moves.extend(moves)
        try:
            with self._state.variables.frozen():
                targets = self._targets(command.redirections)
            if can_block(targets):
                return False
            for each in targets:
                opened.add(each)
            shell.jobs.spawn(job, text, path, words, {**self._state.variables.environment(), "_": path}, opened.moves)
        except (Fault, OSError, ValueError):
            return False
        finally:
            opened.close()
        self._trace(words)
        return True

    def plain_words(self, command: SimpleCommand) -> list[str]:
        """The words of a command, expanded here as a subshell would; none where the two could be told apart."""
        if not _is_plain(command):
            return []
        try:
            with self._state.variables.frozen():
                return self._shell.expander.words(command.words)
        except Fault:
            return []  # a subshell will say why

    def _fork(self, job: Job, text: str, moves: Sequence[Move], body: Callable[[], int]) -> None:
        if self._shell.jobs.fork(job, text) == 0:
            self._shell.subshell(body, moves)

    def _wait(self, job: Job) -> int:
        try:
            return self._shell.jobs.wait_foreground(job)
        finally:
            self._state.pipe_status = [process.exit_status for process in job.processes]

    # --- commands ---

    def _command(self, command: Command, last: bool, in_subshell: bool = False) -> int:
        if isinstance(command, SimpleCommand):
            return self._simple(command, last)
        if command.subshell and not in_subshell and not (last and self._shell.may_become()):
            text = self._script.text(command.span)
            job = self._shell.jobs.new(text, foreground=True)
            self._fork(job, text, (), lambda: self._group(command, True))
            return self._wait(job)
        return self._group(command, last)

    def _group(self, group: Group, last: bool) -> int:
        try:
            opened = self._redirected(group.redirections)
        except Refused as refused:
            if not self._tested:
                self._failed(refused.status)
            return self._single(refused.status)
        try:
            status = self.scripts(group.script, last)
        finally:
            opened.restore()
        self._state.pipe_status = [status]
        return status

    def _simple(self, command: SimpleCommand, last: bool) -> int:
        """Expanded, then found: nothing but assignments, a builtin, a program."""
        self._arrive(command.span)
        shell, state = self._shell, self._state
        shell.substituted = 0
        with shell.signals.may_interrupt():
            words = self._expanded(command)
        if not words:
            status = self._assign(command)
        elif builtin := BUILTINS.get(words[0]):
            status = self._builtin(command, builtin, words)
        else:
            status = self._program(command, words, last)
        if words:
            state.last_argument = words[-1]
        return status

    def _arrive(self, span: Span) -> None:
        if not self._shell.in_trap:
            self._state.line = self.first_line + self._newlines_before(span.start)
        if "DEBUG" in self._shell.traps.actions:
            self._shell.run_trap("DEBUG")
        self._span = span

    def _newlines_before(self, offset: int) -> int:
        """Counted on from the last time: a long text is gone through once."""
        source, last, count = self._counted
        if source is not self._script.source or offset < last:
            source, last, count = self._script.source, 0, 0
        count += source.count("\n", last, offset)
        self._counted = (source, offset, count)
        return count

    def _expanded(self, command: SimpleCommand) -> list[str]:
        try:
            return self._shell.expander.words(command.words)
        except Fault as fault:
            self.abort(fault)

    def abort(self, fault: Fault) -> NoReturn:
        """An error that ends a shell, and only this line where somebody types (POSIX XCU 2.8.1)."""
        self._shell.tell_fault(self._placed(fault))
        self._state.pipe_status = [fault.status]
        self._state.status = fault.status
        if self._shell.interactive:
            raise Abort(fault.status)
        raise ShellExit(fault.status)

    def _assign(self, command: SimpleCommand) -> int:
        """Assignments and redirections alone; the status is that of the last `$(…)` in them."""
        try:
            opened = self._redirected(command.redirections)
        except Refused as refused:
            return self._single(refused.status)
        with self._shell.signals.may_interrupt():
            try:
                self._set_variables(command)
            except Fault as fault:
                self.abort(fault)
            finally:
                opened.restore()
        return self._single(self._shell.substituted)

    def _single(self, status: int) -> int:
        self._state.pipe_status = [status]
        return status

    def _set_variables(self, command: SimpleCommand) -> dict[str, Variable]:
        """Carry out the assignments; what was there before. Raises Fault, with none of them undone."""
        variables, shown = self._state.variables, []
        before: dict[str, Variable] = {}
        for name, word, append, _ in command.assignments:
            before.setdefault(name, variables.saved(name))
            value = self._shell.expander.assignment(word)
            variables.set(name, (variables.get(name) or "") + value if append else value)
            shown.append(f"{name}={value}")
        if shown and not command.words:
            self._trace(shown, assignments=True)
        return before

    def _builtin(self, command: SimpleCommand, builtin: Builtin, words: list[str]) -> int:
        """With its redirections made in the shell for as long as it runs."""
        shell, special = self._shell, words[0] in SPECIAL
        before: dict[str, Variable] = {}
        opened = None
        try:
            with shell.signals.may_interrupt():
                opened = self._redirected(command.redirections)
                before = self._set_variables(command)
                for name in before:  # what `X=1 exec prog` and its kind run gets it
                    self._state.variables.export(name)
                self._trace(words)
                status = builtin(shell, words[1:])
        except Refused as refused:
            status = self._builtin_failed(refused.status, special)
        except Fault as fault:
            if fault.place is None:
                fault.message = f"{words[0]}: {fault.message}"
            shell.tell_fault(self._placed(fault))
            status = self._builtin_failed(fault.status, special)
        except KeyboardInterrupt:
            self._single(130)
            raise
        finally:
            if opened is not None:
                opened.keep() if self.kept else opened.restore()
                self.kept = False
            if not special:
                self._restore_variables(before)
        return self._single(status & 255)

    def written(self, script: Script, command: SimpleCommand, words: list[str]) -> tuple[bytes, int]:
        """What a builtin writes, and its status: `$(…)` without a process."""
        outer = self._script, self._span, self._state.pipe_status
        self._script, self._span = script, command.span
        try:
            with self._shell.capturing() as written:
                status = self._builtin(command, BUILTINS[words[0]], words)
        finally:
            self._script, self._span, self._state.pipe_status = outer
        return "".join(written).encode("utf-8", "surrogateescape"), status

    def _builtin_failed(self, status: int, special: bool) -> int:
        if special and not self._shell.interactive:
            raise ShellExit(status)
        return status

    def _restore_variables(self, before: Mapping[str, Variable]) -> None:
        for name, variable in before.items():
            self._state.variables.restore(name, variable)

    def _program(self, command: SimpleCommand, words: list[str], last: bool) -> int:
        """Its environment and redirections are expanded here, as words may refer to earlier ones."""
        before: dict[str, Variable] = {}
        with self._shell.signals.may_interrupt():
            try:
                targets = self._targets_or_refuse(command.redirections)
                before = self._set_variables(command) if command.assignments else before
                environment = self._state.variables.environment()
                for name in before:
                    environment[name] = self._state.variables.get(name) or ""
                path = self._shell.find(words[0])
            except Refused as refused:
                return self._single(refused.status)
            except Fault as fault:
                self.abort(fault)
            finally:
                self._restore_variables(before)
        self._trace(words)
        return self.program(words, environment, targets, path, last=last, text=self._script.text(command.span))

    # --- programs ---

    def program(
        self, words: list[str], environment: dict[str, str], targets: Sequence[Target], path: str | None, *,
        last: bool, text: str,
    ) -> int:  # fmt: skip
        """Run a program in the foreground; its status, 126 or 127 with a message when it can't be run."""
        shell = self._shell
        environment["_"] = path or words[0]
        if path is None or (last and shell.may_become()):
            return self._single(self._become(words, environment, targets, path))
        job = shell.jobs.new(text, foreground=True)
        if can_block(targets) or not shell.jobs.can_spawn(job):
            self._fork(job, text, (), lambda: self._become(words, environment, targets, path))
            return self._wait(job)
        opened = self._opened(here=False)
        try:
            for each in targets:
                opened.add(each)
            self._spawn(job, text, path, words, environment, opened.moves)
        except Fault as fault:
            return self._single(self._refused(opened, fault))
        except (OSError, ValueError) as error:
            return self._single(self._refused(opened, self._placed(programs.refusal(words[0], path, error))))
        finally:
            opened.close()
        return self._wait(job)

    def _spawn(
        self, job: Job, text: str, path: str, words: list[str], environment: dict[str, str], moves: Sequence[Move]
    ) -> None:
        """Spawn; look a program up anew that has moved; run a text without `#!` by this shell. Raises OSError."""
        shell = self._shell
        try:
            shell.jobs.spawn(job, text, path, words, environment, moves)
        except FileNotFoundError:
            if self._state.hash.pop(words[0], None) is None or (found := shell.find(words[0])) in (None, path):
                raise
            shell.jobs.spawn(job, text, found, words, environment, moves)
        except OSError as error:
            interpreter = programs.interpreted(path, words, error)
            shell.jobs.spawn(job, text, interpreter[0], interpreter, environment, moves)

    def _become(
        self, words: list[str], environment: Mapping[str, str], targets: Sequence[Target], path: str | None
    ) -> int:
        """Let this process be the program; comes back only with what to say when that can't be."""
        opened = self._opened(here=True)
        try:
            # The kernel itself ends a wait for a FIFO's other end: a handler might run just before open(2).
            with self._shell.signals.for_program(self._shell.jobs.controlled):
                for each in targets:
                    opened.add(each)
            if path is None:
                raise programs.not_found(self._state, words[0])
            self._shell.exec(path, words, environment)
        except Fault as fault:
            self._shell.tell_fault(self._placed(fault))
            return fault.status
        finally:
            opened.restore()

    def _refused(self, opened: Opened, fault: Fault) -> int:
        """Say why a program can't be run, to where it would have written itself."""
        opened.enact()
        self._shell.tell_fault(fault)
        opened.restore()
        return fault.status

    # --- redirections, faults, traces ---

    def _targets(self, redirections: Sequence[Redirection]) -> list[Target]:
        expander = self._shell.expander
        return [
            target(each, expander.single(each.target) if each.body is None else expander.text(each.body))
            for each in redirections
        ]

    def _targets_or_refuse(self, redirections: Sequence[Redirection]) -> list[Target]:
        try:
            return self._targets(redirections)
        except Fault as fault:
            self._shell.tell_fault(self._placed(fault))
            raise Refused(fault.status) from fault

    def _opened(self, *, here: bool) -> Opened:
        return Opened(self.fault_at, noclobber="noclobber" in self._state.options, here=here)

    def _redirected(self, redirections: Sequence[Redirection]) -> Opened:
        """Redirections made in the shell itself. Raises Refused, with all of them undone."""
        opened = self._opened(here=True)
        if not redirections:
            return opened
        try:
            with self._shell.signals.may_interrupt():
                for redirection in redirections:
                    for each in self._targets((redirection,)):
                        opened.add(each)
        except Fault as fault:
            self._shell.tell_fault(self._placed(fault))
            opened.restore()
            raise Refused(fault.status) from fault
        except BaseException:
            opened.restore()
            raise
        return opened

    def place(self, span: Span) -> Place:
        """Where in the text that is."""
        return Place(self.name, self._script.source, span.start, span.end, self.first_line)

    def here(self) -> Place | None:
        """Where the command is that is being run; None where somebody has just typed it."""
        return None if self._span is None or self._shell.interactive else self.place(self._span)

    def fault_at(self, message: str, span: Span) -> Fault:
        """A fault with its place."""
        return Fault(message, None if self._shell.interactive else self.place(span))

    def _placed(self, fault: Fault) -> Fault:
        fault.place = fault.place or self.here()
        return fault

    def _trace(self, words: list[str], *, assignments: bool = False) -> None:
        if "xtrace" in self._state.options:
            self._shell.trace(words, assignments=assignments)


def _is_brace_group(pipeline: Pipeline) -> bool:
    """What failed in it has been looked at inside."""
    command = pipeline.commands[0]
    return len(pipeline.commands) == 1 and isinstance(command, Group) and not command.subshell


def _is_plain(command: SimpleCommand) -> bool:
    """Whether there is nothing in it that must not be done twice, in the shell and then in a subshell after all."""
    redirections = command.redirections
    words = (*command.words, *(each.target for each in redirections), *(each.body for each in redirections))
    return not command.assignments and not any(_substitutes(word) for word in words)


def _substitutes(word: Word | None) -> bool:
    """Whether a `$(…)` is in the word."""
    for part in word.parts if word is not None else ():
        if isinstance(part, CommandSubstitution):
            return True
        if isinstance(part, Parameter) and (_substitutes(part.word) or _substitutes(part.second)):
            return True
        if isinstance(part, Arithmetic) and _substitutes(part.expression):
            return True
    return False
