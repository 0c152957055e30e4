"""One shell: its state, jobs, traps and words together. What the builtins see. Imports this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from engine.shell.jobs import Jobs
from engine.shell.state import State
from engine.shell.traps import Traps

if TYPE_CHECKING:
    from engine.shell.ast import Script
    from engine.shell.expansion import Expander


class ShellExit(BaseException):
    """The shell, or the subshell that is running, shall end with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Shell:
    """A running shell. Builtins get it as their first argument; they write to descriptors 1 and 2 and read 0.

    A builtin that finds something wrong complains and returns a status, or raises `Fault`: then the shell says
    `heliosh: NAME: MESSAGE` and the status is the fault's. A Fault of a special builtin ends a shell that is not
    interactive (POSIX XCU 2.8.1). While a builtin runs, ctrl+c raises KeyboardInterrupt in it.
    """

    state: State
    jobs: Jobs
    traps: Traps
    expander: Expander
    interactive: bool
    history: list[str] | None

    def run_text(self, text: str, name: str, *, first_line: int = 1) -> int:
        """Carry out a text in this shell, one line after the other (eval, source, a file); the last status.

        `name` is what faults call it. Syntax faults are told and give status 2.
        """
        raise NotImplementedError

    def run(self, script: Script) -> int:
        """Carry out one line that is parsed already."""
        raise NotImplementedError

    def call(self, words: Sequence[str], environment: Mapping[str, str] | None = None, *, builtins: bool = True) -> int:
        """Run a command whose words are expanded already, in the foreground: for `command`, `builtin`.

        `environment` comes on top of the exported variables. 126 or 127 with a message when it can't be run.
        """
        raise NotImplementedError

    def replace(
        self, words: Sequence[str], *, environment: Mapping[str, str] | None = None, name: str | None = None
    ) -> NoReturn:
        """`exec WORDS`: become that program; `name` is its argv[0], `environment` all of its environment.

        Raises Fault (126, 127) when that can't be; the shell is then as it was before.
        """
        raise NotImplementedError

    def keep_redirections(self) -> None:
        """Called by a builtin (`exec` without a command): what it was redirected to stays."""
        raise NotImplementedError

    def set_option(self, name: str, on: bool) -> None:
        """`set -o NAME`, `set +o NAME`: all that follows from it too (`monitor` takes the terminal). Raises Fault."""
        raise NotImplementedError

    def write(self, text: str) -> None:
        """Write to descriptor 1, all of it. Raises Fault ("write error: …"); a broken pipe is quiet where bash is."""
        raise NotImplementedError

    def complain(self, message: str) -> None:
        """Write a message to descriptor 2: `heliosh: MESSAGE`, or with the place in the text or file that is run."""
        raise NotImplementedError

    def find(self, name: str) -> str | None:
        """The program of that name in PATH, remembered (`state.hash`); a name with a slash is its own path."""
        raise NotImplementedError

    def substitute(self, scripts: tuple[Script, ...]) -> str:
        """`$(…)`: what the commands write, without the newlines at the end. Their status is `state.status` then."""
        raise NotImplementedError

    def may_leave(self) -> bool:
        """Whether `exit` and ctrl+d may end the shell now: the first time with stopped jobs it warns and says no."""
        raise NotImplementedError

    def exit(self, status: int) -> NoReturn:
        """End the shell (or this subshell): raises ShellExit."""
        raise ShellExit(status & 255)


Builtin: TypeAlias = Callable[[Shell, list[str]], int]
