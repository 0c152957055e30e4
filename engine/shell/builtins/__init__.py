"""The commands that heliosh has in itself. This table is all that is imported before one is called; its module comes
with the first call.

A module has a table `COMMANDS` of name and function. `Shell` says in its docstring how a function behaves.
"""

from __future__ import annotations

import sys

from engine.shell.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.shell.shell import Builtin, Shell


class Command:
    """One builtin: `usage` follows its name, `summary` is its line in `help`."""

    __slots__ = ("_function", "module", "name", "summary", "usage")

    def __init__(self, module: str, name: str, usage: str, summary: str) -> None:
        self.module = module
        self.name = name
        self.usage = usage
        self.summary = summary
        self._function: Builtin | None = None

    def __call__(self, shell: Shell, arguments: list[str]) -> int:
        """Run it, or tell what it does where it is asked that by `--help`."""
        if arguments[:1] == ["--help"] and self.name not in _TAKE_HELP:
            return BUILTINS["help"](shell, [self.name])
        if self._function is None:
            path = f"{__name__}.{self.module}"
            __import__(path)
            self._function = sys.modules[path].COMMANDS[self.name]
        return self._function(shell, arguments)


# To these --help is a word like others, or for the program that they call.
_TAKE_HELP = frozenset("echo test [ true false : tar oci env".split())

# POSIX XCU 2.14: an error in one of these ends a shell that isn't interactive.
SPECIAL = frozenset(": . eval exec exit export readonly return set shift source times trap unset".split())

GROUPS: dict[str, list[Command]] = {
    "Directories": [
        Command("directories", "cd", "[-L | -P] [DIR | -]", "change the working directory"),
        Command("directories", "pwd", "[-L | -P]", "print the working directory"),
        Command("directories", "pushd", "[-n] [DIR | +N | -N]", "change the directory, and keep this one on a stack"),
        Command("directories", "popd", "[-n] [+N | -N]", "go back to the directory on top of the stack"),
        Command("directories", "dirs", "[-clpv] [+N | -N]", "show the stack of directories"),
    ],
    "Jobs and signals": [
        Command("job_control", "jobs", "[-lnprs] [JOB…] | jobs -x COMMAND [ARG…]", "list the jobs"),
        Command("job_control", "fg", "[JOB]", "bring a job to the foreground, and let it go on"),
        Command("job_control", "bg", "[JOB…]", "let stopped jobs go on in the background"),
        Command("job_control", "wait", "[-fn] [-p NAME] [JOB…]", "wait until jobs or processes end"),
        Command("signals", "kill", "[-s SIGNAL | -n NUMBER | -SIGNAL] PID | JOB … | kill -l [SIGNAL…]",
            "send a signal to jobs, processes or groups"),
        Command("job_control", "disown", "[-h] [-ar] [JOB…]", "forget jobs, so that they outlive the shell"),
        Command("job_control", "suspend", "[-f]", "stop this shell, until the one that started it continues it"),
        Command("signals", "trap", "[-lp] [[ACTION] SIGNAL…]", "run something when a signal comes, or at the end"),
        Command("limits", "times", "", "show the processor time of the shell and of what it ran"),
    ],
    "Variables and settings": [
        Command("variables", "export", "[-n] [-p] [NAME[=VALUE]…]", "hand variables to the programs that are run"),
        Command("variables", "unset", "[-v] [NAME…]", "remove variables"),
        Command("variables", "readonly", "[-p] [NAME[=VALUE]…]", "protect variables from change"),
        Command("variables", "env", "[OPTION…] [NAME=VALUE…] [COMMAND [ARG…]]",
            "run a program in another environment, or print it"),
        Command("settings", "set", "[-abefhmnuvxBCH] [-o OPTION] [+…] [--] [ARG…]", "change settings and $1 $2 …"),
        Command("settings", "shopt", "[-pqsu] [-o] [OPTION…]", "change further settings"),
        Command("variables", "shift", "[N]", "drop the first N of $1 $2 … (1)"),
        Command("reading", "read", "[-rs] [-d CHAR] [-n N | -N N] [-p PROMPT] [-t SECONDS] [-u FD] [NAME…]",
            "read a line into variables"),
        Command("reading", "getopts", "OPTIONS NAME [ARG…]", "go through options, one with each call"),
        Command("variables", "let", "EXPRESSION…", "calculate; the status is 1 where the last one is 0"),
    ],
    "Commands": [
        Command("aliases", "alias", "[-p] [NAME[=VALUE]…]", "give a command line a short name, or list them"),
        Command("aliases", "unalias", "[-a] [NAME…]", "remove aliases"),
        Command("commands", "source", "FILE [ARG…]", "run the lines of a file in this shell"),
        Command("commands", ".", "FILE [ARG…]", "the same as source"),
        Command("commands", "eval", "[ARG…]", "run the words as a command line"),
        Command("commands", "exec", "[-cl] [-a NAME] [COMMAND [ARG…]]", "put a program in place of this shell"),
        Command("commands", "command", "[-pVv] COMMAND [ARG…]", "run a command, no alias; or tell what it is"),
        Command("commands", "builtin", "[NAME [ARG…]]", "run one of these commands"),
        Command("commands", "type", "[-aptP] NAME…", "tell what a command is"),
        Command("commands", "hash", "[-lr] [-p PATH] [-dt] [NAME…]", "what is remembered of where programs are"),
        Command("history", "history", "[-c] [-d N | N-M] [N] | history -anrw [FILE] | history -ps ARG…",
            "list what was typed in"),
        Command("commands", "exit", "[N]", "end the shell with a status"),
        Command("commands", "logout", "[N]", "end a login shell"),
        Command("commands", "return", "[N]", "end a file that is being run by source"),
        Command("documentation", "help", "[-ds] [NAME…]", "this list, or more about a command"),
    ],
    "Text and conditions": [
        Command("text", "echo", "[-neE] [ARG…]", "write words"),
        Command("text", "printf", "[-v NAME] FORMAT [ARG…]", "write words in a form"),
        Command("conditions", "test", "[EXPRESSION]", "tell by the status whether something is so"),
        Command("conditions", "[", "[EXPRESSION] ]", "the same as test, with a ] at the end"),
        Command("conditions", "true", "", "succeed"),
        Command("conditions", "false", "", "fail"),
        Command("conditions", ":", "[ARG…]", "succeed; its words are expanded"),
    ],
    "Limits": [
        Command("limits", "umask", "[-p] [-S] [MODE]", "which permissions new files don't get"),
        Command("limits", "ulimit", "[-HS] [-a] [-cdefilmnpqrstuvxR] [LIMIT]", "limits of the programs that are run"),
    ],
    "Containers": [
        Command("containers", "oci", "VERB [ARG…]", "create, run and look after containers: `heliostui VERB`"),
        Command("containers", "tar", "[OPTION…] [MEMBER…]", "unpack archives safely; otherwise tar(1)"),
    ],
}  # fmt: skip

BUILTINS: dict[str, Command] = {command.name: command for commands in GROUPS.values() for command in commands}
